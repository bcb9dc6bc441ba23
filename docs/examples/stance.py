"""Fine-tune a classifier of stance towards a target on a release: RELEASE MODEL OUT [STEPS]."""

import sys

from datasets import load_dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

release, base, out = sys.argv[1:4]
steps = int(sys.argv[4]) if len(sys.argv) > 4 else 500

data = load_dataset(release, "stance")
names = data["train"].features["label"].names
tokenizer = AutoTokenizer.from_pretrained(base)
ready = data.map(lambda rows: tokenizer(rows["target"], rows["text"], truncation=True), batched=True)
ready = ready.select_columns(["input_ids", "attention_mask", "label"])

model = AutoModelForSequenceClassification.from_pretrained(
    base,
    num_labels=len(names),
    id2label=dict(enumerate(names)),
    label2id={name: place for place, name in enumerate(names)},
)
trainer = Trainer(
    model,
    TrainingArguments(out, max_steps=steps, learning_rate=5e-5, save_strategy="no", report_to=[], use_cpu=True, seed=0),
    DataCollatorWithPadding(tokenizer),
    train_dataset=ready["train"],
    eval_dataset=ready.get("validation"),
    processing_class=tokenizer,
)
trainer.train()
trainer.save_model(out)
print(trainer.evaluate() if "validation" in ready else "no validation split")
