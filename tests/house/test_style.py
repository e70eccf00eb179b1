"""What docs and the style page promise about the sources, held by reading them."""

import ast
import re

import pytest

from tests.house.tree import ROOMS, ROOT, code, files, name

LONGEST_MODULE, LONGEST_FUNCTION = 400, 40
# A longer function says why in its docstring: "Long because ...".
REASON = re.compile(r"\blong because\b", re.IGNORECASE)
INLINE = re.compile(
    r"""\sstyle\s*=\s*["']|<style|\son[a-z]+\s*=\s*["']|javascript:|<script(?![^>]*\ssrc=)""", re.I
)
# Where a developer's own machine shows: home folders and the like, put together so that this file passes.
MACHINE = re.compile(
    "|".join(["/" + "root/", "/" + "work/", "/" + r"home/\w+", "/" + "Users/", r"C:\\" + "Users"])
)


def test_modules_are_short():
    too_long = {
        name(path): n for path in code() if (n := len(path.read_text().splitlines())) > LONGEST_MODULE
    }
    assert too_long == {}


def test_long_functions_say_why():
    """A function past 40 lines says in its docstring: "Long because ..."."""
    found = []
    for path in code():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                if length > LONGEST_FUNCTION and not REASON.search(ast.get_docstring(node) or ""):
                    found.append(f"{name(path)}:{node.lineno} {node.name}: {length} lines")
    assert found == []


def test_every_module_says_what_it_is_for():
    """Empty packages aside."""
    silent = [name(path) for path in code() if path.read_text().strip() and not _docstring(path)]
    assert [path for path in silent if not path.endswith("apps.py")] == []


def _docstring(path):
    return ast.get_docstring(ast.parse(path.read_text()))


def test_templates_have_nothing_inline():
    """The content policy would drop it, silently. Sabotage: `<p style="color:red">` in any template."""
    templates = files(".html", ".svg", under=("templates", *ROOMS))
    assert templates
    found = [
        f"{name(path)}: {hit[0].strip()}"
        for path in templates
        for hit in [INLINE.search(path.read_text())]
        if hit
    ]
    assert found == []


def test_code_writes_nothing_inline_either():
    """format_html and mark_safe are templates too."""
    found = [
        f"{name(path)}:{node.lineno}"
        for path in code()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        and "<" in node.value and INLINE.search(node.value)
    ]  # fmt: skip
    assert found == []


@pytest.mark.parametrize(
    "suffixes", [(".py", ".toml", ".md", ".html"), (".yml", ".txt", ".in", ".css", ".js", ".json")]
)
def test_no_file_names_a_machine(suffixes):
    """A path of somebody's own machine breaks everywhere else, and says whose it was."""
    found = [
        f"{name(path)}: {hit[0]}"
        for path in [*files(*suffixes), *_without_suffix()]
        for hit in [MACHINE.search(path.read_text(errors="replace"))]
        if hit
    ]
    assert found == []


def _without_suffix():
    return [
        path for path in (ROOT / "Dockerfile", ROOT / ".ci" / "run", ROOT / ".gitignore") if path.exists()
    ]
