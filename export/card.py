"""Write the dataset card: the only place that knows ``huggingface_hub``.

Every number comes from the manifest. The entries of ``configs:`` carry the version and the content's
hash, because ``datasets`` keys its cache by them and by nothing else: without them a release rebuilt in
place, or another folder of the same name, is answered with the rows of the first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from copydesk.schemas import DeskError

from .features import CONFIGS
from .hub_datasets import features_yaml
from .labels import Labels

__all__ = ["render_card"]

_SIZES: Final = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
_MISSING: Final = "[More Information Needed]"


def render_card(manifest: Mapping[str, Any], labels: Labels) -> str:
    """Return the text of README.md: YAML for the machine, then words for people.

    Args:
        manifest: The release's manifest, whole but for its files.
        labels: The ids of every name.

    Raises:
        DeskError: Something was left to be filled in.
    """
    import jinja2
    from huggingface_hub import DatasetCardData

    header = DatasetCardData(**_header(manifest, labels)).to_yaml(line_break="\n")
    source = (resources.files("copydesk.export") / "data" / "card.md.j2").read_text(encoding="utf-8")
    # Markdown, not HTML: what is not ours goes through `_cell`
    world = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701
    world.filters["cell"] = _cell
    text = world.from_string(source).render(card_data=f"---\n{header}\n---", m=manifest)
    if _MISSING in text:
        raise DeskError(f"the card still says {_MISSING!r}")
    return text.rstrip() + "\n"


def _cell(value: object) -> str:
    """Return a value as plain words in Markdown, fit for the cell of a table."""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.2f}"
    # a licence or a pipeline's name is somebody else's text: no link, no image, no markup
    return re.sub(r"([\\|\[\]`*])", r"\\\1", str(value)).replace("\n", " ").replace("<", "&lt;")


def _header(manifest: Mapping[str, Any], labels: Labels) -> dict[str, Any]:
    rows = max(config["rows"] for config in manifest["configs"].values())
    other = manifest["licence"] == "other"
    return {
        "pretty_name": manifest["title"],
        "language": manifest["languages"],
        "license": manifest["licence"],
        **({"license_name": "see-articles", "license_link": "README.md"} if other else {}),
        "size_categories": [next((name for limit, name in _SIZES if rows < limit), "n>10M")],
        "task_categories": ["token-classification", "text-classification"],
        "task_ids": ["named-entity-recognition", "sentiment-classification"],
        "annotations_creators": (["machine-generated"] if manifest["silver"] else [])
        + (["expert-generated"] if manifest["annotators"] else []),
        "language_creators": ["found"],
        "multilinguality": ["monolingual" if len(manifest["languages"]) == 1 else "multilingual"],
        "source_datasets": ["original"],
        "tags": ["news", "armed-conflict", "stance-detection", "target-dependent", "attribution", "copydesk"]
        + (["silver"] if manifest["silver"] else []),
        "configs": [
            {
                "config_name": name,
                "version": manifest["version"],
                "description": f"content-sha256 {manifest['content']}",
                "data_files": [
                    {"split": split, "path": f"{name}/{split}-*.parquet"}
                    for split in manifest["split_names"]
                    if split in config["splits"]
                ],
                **({"default": True} if name == "articles" else {}),
            }
            for name, config in manifest["configs"].items()
        ],
        "dataset_info": [
            {
                "config_name": name,
                "features": features_yaml(CONFIGS[name].features, labels),
                "splits": [
                    {"name": split, "num_bytes": config["bytes"][split], "num_examples": config["splits"][split]}
                    for split in manifest["split_names"]
                    if split in config["splits"]
                ],
                "download_size": config["download"],
                "dataset_size": sum(config["bytes"].values()),
            }
            for name, config in manifest["configs"].items()
        ],
    }
