"""Say what a project shows: of the scheme, and of what is suggested."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from copydesk.corpus import Desk
from copydesk.schemas import (
    OUTLET,
    UNNAMED,
    Annotations,
    Entity,
    LabelScheme,
    adjudication_config,
    config_drift,
    default_layout,
    focus_config,
    focus_scheme,
    labelling_config,
)

__all__ = [
    "Layout",
    "asked_for",
    "config_changes",
    "is_for_adjudication",
    "laid_out",
    "layers_of",
    "limit",
    "project_config",
    "shown_scheme",
]

Layout: TypeAlias = Literal["document", "focus"]


def shown_scheme(desk: Desk, layers: Sequence[str] = ()) -> LabelScheme:
    """Return the desk's scheme cut down to the layers of one project; by default to those of the settings."""
    return desk.scheme().select(list(layers or desk.settings.studio.layers))


def asked_for(desk: Desk, layers: Sequence[str] = (), layout: Layout | None = None) -> tuple[LabelScheme, Layout]:
    """Return what a project shows that somebody names by its layers, and its layout.

    Args:
        desk: Whose scheme and settings.
        layers: By default those of the settings. In the layout ``focus`` the layers of what stances are about come
            with ``stance``.
        layout: By default the one that suits the named layers, or without any that of the settings.

    Raises:
        SchemeError: The scheme has no such layer, or the layout cannot show it.
    """
    layout = layout or (default_layout(layers) if layers else desk.settings.studio.layout)
    if layout == "focus" and "stance" in layers:
        return focus_scheme(desk.scheme()), layout
    return laid_out(shown_scheme(desk, layers), layout), layout


def layers_of(scheme: LabelScheme) -> str:
    """Return a scheme's layers as tasks and notes write them."""
    return "+".join(sorted(layer.id for layer in scheme.layers))


def is_for_adjudication(use: str) -> bool:
    """Tell whether somebody decides between others in a project of this use, of whatever version of the scheme."""
    return use.partition("-")[0] == "adjudication"


def project_config(scheme: LabelScheme, layout: Layout, use: str = "") -> str:
    """Return the labelling config of a project that shows a scheme in a layout, for a use such as ``adjudication``."""
    if is_for_adjudication(use):
        return adjudication_config(scheme)
    return focus_config(scheme) if layout == "focus" else labelling_config(scheme)


def config_changes(scheme: LabelScheme, layout: Layout, use: str, found: str) -> list[str]:
    """Name what differs between a project's config and the scheme's; nothing where an older copydesk made it so.

    Args:
        scheme: As the project shows it.
        layout: What a task is.
        use: What the project is for.
        found: The config that it has.
    """
    differences = config_drift(project_config(scheme, layout, use), found)
    if differences and is_for_adjudication(use) and not config_drift(adjudication_config(scheme, by_mark=False), found):
        return []
    return differences


def laid_out(scheme: LabelScheme, layout: Layout) -> LabelScheme:
    """Return a scheme cut down to what a layout can show of it."""
    return focus_scheme(scheme) if layout == "focus" else scheme


def limit(annotations: Annotations, scheme: LabelScheme) -> Annotations:
    """Return annotations cut down to the layers of a scheme that was cut down: what a project shows of them."""
    layers = {layer.id for layer in scheme.layers}
    labels = {label.id for label in scheme.span_labels}
    known = {attribute.id for attribute in scheme.attributes}
    entities = tuple(
        Entity(e.id, e.span, e.label, e.origin, {k: v for k, v in e.attributes.items() if k in known}, e.score)
        for e in annotations.entities
        if e.label in labels
    )
    shown = {entity.id for entity in entities} | {OUTLET, UNNAMED}
    stances = [s for s in annotations.stances if s.target in shown and s.holder in shown]
    return Annotations(
        annotations.document_id,
        annotations.sha256,
        entities,
        annotations.attributions if "attribution" in layers else (),
        tuple(stances) if "stance" in layers else (),
        {q.id: annotations.choices[q.id] for q in scheme.questions if q.id in annotations.choices},
    )
