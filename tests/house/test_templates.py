"""What templates and style sheets look like, held by reading them."""

import re

import pytest

from tests.house.tree import ROOT, files, name

LONGEST_LINE = 120
TEMPLATES = files(".html", ".txt", under=("templates",))
SHEETS = files(".css", under=("desk", "intake"))
COLOUR = re.compile(r"^\s*(--[\w-]+):.*(?:#[0-9a-f]{3,8}\b|rgb\(|light-dark\()", re.MULTILINE)


def test_there_are_templates_and_sheets_to_read():
    """Else the others would be silent for ever."""
    assert len(TEMPLATES) > 90
    assert len(SHEETS) > 6


@pytest.mark.parametrize("path", [*TEMPLATES, *SHEETS], ids=name)
def test_a_line_fits_on_a_screen(path):
    """Sabotage: put two paragraphs of a template on one line."""
    long = [
        f"{number}: {len(line)}"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > LONGEST_LINE
    ]
    assert long == []


def test_every_sheet_is_loaded_by_a_template():
    """Sabotage: take the link to case.css out of the case page."""
    text = "".join(path.read_text() for path in TEMPLATES)
    sheets = {path.as_posix().partition("/static/")[2] for path in SHEETS}
    assert {sheet for sheet in sheets if f'{{% static "{sheet}" %}}' not in text} == set()


def test_every_colour_of_the_desk_is_written_once_for_light_and_dark():
    """Sabotage: a second `--card:` below `@media (prefers-color-scheme: dark)`."""
    found = [
        (variable, name(path))
        for path in files(".css", under=("desk",))
        for variable in COLOUR.findall(path.read_text())
    ]
    assert len(found) == len({variable for variable, _ in found}) > 50
    assert {sheet for _, sheet in found} == {"desk/static/desk/colours.css"}
    assert not [path for path in files(".css", under=("desk",)) if "prefers-color-scheme" in path.read_text()]


def test_the_colours_name_all_that_the_sheets_ask_for():
    """Sabotage: write var(--crad) somewhere."""
    named = set(re.findall(r"(--[\w-]+):", (ROOT / "desk/static/desk/colours.css").read_text()))
    asked = {
        v for path in files(".css", under=("desk",)) for v in re.findall(r"var\((--[\w-]+)", path.read_text())
    }
    assert asked <= named
