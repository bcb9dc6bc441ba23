"""Articles in, segmented documents out; the desk's store; the engine that runs a stage."""

from __future__ import annotations

from .desk import SETTINGS_FILE, Desk, file_sha256, write_atomically
from .settings import (
    DESK_FORMAT,
    ReleaseSettings,
    Settings,
    StudioSettings,
    SuggestSettings,
    load_settings,
    settings_digest,
)

__all__ = [
    "DESK_FORMAT",
    "SETTINGS_FILE",
    "Desk",
    "ReleaseSettings",
    "Settings",
    "StudioSettings",
    "SuggestSettings",
    "file_sha256",
    "load_settings",
    "settings_digest",
    "write_atomically",
]
