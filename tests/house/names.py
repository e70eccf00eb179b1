"""Which names there are: files, modules, what stands in them. For tests of what texts say about the code."""

import ast
import re
from functools import cache
from pathlib import Path

from tests.house.tree import ROOMS, ROOT, SKIPPED, code, files

DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@cache
def paths() -> frozenset[str]:
    """Every file of the project, from the root."""
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return frozenset(f"/{path}" for path in found if not SKIPPED & set(path.parts))


def is_a_path(name: str, *, beside: tuple[str, ...] = ("", "docs", "tests")) -> bool:
    """Whether a file or folder is called so, from the root or `beside` it, or ends so (`rule.html`)."""
    if any((ROOT / folder / name).exists() or list((ROOT / folder).glob(name)) for folder in beside):
        return True
    return any(path.endswith(f"/{name}") for path in paths())


@cache
def modules() -> dict[str, Path]:
    """{dotted name: file} of the rooms and the tests."""
    found = {}
    for path in [*code(), *files(".py", under=("tests",))]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def top_names(module: str) -> frozenset[str]:
    """What a module defines or imports."""
    tree = ast.parse(modules()[module].read_text())
    return frozenset(_bound(tree)) | {
        m.rpartition(".")[2] for m in modules() if m.rpartition(".")[0] == module
    }


def _bound(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, DEFINITIONS):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {each.id for each in ast.walk(ast.List(targets)) if isinstance(each, ast.Name)}
        elif isinstance(node, ast.If | ast.Try | ast.With):
            found |= _bound(node)
    return found


@cache
def classes() -> frozenset[str]:
    """The names of all classes."""
    return frozenset(
        node.name
        for path in modules().values()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )


@cache
def labels() -> frozenset[str]:
    """What the code calls things by in quotes, such as "cases.reminder"."""
    quoted = re.compile(r'"([a-z_]+\.[a-z_.]+)"')
    return frozenset(word for path in modules().values() for word in quoted.findall(path.read_text()))


@cache
def identifiers() -> frozenset[str]:
    """Every word of the rooms' Python and of what configures them, and the names that tests define."""
    words = re.compile(r"[A-Za-z_]\w*")
    said = [*code(), ROOT / "docker-compose.yml", ROOT / "pyproject.toml"]
    found = {word for path in said for word in words.findall(path.read_text())}
    return frozenset(found.union(*(top_names(module) for module in modules())))


def stands(dotted: str) -> bool | None:
    """Whether a dotted name is one of ours; None where its first part is no room, module or class of ours.

    What begins with a room is a module and what stands in it. `views.board.deadline` may leave the room out,
    and `case.close` may mean any case: then it is enough that the words occur.
    """
    parts = dotted.split(".")
    if dotted in labels():
        return True
    if parts[0] not in ROOMS:
        ours = parts[0] in classes() or any(module.endswith(f".{parts[0]}") for module in modules())
        return all(part in identifiers() for part in parts) if ours else None
    length = next(n for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in modules())
    module, rest = ".".join(parts[:length]), parts[length:]
    return not rest or (rest[0] in top_names(module) and all(part in identifiers() for part in rest))
