"""Django settings with which copydesk runs Label Studio on its embedded SQLite.

With the stock settings an import that meets a lock is retried without its predictions and still answers
201. IMMEDIATE transactions wait for the lock before they read anything, so there is nothing to retry.
This file is copied beside a desk's server and named by DJANGO_SETTINGS_MODULE; nothing in copydesk imports it.
"""
# ruff: noqa: F403, F405
# mypy: ignore-errors

from label_studio.core.settings.base import *  # first: label_studio.py reads settings while it is imported

SENTRY_DSN = ""

from label_studio.core.settings.label_studio import *  # noqa: E402

SENTRY_DSN = ""
FRONTEND_SENTRY_DSN = ""

DATABASES["default"]["OPTIONS"] = {
    "timeout": 60,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}
