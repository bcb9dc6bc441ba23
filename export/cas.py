"""Write UIMA CAS XMI as INCEpTION imports it, and read it: the one door to ``cassis``.

Of each article an ``.xmi``, in a folder for each split, beside one ``TypeSystem.xml``. What is marked is a layer
``webanno.custom.Region`` with a feature for its label and one for each attribute, relations are ``webanno.custom.RegionLink``
between them, sentences and tokens are DKPro's, answers about the document are its metadata. UIMA counts offsets in UTF-16
units; ``cassis`` turns them into code points and back. (UIMA 2.0 XMI; WebAnno and INCEpTION, format "UIMA CAS XMI".)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from copydesk.annotate import Link, Marked, Region, tokenize
from copydesk.schemas import InputError, LabelScheme, Removed, SettingsError

from .exchange import Article, Context, unread
from .tables import Loss

__all__ = ["CasWriter", "read_cas"]

TYPES: Final = "TypeSystem.xml"
REGION: Final = "webanno.custom.Region"
LINK: Final = "webanno.custom.RegionLink"
DKPRO: Final = "de.tudarmstadt.ukp.dkpro.core.api"
SENTENCE: Final = f"{DKPRO}.segmentation.type.Sentence"
TOKEN: Final = f"{DKPRO}.segmentation.type.Token"
NAMED: Final = f"{DKPRO}.ner.type.NamedEntity"
ANSWER: Final = f"{DKPRO}.metadata.type.MetaDataStringField"
_QUIET: Final = (
    SENTENCE,
    TOKEN,
    ANSWER,
    REGION,
    LINK,
    NAMED,
    "uima.tcas.DocumentAnnotation",
    f"{DKPRO}.metadata.type.",
)
"""Types that are read, or that say nothing about the text that a person marked."""


def _cassis() -> Any:
    try:
        import cassis
    except ImportError as error:
        raise SettingsError(
            "UIMA CAS XMI needs dkpro-cassis, which is not installed", hint="pip install 'copydesk[inception]'"
        ) from error
    return cassis


class CasWriter:
    """Writes ``train/ID.xmi`` and so on.

    Args:
        folder: Where to.
        context: The scheme.

    Raises:
        SettingsError: ``cassis`` is not installed.
    """

    def __init__(self, folder: Path, context: Context) -> None:
        self.folder = folder
        self._library = _cassis()
        self._types = self._type_system(context.scheme)
        (folder / TYPES).write_text(self._types.to_xml(), encoding="utf-8", newline="\n")

    def _type_system(self, scheme: LabelScheme) -> Any:
        types = self._library.TypeSystem()
        text, annotation = "uima.cas.String", "uima.tcas.Annotation"
        for name in (SENTENCE, TOKEN):
            types.create_type(name, supertypeName=annotation)
        answer = types.create_type(ANSWER, supertypeName=annotation)
        region = types.create_type(REGION, supertypeName=annotation)
        link = types.create_type(LINK, supertypeName=annotation)
        for owner, features in (
            (answer, ("key", "value")),
            (region, ("label", *(attribute.id for attribute in scheme.attributes))),
            (link, ("label",)),
        ):
            for feature in features:
                types.create_feature(domainType=owner, name=feature, rangeType=text)
        for feature in ("Governor", "Dependent"):
            types.create_feature(domainType=link, name=feature, rangeType=region)
        return types

    def take(self, article: Article) -> Iterator[Loss]:
        """Write one article; nothing of it has no place."""
        types, marked = self._types, article.marked
        cas = self._library.Cas(typesystem=types)
        cas.sofa_string, cas.sofa_mime = marked.text, "text/plain"
        sentence, token, region_of, link_of, answer = map(types.get_type, (SENTENCE, TOKEN, REGION, LINK, ANSWER))
        for start, end in article.sentences:
            cas.add(sentence(begin=start, end=end))
        for start, end in tokenize(marked.text, article.language):
            cas.add(token(begin=start, end=end))
        made = {r.id: region_of(begin=r.start, end=r.end, label=r.label, **r.attributes) for r in marked.regions}
        for region in made.values():
            cas.add(region)
        for link in marked.links:
            source, target = made[link.source], made[link.target]
            # a relation stands where it leads to, as INCEpTION has it
            cas.add(link_of(begin=target.begin, end=target.end, label=link.relation, Governor=source, Dependent=target))
        for question, values in marked.answers.items():
            for value in values:
                cas.add(answer(begin=0, end=0, key=question, value=value))
        place = self.folder / article.split
        place.mkdir(exist_ok=True)
        cas.to_xmi(place / f"{marked.name}.xmi", pretty_print=True)
        return iter(())

    def close(self) -> None:
        """Do nothing: every file is written."""


def read_cas(path: Path) -> Iterator[Marked | Removed]:
    """Yield the documents of a folder of ``.xmi`` files, each with the ``TypeSystem.xml`` beside or above it.

    Read are our own layers, and DKPro's ``NamedEntity``; layers of other names are named as unread. A file that cannot
    be read, or has no type system, is yielded as :class:`~copydesk.schemas.Removed`.

    Raises:
        SettingsError: ``cassis`` is not installed.
    """
    library = _cassis()
    top = path.parent if path.is_file() else path
    for file in [path] if path.is_file() else sorted(path.rglob("*.xmi")):
        try:
            system, cas = _loaded(library, file, top)
        except InputError as error:
            yield unread(error)
        else:
            yield _marked(file, cas, system)


def _loaded(library: Any, file: Path, top: Path) -> tuple[Any, Any]:
    places = [place / TYPES for place in file.parents if place.is_relative_to(top)]
    types = next((place for place in places if place.is_file()), None)
    if types is None:
        raise InputError(f"there is no {TYPES} beside or above it", where=file.name)
    try:
        with types.open("rb") as opened:
            system = library.load_typesystem(opened)
        with file.open("rb") as opened:
            return system, library.load_cas_from_xmi(opened, typesystem=system)
    except Exception as error:  # whatever the library trips over, the file is not what it says
        raise InputError(f"no readable CAS: {error}", where=file.name) from error


def _marked(path: Path, cas: Any, system: Any) -> Marked:
    there = {kind.name for kind in system.get_types()}
    names: dict[int, str] = {}
    regions: list[Region] = []
    for kind, label in ((REGION, "label"), (NAMED, "value")):
        features = [f.name for f in system.get_type(kind).all_features] if kind in there else []
        own = [name for name in features if name not in ("begin", "end", "sofa", "label", "value", "identifier")]
        for found in cas.select(kind) if kind in there else ():
            said = {name: str(value) for name in own if (value := getattr(found, name, None)) is not None}
            names[id(found)] = f"r{len(regions) + 1}"
            regions.append(Region(names[id(found)], found.begin, found.end, str(getattr(found, label) or ""), said))
    links = [
        Link(names[id(found.Governor)], str(found.label), names[id(found.Dependent)])
        for found in (cas.select(LINK) if LINK in there else ())
        if id(found.Governor) in names and id(found.Dependent) in names
    ]
    answers: dict[str, tuple[str, ...]] = {}
    for found in cas.select(ANSWER) if ANSWER in there else ():
        answers[str(found.key)] = (*answers.get(str(found.key), ()), str(found.value))
    unread = [
        (f"{found.type.name} {found.begin}-{found.end}", "a layer that has no place here")
        for found in cas.select_all_annotations()
        if not found.type.name.startswith(_QUIET) and hasattr(found, "begin")
    ]
    regions.sort(key=lambda region: (region.start, -region.end, region.label, region.id))
    return Marked(path.stem, cas.sofa_string or "", tuple(regions), tuple(links), answers, tuple(unread))
