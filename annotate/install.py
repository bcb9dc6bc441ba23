"""Install the Label Studio server into an environment of its own.

The server pins libraries that copydesk cannot live with, so it is a tool beside us and never a
dependency: one folder, filled by pip from a lock file that ships with the package, with a hash for every
file. The folder holds a stamp once all of it is there, and a database that is already migrated, so that
the first start of a desk's server takes seconds. Killed anywhere, the next call goes on from there.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import filelock

from copydesk.corpus import write_atomically
from copydesk.schemas import OnProgress, Progress, StudioError, silent

__all__ = ["install_studio", "server_environment", "studio_folder", "studio_version", "template_database"]

STAMP = ".copydesk-label-studio"
TEMPLATE = "copydesk-template.sqlite3"
SETTINGS_MODULE = "label_studio_settings"
STAGE = "install label studio"
# where the server may not be made to call: its own list of reserved networks without 127.0.0.0/8, which is where
# `copydesk watch` and `copydesk serve` listen
FORBIDDEN_NETWORKS = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
    "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
    "240.0.0.0/4", "::/128", "::1/128", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48",
    "100::/64", "2001::/32", "2001:20::/28", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8",
)  # fmt: skip


def _lock_text() -> str:
    return (resources.files("copydesk.annotate") / "data" / "label_studio.lock").read_text(encoding="utf-8")


def studio_version() -> str:
    """Return the version of Label Studio that the shipped lock file installs."""
    found = re.search(r"^label-studio==(\S+)", _lock_text(), re.MULTILINE)
    if found is None:
        raise StudioError("the shipped lock file names no label-studio", hint="Install copydesk again.")
    return found[1]


def studio_folder() -> Path:
    """Return where the server's environment is or will be: ``$COPYDESK_STUDIO_ENV``, else the user's data folder."""
    if chosen := os.environ.get("COPYDESK_STUDIO_ENV"):
        return Path(chosen).expanduser().absolute()
    if data := os.environ.get("XDG_DATA_HOME"):
        base = Path(data)
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Application Support"
    else:
        base = Path.home() / ".local/share"
    return base / "copydesk" / f"label-studio-{studio_version()}"


def template_database(folder: Path) -> Path:
    """Return the path of the migrated, empty database inside a server environment (it may be missing)."""
    return folder / TEMPLATE


def install_studio(*, on_progress: OnProgress = silent) -> Path:
    """Install Label Studio, or finish or confirm an installation, and return its folder.

    Raises:
        StudioError: pip could not install it; names the log and shows its last lines.
    """
    folder = studio_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.parent / f".{folder.name}.lock"):
        lock = _lock_text()
        stamp = f"{hashlib.sha256(lock.encode()).hexdigest()}\n"
        if not _is_stamped(folder, stamp):
            _make_environment(folder)
            template_database(folder).unlink(missing_ok=True)
            _run_pip(folder, lock, on_progress)
            with write_atomically(folder / STAMP) as temporary:
                temporary.write_text(stamp, encoding="utf-8")
        if not template_database(folder).is_file():
            _migrate_template(folder, on_progress)
    return folder


def _is_stamped(folder: Path, stamp: str) -> bool:
    path = folder / STAMP
    return (folder / "bin" / "label-studio").exists() and path.is_file() and path.read_text(encoding="utf-8") == stamp


def _make_environment(folder: Path) -> None:
    if (folder / "bin" / "python").exists() and (folder / "bin" / "pip").exists():
        return
    try:
        venv.create(folder, with_pip=True, clear=False)
    except (OSError, subprocess.CalledProcessError) as error:
        raise StudioError(
            f"cannot make an environment for Label Studio: {error}",
            where=str(folder),
            hint="Python needs its venv module (Debian: apt install python3-venv) and the folder must be writable.",
        ) from error


def _run_pip(folder: Path, lock: str, on_progress: OnProgress) -> None:
    total = len(re.findall(r"^[A-Za-z0-9][^\s=]*==", lock, re.MULTILINE))
    log = folder.parent / f"{folder.name}.log"
    with tempfile.TemporaryDirectory() as scratch:
        requirements = Path(scratch) / "label_studio.lock"
        requirements.write_text(lock, encoding="utf-8")
        command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--no-deps", "--require-hashes"]
        command += ["--progress-bar", "off", "--disable-pip-version-check", "--no-input", "-r", str(requirements)]
        on_progress(Progress(STAGE, 0, total, "packages"))
        with (
            log.open("w", encoding="utf-8") as record,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip,
        ):
            done = 0
            for line in pip.stdout or ():
                record.write(line)
                if line.startswith(("Collecting ", "Requirement already satisfied: ")):
                    done += 1
                    on_progress(Progress(STAGE, min(done, total), total, "packages"))
                elif line.startswith("Installing collected packages"):
                    break
            # pip says nothing while it unpacks, so what lies there is counted
            while pip.poll() is None:
                unpacked = sum(1 for _ in folder.glob("lib/python*/site-packages/*.dist-info"))
                on_progress(Progress("unpack label studio", min(unpacked, total), total, "packages"))
                time.sleep(0.5)
            record.write(pip.stdout.read() if pip.stdout else "")
    if pip.returncode != 0:
        tail = "".join(log.read_text(encoding="utf-8").splitlines(keepends=True)[-8:])
        raise StudioError(
            f"pip could not install Label Studio {studio_version()}:\n{tail}",
            where=str(log),
            hint="Run it again when the cause is mended: what is already installed is kept.",
        )
    on_progress(Progress(STAGE, total, total, "packages"))


def server_environment(folder: Path, home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the whole environment of a server process: nothing of ours leaks in, nothing calls out.

    `home` is made to hold the settings override, the database and everything else the server writes.
    """
    settings = home / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    source = resources.files("copydesk.annotate") / "data" / f"{SETTINGS_MODULE}.py"
    with write_atomically(settings / f"{SETTINGS_MODULE}.py") as temporary:
        temporary.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    (home / "data").mkdir(exist_ok=True)
    return {
        "HOME": str(home),
        "PATH": f"{folder / 'bin'}:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(settings),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DJANGO_SETTINGS_MODULE": SETTINGS_MODULE,
        "LABEL_STUDIO_BASE_DATA_DIR": str(home / "data"),
        "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
        "COLLECT_ANALYTICS": "false",
        # an empty value counts as set, and so switches the address in the server's own settings off
        "LABEL_STUDIO_SENTRY_DSN": "",
        "LABEL_STUDIO_FRONTEND_SENTRY_DSN": "",
        "LABEL_STUDIO_LATEST_VERSION_CHECK": "false",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        # read only when the database's organisation is made, that is at the first start
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        # the protection against being made to call inner addresses stays on, for webhooks and models as well
        "LABEL_STUDIO_USE_DEFAULT_BANNED_SUBNETS": "false",
        "LABEL_STUDIO_USER_ADDITIONAL_BANNED_SUBNETS": ",".join(FORBIDDEN_NETWORKS),
        **(extra or {}),
    }


def _migrate_template(folder: Path, on_progress: OnProgress) -> None:
    # `version` migrates the database before it prints, and makes no user and no organisation
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        home = Path(scratch)
        environment = server_environment(folder, home)
        log = home / "version.log"
        command = [str(folder / "bin" / "label-studio"), "version", "--data-dir", str(home / "data")]
        begun = time.monotonic()
        with (
            log.open("wb") as record,
            subprocess.Popen(command, env=environment, cwd=home, stdout=record, stderr=record) as server,
        ):
            while server.poll() is None:
                on_progress(Progress("prepare label studio", int(time.monotonic() - begun), None, "seconds"))
                time.sleep(0.2)
        database = home / "data" / "label_studio.sqlite3"
        if server.returncode != 0 or not database.is_file():
            raise StudioError(
                f"Label Studio is installed but does not run:\n{log.read_text(encoding='utf-8', errors='replace')[-1000:]}",
                where=str(folder),
                hint=f"Remove the folder and install it again: rm -r {folder}",
            )
        if not Path(f"{database}-wal").exists():
            with write_atomically(template_database(folder)) as temporary:
                shutil.copyfile(database, temporary)
