"""README and docs/ name what exists, under its path of today; so do the sabotages that tests tell of."""

import ast
import re

import pytest

from tests.house.names import identifiers, is_a_path, stands
from tests.house.tree import ROOT, files, name

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SUFFIXES = "py|md|json|yaml|html|css|js|txt|toml|yml|svg|png|in|conf"
# Made while it runs or written by whoever installs it, so not in the project; the first part counts.
MADE = {"var", "secrets", ".venv", ".env", "root.key", "redis.conf", "manifest.json", "files.age"}
# What there shall not be.
NEVER = {"services.py"}
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PATH = re.compile(rf"[\w.*-]+(?:/[\w.*-]+)*/?(?<=/)|[\w.*-]+(?:/[\w.*-]+)+|[\w-]+\.(?:{SUFFIXES})")
DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
LINK = re.compile(r"\]\(([^)#\s]+)")


def spans(path):
    """What stands in backticks, outside blocks of commands."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [" ".join(span.split()) for span in SPAN.findall(text)]


def named_tests(path):
    return [found for span in spans(path) if (found := re.fullmatch(r"([\w/]+\.py)::(\w+)", span))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_path_that_a_document_names_is_there(path):
    """Sabotage: write another name for `reminders/notify.py` in docs/ARCHITECTURE.md."""
    named = {span for span in spans(path) if PATH.fullmatch(span) and not span.startswith("/")}
    gone = {span for span in named if span.split("/")[0] not in MADE and not is_a_path(span)}
    assert gone - NEVER == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_link_of_a_document_leads_somewhere(path):
    """Sabotage: rename docs/IMPORT.md."""
    links = {link for link in LINK.findall(path.read_text()) if "://" not in link}
    assert {link for link in links if not (path.parent / link).exists()} == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_test_that_a_document_names_is_there(path):
    """Sabotage: rename one that docs/ASVS.md names."""
    gone = [
        found[0]
        for found in named_tests(path)
        if not re.search(rf"^def {found[2]}\(", (ROOT / "tests" / found[1]).read_text(), re.MULTILINE)
    ]
    assert gone == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_name_that_a_document_gives_is_one_of_ours(path):
    """Dotted names lead to a module and what stands in it; a word with an underscore occurs in the code.

    Sabotage: write step_up_needed for step_up_required in docs/ARCHITECTURE.md.
    """
    named = set()
    for span in spans(path):
        if not PATH.fullmatch(span) and not span.startswith(("/", "-")) and "::" not in span:
            named |= set(DOTTED.findall(span.split("(")[0])) | set(
                re.findall(r"\b[a-z]\w*_\w+(?=\(|$)", span)
            )
    gone = {each for each in named if (stands(each) is False if "." in each else each not in identifiers())}
    assert gone == set()


def sabotages():
    """(test, sentence) of every docstring that says which change must make it fail."""
    for path in files(".py", under=("tests",)):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and "Sabotage:" in (said := ast.get_docstring(node) or ""):
                yield f"{name(path)}::{node.name}", said.partition("Sabotage:")[2]


def test_sabotages_name_what_is_there():
    """A sabotage that nobody can carry out any more proves nothing.

    Sabotage: name a file that is not there in the docstring of a test.
    """
    found = list(sabotages())
    assert len(found) > 500
    gone = []
    for test, said in found:
        said = re.sub(r"`[^`]*`", lambda code: " ".join(DOTTED.findall(code[0])), said)
        paths = re.findall(rf"[\w-]+(?:/[\w.-]+)*\.(?:{SUFFIXES})\b", said)
        gone += [f"{test}: {path}" for path in paths if not is_a_path(path) and not is_a_path(f".{path}")]
        rest = re.sub(rf"[\w/-]+\.(?:{SUFFIXES})\b", "", said)
        gone += [f"{test}: {dotted}" for dotted in DOTTED.findall(rest) if stands(dotted) is False]
    assert gone == []
