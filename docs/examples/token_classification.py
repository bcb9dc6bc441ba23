"""Fine-tune a token classifier on the BIO tags of a release: RELEASE MODEL OUT [STEPS]."""

import sys

from datasets import load_dataset
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    DataCollatorForTokenClassification,
    Trainer,
    TrainingArguments,
)

release, base, out = sys.argv[1:4]
steps = int(sys.argv[4]) if len(sys.argv) > 4 else 500

data = load_dataset(release, "entities")
names = data["train"].features["ner_tags"].feature.names
tokenizer = AutoTokenizer.from_pretrained(base)


def align(rows: dict) -> dict:
    """Give each word's tag to its first piece; -100 is no label."""
    pieces = tokenizer(rows["tokens"], is_split_into_words=True, truncation=True)
    pieces["labels"] = []
    for place, tags in enumerate(rows["ner_tags"]):
        words = pieces.word_ids(place)
        first = [word is not None and word != before for before, word in zip([None, *words], words, strict=False)]
        pieces["labels"].append([tags[word] if new else -100 for word, new in zip(words, first, strict=True)])
    return pieces


ready = data.map(align, batched=True, remove_columns=data["train"].column_names)
model = AutoModelForTokenClassification.from_pretrained(
    base,
    num_labels=len(names),
    id2label=dict(enumerate(names)),
    label2id={name: place for place, name in enumerate(names)},
)
trainer = Trainer(
    model,
    TrainingArguments(out, max_steps=steps, learning_rate=5e-5, save_strategy="no", report_to=[], use_cpu=True, seed=0),
    DataCollatorForTokenClassification(tokenizer),
    train_dataset=ready["train"],
    eval_dataset=ready.get("validation"),
    processing_class=tokenizer,
)
trainer.train()
trainer.save_model(out)
print(trainer.evaluate() if "validation" in ready else "no validation split")
