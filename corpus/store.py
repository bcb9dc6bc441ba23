"""Read a desk's tables by their nouns, and put aside what does not go on."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator

from copydesk.schemas import Cluster, Document, Removed, Segment

from .desk import Desk, file_sha256, read_columns
from .engine import Shard
from .settings import settings_digest

__all__ = [
    "article_shards",
    "canonical_documents",
    "clusters",
    "content_name",
    "copies",
    "documents",
    "record_removed",
    "removed",
    "removed_outlets",
    "segments",
    "sweep",
]

TABLES = (
    "articles",
    "aside",
    "boilerplate",
    "removed",
    "restored",
    "signatures",
    "segments",
    "clusters",
    "suggestions",
    "queue",
    "annotations",
    "pulled",
    "gold",
)


def documents(desk: Desk) -> Iterator[Document]:
    """Yield every accepted document, in the order of the shards."""
    return desk.read(Document, "articles")


def segments(desk: Desk) -> Iterator[Segment]:
    """Yield every segment, document by document and by index within one."""
    return desk.read(Segment, "segments")


def clusters(desk: Desk) -> dict[str, Cluster]:
    """Return every document's place among its copies, by document id."""
    return {cluster.document_id: cluster for cluster in desk.read(Cluster, "clusters")}


def copies(desk: Desk) -> frozenset[str]:
    """Return the ids of the documents that another one stands for."""
    return frozenset(
        cluster.document_id for cluster in desk.read(Cluster, "clusters") if cluster.document_id != cluster.canonical
    )


def canonical_documents(desk: Desk) -> Iterator[Document]:
    """Yield one document per cluster of copies: what is suggested on and shown to people."""
    others = copies(desk)
    return (document for document in documents(desk) if document.id not in others)


def removed(desk: Desk) -> Iterator[Removed]:
    """Yield every record of something that was set aside, by stage."""
    return desk.read(Removed, "removed")


def removed_outlets(desk: Desk) -> dict[str, str]:
    """Return the outlet of every document that a note in ``removed/`` may name, by document id, where it is known."""
    found: dict[str, str] = {}
    for part in (*desk.parts("aside"), *desk.parts("articles")):
        table = read_columns(part, ["id", "outlet"])
        found.update(zip(table["id"].to_pylist(), table["outlet"].to_pylist(), strict=True))
    return found


def record_removed(desk: Desk, name: str, records: Iterable[Removed]) -> None:
    """Write what a stage set aside to ``removed/part-<name>.parquet``, replacing that shard whole.

    Args:
        desk: Where.
        name: Begins with the stage, such as ``push`` or ``suggest-<shard>``; a stage that runs again gives
            the same name, so that nothing is counted twice.
        records: All that it set aside; with none of them the shard is deleted.
    """
    rows = list(records)
    if rows:
        desk.write(Removed, "removed", name, rows)
    else:
        (desk.path / "removed" / f"part-{name}.parquet").unlink(missing_ok=True)


def article_shards(desk: Desk, table: str, *parts: object) -> list[Shard]:
    """Return one shard of work per articles shard.

    Args:
        desk: Whose articles.
        table: The folder of the outputs; each has the name of its input.
        parts: What else the output depends on (settings, versions); it becomes part of each shard's key.
    """
    return [
        Shard((part,), desk.path / table / part.name, settings_digest(file_sha256(part), *parts))
        for part in desk.parts("articles")
    ]


def content_name(ids: Iterable[str]) -> str:
    """Return the name of a shard from what is in it: 16 hexadecimal digits."""
    return hashlib.sha256("\x1f".join(ids).encode("utf-8")).hexdigest()[:16]


def sweep(desk: Desk) -> None:
    """Delete the temporary files and folders that a killed run left. Only under the desk's lock."""
    for leftover in desk.path.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)
    for folder in (*desk.path.glob(".pull-*"), *desk.path.glob("releases/building-*")):
        shutil.rmtree(folder, ignore_errors=True)
    for table in TABLES:
        for leftover in (desk.path / table).rglob(".*.tmp"):
            leftover.unlink(missing_ok=True)
