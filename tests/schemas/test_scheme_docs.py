"""docs/scheme.md says what the scheme and the checks say today, and its examples run.

UPDATE_GOLDEN=1 writes the generated parts anew.
"""

import os
import re
from pathlib import Path

from copydesk.schemas import CHECKS, LabelScheme, check_message, labelling_config, load_scheme

DOCS = Path(__file__).parents[2] / "docs" / "scheme.md"


def table(*rows):
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def codes(names):
    return ", ".join(f"`{name}`" for name in names)


def parts(scheme):
    relations = [(f"`{r.id}`", codes(r.source), codes(r.target), r.definition) for r in scheme.relations]
    return {
        "layers": table(
            ("layer", "by default", "what"),
            *((f"`{layer.id}`", "on" if layer.default else "off", layer.definition) for layer in scheme.layers),
        ),
        "labels": table(
            ("label", "layer", "key", "colour", "definition"),
            *((f"`{x.id}`", x.layer, f"`{x.hotkey}`", f"`{x.colour}`", x.definition) for x in scheme.labels),
        ),
        "attributes": table(
            ("attribute", "kind", "of", "values", "definition"),
            *((f"`{a.id}`", a.kind, codes(a.labels), codes(v.id for v in a.values), a.definition) for a in scheme.attributes),
        ),
        "relations": table(("arrow", "from", "to", "meaning"), *relations),
        "questions": table(
            ("question", "answers", "text"),
            *((f"`{q.id}`", codes(value.id for value in q.values), q.definition) for q in scheme.questions),
        ),
        "checks": table(("code", "says"), *((f"`{code}`", check_message(code)) for code in sorted(CHECKS))),
    }  # fmt: skip


def test_the_generated_parts_are_current(whole_scheme):
    text = DOCS.read_text(encoding="utf-8")
    now = text
    for name, part in parts(whole_scheme).items():
        now, found = re.subn(
            rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)",
            lambda m, p=part: f"{m[1]}{p}\n{m[2]}",
            now,
            flags=re.DOTALL,
        )
        assert found == 1, f"docs/scheme.md has no place for {name}"
    if os.environ.get("UPDATE_GOLDEN"):
        DOCS.write_text(now, encoding="utf-8")
    assert DOCS.read_text(encoding="utf-8") == now, "docs/scheme.md is behind; run with UPDATE_GOLDEN=1"


def test_the_first_example_runs(capsys):
    example = re.search(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[1]
    exec(compile(example, "docs/scheme.md", "exec"), {})
    assert capsys.readouterr().out.endswith("</View>\n")


def test_the_scheme_of_your_own_is_one(tmp_path):
    toml = re.search(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)[1]
    (tmp_path / "mine.toml").write_text(toml, encoding="utf-8")
    scheme = load_scheme(tmp_path / "mine.toml")
    assert isinstance(scheme, LabelScheme)
    assert 'value="BRIDGE"' in labelling_config(scheme)
