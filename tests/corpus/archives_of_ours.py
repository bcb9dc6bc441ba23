"""Make WARC records and archives of our own writing, and make them wrong."""

from __future__ import annotations

import gzip

from .conftest import story


def page(number: int, *, charset: str = "") -> str:
    meta = f'<meta charset="{charset}">' if charset else ""
    paragraphs = "".join(f"<p>{part}.</p>" for part in story(number).split(". "))
    return f"<!doctype html><html><head>{meta}<title>Story {number} from Harun</title></head><body><article>{paragraphs}</article></body></html>"


def record(
    number: int, block: bytes | None = None, *, kind="response", off_by=0, status="200 OK", said="text/html", more=""
) -> bytes:
    """Return one WARC record; `off_by` is how wrong its length is."""
    http = f"HTTP/1.1 {status}\r\nContent-Type: {said}\r\n{more}\r\n".encode()
    body = http + (page(number).encode() if block is None else block)
    if kind != "response":
        body = page(number).encode() if block is None else block
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: https://harun.example/{number}\r\n"
        f"WARC-Date: 2024-11-29T10:00:00Z\r\nWARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-{number:012d}>\r\n"
        f"Content-Type: {'application/http; msgtype=response' if kind == 'response' else said}\r\n"
        f"Content-Length: {len(body) + off_by}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


def packed(records: list[bytes]) -> bytes:
    """Return records as CC-News has them, each packed by itself."""
    return b"".join(gzip.compress(one, 6, mtime=0) for one in records)
