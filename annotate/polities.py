"""Know countries, nationalities and other polities by their names.

The names of countries, official and common, of now and of the past, come from the package pycountry (ISO 3166);
what it lacks is data: ``data/nationalities.toml`` has a row per country with its informal names, adjectives and
people, ``data/polities.toml`` other peoples, capitals, war-zone places and the partially recognised. The package's
tables are read when they are first asked for, once per process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Final

from .knowledge import knowledge
from .words import Phrases

__all__ = [
    "Nation",
    "adjectives",
    "countries",
    "country_package",
    "country_table",
    "nations",
    "peoples",
    "places",
    "states",
]

PACKAGE: Final = "pycountry"


@dataclass(frozen=True, slots=True)
class Nation:
    """A country with the words that the package lacks.

    Attributes:
        code: ISO 3166-1 alpha-2; ``XK``, which ISO leaves to its users, for Kosovo.
        names: Informal names, short forms and former names.
        adjectives: Words for what is of it: "Syrian".
        people: Plural nouns for its people: "Syrians".
        source: Where the words come from.
        example: Sentences with a name, adjective or people in double brackets.
    """

    code: str
    names: tuple[str, ...]
    adjectives: tuple[str, ...]
    people: tuple[str, ...]
    source: str
    example: str


@cache
def nations() -> tuple[Nation, ...]:
    """Return the rows of ``data/nationalities.toml``."""
    return tuple(
        Nation(
            code,
            tuple(row.get("names", ())),
            tuple(row.get("adjectives", ())),
            tuple(row.get("people", ())),
            row["source"],
            row["example"],
        )
        for code, row in knowledge("nationalities").items()
    )


def country_package() -> str:
    """Return name and version of the package that the names of countries come from."""
    return f"{PACKAGE} {metadata.version(PACKAGE)}"


@cache
def countries() -> Mapping[str, str]:
    """Return name → ISO 3166-1 alpha-2 code (alpha-4 of a former country) of every country."""
    import pycountry

    names: dict[str, str] = {}
    for country in pycountry.historic_countries:
        names[country.name.split(",")[0]] = country.alpha_4
    for country in pycountry.countries:
        known = (getattr(country, kind, "") for kind in ("official_name", "common_name", "name"))
        names |= {name: country.alpha_2 for name in map(_plain, known) if name}
    for nation in nations():
        names |= dict.fromkeys(nation.names, nation.code)
    never = knowledge("polities")["never"]
    both = {name.replace("'", "’"): code for name, code in names.items()} | names
    return {name: code for name, code in both.items() if name not in never}


def _plain(name: str) -> str:
    """Return a name as prose has it.

    >>> _plain("Iran, Islamic Republic of"), _plain("Saint Martin (French part)"), _plain("the State of Palestine")
    ('Islamic Republic of Iran', '', 'State of Palestine')
    """
    first, comma, rest = name.partition(", ")
    if "(" in name:
        return ""
    if comma and rest.endswith((" of", " of the")):
        return f"{rest} {first}".removeprefix("The ").removeprefix("the ")
    return name.removeprefix("The ").removeprefix("the ")


@cache
def states() -> frozenset[str]:
    """Return the names that can act as a state: countries, capitals, the partially recognised."""
    data = knowledge("polities")
    return frozenset(countries()).union(data["capitals"], data["partially_recognised"], data["former"])


@cache
def places() -> frozenset[str]:
    """Return the names of all polities: states, and the cities and provinces that war reports name."""
    return states() | frozenset(knowledge("polities")["places"])


@cache
def adjectives() -> frozenset[str]:
    """Return the words for what is of a country, a people, a faith or an alliance: "Syrian", "Kurdish", "UN"."""
    return frozenset(knowledge("polities")["adjectives"]).union(*(nation.adjectives for nation in nations()))


@cache
def peoples() -> frozenset[str]:
    """Return the plural nouns for a nation's or group's people: "Syrians", "Kurds"."""
    return frozenset(knowledge("polities")["people"]).union(*(nation.people for nation in nations()))


@cache
def country_table() -> Phrases[None]:
    """Return countries, partially recognised polities and war-zone places, to be found among words."""
    return Phrases([(name, None) for name in places() - set(knowledge("polities")["capitals"])], lower=False)
