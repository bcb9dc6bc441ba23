"""Hold the house to its plan: which folder may import which, and one door per foreign system."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("schemas", "corpus", "annotate", "export", "cli")
TOP_LEVEL = {
    ".ci", ".git", ".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "annotate", "benchmarks", "cli",
    "corpus", "docs", "export", "pyproject.toml", "requirements.lock", "samples", "schemas", "tests",
}  # fmt: skip
# one foreign system, one file
DOORS = {
    "spacy": {
        "annotate/models.py",
        "annotate/ner_training.py",
        "annotate/tagger.py",
        "annotate/tokens.py",
        "corpus/sentences.py",
        "export/docbin.py",
        "export/spacy_files.py",
    },
    "thinc": {"annotate/ner_training.py"},
    "ray": {"corpus/ray_runner.py"},
    "onnxruntime": {"annotate/encoder.py", "annotate/onnx_export.py"},  # to run models, and to make them
    "tokenizers": {"annotate/encoder.py"},
    "torch": {
        "annotate/minilm.py",
        "annotate/onnx_export.py",
        "annotate/stance_fitting.py",
        "annotate/stance_network.py",
        "annotate/stance_training.py",
        "annotate/tagger_network.py",
        "annotate/tagger_training.py",
        "annotate/training_needs.py",
    },
    "safetensors": {"annotate/minilm.py", "annotate/training_needs.py"},
    "spacy_llm": {"annotate/endpoint.py"},
    "label_studio_sdk": {"annotate/client.py"},
    "datasets": {"export/hub_datasets.py", "export/reload.py"},
    "mlcroissant": {"export/croissant_check.py"},
    "cassis": {"export/cas.py"},
    "crowdkit": {"annotate/crowd.py"},
    "pygamma_agreement": {"annotate/gamma.py"},
    "pycountry": {"annotate/polities.py"},
    "huggingface_hub": {"export/card.py", "export/hub.py"},
    "trafilatura": {"corpus/extract.py"},
    "htmldate": {"corpus/extract.py"},
    "nupunkt": {"corpus/sentences.py"},
    "py3langid": {"corpus/language.py"},
    "fastapi": {"annotate/live.py"},
    "uvicorn": {"annotate/live.py"},
    "ftfy": {"corpus/clean.py"},
    "rensa": {"corpus/signatures.py"},
    "fastwarc": {"corpus/warc.py"},
    "fsspec": {"corpus/remote.py"},
    "altair": {"export/charts.py"},
    "vl_convert": {"export/charts.py"},
    "typer": {path.relative_to(ROOT).as_posix() for path in (ROOT / "cli").rglob("*.py")},
    "rich": {path.relative_to(ROOT).as_posix() for path in (ROOT / "cli").rglob("*.py")},
}

MODULES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def imports(path: Path):
    """Yield (level, module, line) of every import statement of a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", node.lineno


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_go_one_way_and_through_the_front_door(path):
    folder = path.relative_to(ROOT).parts[0]
    for level, module, line in imports(path):
        where = f"{path.relative_to(ROOT)}:{line}"
        parts = module.split(".")
        if level == 0 and parts[0] == "copydesk":
            assert len(parts) == 2, f"{where}: import {parts[1] if len(parts) > 1 else 'a folder'} by its front door"
            assert FOLDERS.index(parts[1]) < FOLDERS.index(folder), f"{where}: {folder} may not use {parts[1]}"
        elif level == 0:
            assert parts[0] not in FOLDERS, f"{where}: the import name is copydesk.{parts[0]}"
            allowed = DOORS.get(parts[0])
            assert allowed is None or path.relative_to(ROOT).as_posix() in allowed, f"{where}: {parts[0]} has one door"
        else:
            assert level == 1, f"{where}: a relative import stays inside its folder"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_modules_stay_small_and_plain(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 450, "split it: a module is one idea"
    assert path.stem not in {"utils", "util", "helpers", "common", "misc"}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            assert not node.name.endswith(("Manager", "Handler", "Helper")), f"{node.name} names no thing"


@pytest.mark.parametrize("folder", FOLDERS)
def test_front_doors_are_documented(folder):
    import importlib

    module = importlib.import_module(f"copydesk.{folder}")
    assert module.__all__
    for name in module.__all__:
        thing = getattr(module, name)
        is_documentable = inspect.isclass(thing) or inspect.isfunction(thing)
        assert not is_documentable or thing.__doc__, f"copydesk.{folder}.{name} has no docstring"


def test_nothing_else_lies_at_the_top():
    import subprocess

    # -z: without it git quotes names that are not ASCII
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    extra = {name.split("/")[0] for name in listed.split("\0") if name} - TOP_LEVEL
    assert not extra, f"these need a reason, or another place: {sorted(extra)}"
