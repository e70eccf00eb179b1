"""The project's own files, for tests that read them."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = (
    "config",
    "desk",
    "importing",
    "demo",
    "figures",
    "reminders",
    "inbox",
    "cases",
    "law",
    "intake",
    "staff",
    "vault",
)
SKIPPED = {".venv", ".git", "var", "__pycache__"}


def files(*suffixes: str, under: tuple[str, ...] = ("",)) -> list[Path]:
    """Files of the project with one of `suffixes`; generated and fetched ones are not the project's."""
    found = []
    for folder in under:
        for path in sorted((ROOT / folder).rglob("*")):
            parts = path.relative_to(ROOT).parts
            if (
                path.is_file()
                and path.suffix in suffixes
                and not SKIPPED & set(parts)
                and parts[0][:4] != ".git"
            ):
                found.append(path)
    return found


def code() -> list[Path]:
    """The rooms' Python modules, without migrations."""
    return [path for path in files(".py", under=ROOMS) if "migrations" not in path.parts]


def name(path: Path) -> str:
    """As a person would write it."""
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """Every module that `path` imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def run(*command: str, **options) -> subprocess.CompletedProcess:
    """To its end, from the project's root."""
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options
    )
