"""The recipes of docs/ARCHITECTURE.md, followed in a copy of the house: few files, and the thing works."""

import hashlib
import re
import shutil
import subprocess
import sys

import pytest

from tests.house.recipes import RECIPES
from tests.house.tree import ROOMS, ROOT

COPIED = (*ROOMS, "templates", "locale", "docs", "tests", "manage.py", "pyproject.toml")


def paragraph(heading):
    """The recipe as the document tells it."""
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
    (told,) = re.findall(rf"^\*\*… {heading}\.\*\*(.*?)(?=^\*\*…|\Z)", text, re.MULTILINE | re.DOTALL)
    return told


def copied(folder):
    """The house without what is fetched or generated; compiled modules come along, for speed."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            shutil.copy2(ROOT / name, folder / name)
    return folder


def state(tree):
    """{file: what it holds}, without compiled modules and catalogues."""
    return {
        str(path.relative_to(tree)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in tree.rglob("*")
        if path.is_file() and not {"__pycache__", "locale"} & set(path.parts)
    }


@pytest.mark.processes
@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.proof)
def test_a_recipe_is_as_short_as_it_says_and_works(recipe, tmp_path, own_database):
    """Done when a country with a stay rule needs at most 3 files, a kind of reminder and a sealed field with
    search at most 4.

    Sabotage: give LeadTimes.kind its choices back; leave `get_fieldsets` out of CaseInline.
    """
    tree = copied(tmp_path / "house")
    before = state(tree)
    for edit in recipe.edits:
        edit.make(tree)
    done = subprocess.run(
        [sys.executable, "-m", f"tests.house.recipes.{recipe.proof}"],
        cwd=tree,
        env=own_database.env | {"DESK_PREPARED": "1", "DJANGO_SETTINGS_MODULE": "config.settings"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    changed = sorted(name for name, held in state(tree).items() if before.get(name) != held)
    assert len(changed) <= recipe.most, changed


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.proof)
def test_a_recipe_names_its_files(recipe):
    """Sabotage: take a path out of the paragraph."""
    named = set(re.findall(r"`([\w/.]+)`", paragraph(recipe.heading)))
    assert {edit.file for edit in recipe.edits} - named == set()
