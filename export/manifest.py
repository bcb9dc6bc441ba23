"""Say what a release is: its manifest, the hash of its content, and the texts that are written from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import Any, Final

from copydesk.annotate import tokenizer_version
from copydesk.corpus import Desk, file_sha256, write_atomically
from copydesk.schemas import LabelScheme

from .build import Built
from .diff import MANIFEST, Diff, summary
from .figures import release_figures
from .gather import Shelved
from .labels import Labels
from .licences import spdx_id
from .splits import SPLITS

__all__ = ["IDS", "changelog", "citation", "content_hash", "describe", "scheme_text", "write_manifest", "write_text"]

IDS: Final = "place"
"""What a mention's id is made of; it was a hash of place and label before."""


def describe(desk: Desk, scheme: LabelScheme, labels: Labels, gathered: Shelved, built: Built) -> dict[str, Any]:
    """Return the manifest of a release, whole but for its version, parent, reasons and files."""
    tally, settings = built.tally, desk.settings.release
    split_names = [split for split in SPLITS if any(split in config["splits"] for config in built.configs.values())]
    name = settings.name or desk.settings.name
    stated = {
        "configs": built.configs,
        "scheme": {"name": scheme.name, "version": scheme.version, "digest": scheme.digest},
        "tokeniser": tokenizer_version(),
        "ids": IDS,
        "title": name,
        "licence": settings.licence,
        "homepage": settings.homepage,
    }
    return {
        "name": name,
        **stated,
        "content": content_hash(stated, labels),
        "copydesk": metadata.version("copydesk"),
        "pipelines": list(gathered.pipelines),
        "ledger": gathered.ledger,
        "as_of": gathered.as_of,
        "splits": {"salt": settings.salt, **{split: getattr(settings, split) for split in SPLITS}},
        "split_names": split_names,
        "documents": tally.documents,
        "languages": sorted(tally.languages),
        "origins": {
            **{origin: tally.origins[origin] for origin in ("gold", "adjudicated", "silver")},
            **({"carried": tally.origins["carried"]} if tally.origins["carried"] else {}),
        },
        "silver": bool(tally.origins["silver"]),
        "annotators": len(tally.annotators),
        "disagreements": sum(1 for item in gathered.disagreements if item.open),
        "entities": tally.entities,
        "lost": built.lost,
        "figures": {figure.id: figure.plain() for figure in release_figures(tally, split_names)},
    }


def content_hash(manifest: Mapping[str, Any], labels: Labels) -> str:
    """Return a hash of what a release says: rows, columns, labels, scheme; not of the files that say it."""
    stated = {name: manifest[name] for name in ("scheme", "tokeniser", "title", "licence", "homepage")}
    stated["labels"] = {key: list(names) for key, names in labels.items()}
    stated["configs"] = {name: [config["logical"], config["columns"]] for name, config in manifest["configs"].items()}
    text = json.dumps(stated, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write ``manifest.json`` over everything else that lies in a release folder."""
    counts = {
        f"{name}/{split}-00000-of-00001.parquet": rows
        for name, config in manifest["configs"].items()
        for split, rows in config["splits"].items()
    }
    files = {
        (relative := path.relative_to(folder).as_posix()): {
            "sha256": file_sha256(path),
            "bytes": path.stat().st_size,
            "rows": counts.get(relative, 0),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    write_text(folder / MANIFEST, json.dumps({**manifest, "files": files}, ensure_ascii=False, indent=1) + "\n")


def changelog(releases: Path, manifest: Mapping[str, Any], found: Diff | None) -> str:
    """Return CHANGELOG.md: this version's section, then those of the release before it."""
    lines = [f"## {manifest['version']}", "", *(f"- {line}" for line in manifest["reasons"])]
    if found is not None:
        lines += [f"- {line}" for line in summary(found) if line not in manifest["reasons"]]
    older = ""
    if manifest["parent"]:
        before = releases / manifest["parent"] / "CHANGELOG.md"
        older = before.read_text(encoding="utf-8").partition("\n\n")[2]
    return f"# Changes of {manifest['title']}\n\n" + "\n".join(lines) + "\n" + (f"\n{older}" if older else "")


def citation(manifest: Mapping[str, Any]) -> str:
    """Return CITATION.cff."""

    def quoted(value: object) -> str:
        return json.dumps(str(value), ensure_ascii=False)

    lines = [
        "cff-version: 1.2.0",
        "message: If you use this dataset, please cite it.",
        "type: dataset",
        f"title: {quoted(manifest['title'])}",
        f"version: {quoted(manifest['version'])}",
        "authors:",
        f"  - name: {quoted('The annotators of ' + manifest['title'])}",
    ]
    lines += [f"date-released: {quoted(manifest['as_of'])}"] if manifest["as_of"] else []
    lines += [f"url: {quoted(manifest['homepage'])}"] if manifest["homepage"] else []
    # the format knows the ids of the SPDX list and nothing else; any other licence is in the card
    licence = spdx_id(manifest["licence"])
    lines += [f"license: {quoted(licence)}"] if licence else []
    lines += ["identifiers:", "  - type: other", f"    value: {quoted('sha256:' + manifest['content'])}"]
    return "\n".join(lines) + "\n"


def scheme_text(desk: Desk) -> str:
    """Return the TOML of a desk's label scheme as it was written."""
    source = desk.settings.scheme
    if source.endswith(".toml"):
        return (desk.path / source).read_text(encoding="utf-8")
    return (resources.files("copydesk.schemas") / "data" / f"{source}.toml").read_text(encoding="utf-8")


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, with ``\\n`` at the ends of lines on every machine."""
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
