"""The Russian catalogue in locale/: how it is gathered from the code, compiled and read.

To bring it up to date after a change of words (needs GNU gettext):

    .venv/bin/python -m tests.house.catalogue

New strings then stand empty or as `#, fuzzy` guesses in locale/ru/LC_MESSAGES/django.po: translate them, take
the word fuzzy away, run it once more for the .mo, and commit both.
"""

from __future__ import annotations

import ast
import gettext
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.house.tree import ROOMS, ROOT

PO = Path("locale/ru/LC_MESSAGES/django.po")
MO = PO.with_suffix(".mo")
# No line numbers, no wrapping and no day: what did not change must not show in a diff.
MAKE = ("makemessages", "--locale=ru", "--no-location", "--no-wrap", "--no-obsolete")
# By their words, so that moving code moves no message.
SORT = ("msgcat", "--sort-output", "--no-wrap", "--output-file", str(PO), str(PO))
DAY = re.compile(r'^"POT-Creation-Date: .*"\n', re.MULTILINE)


@dataclass
class Entry:
    """One message: context and English text name it, `russian` holds its text or all its plural forms."""

    context: str
    english: str
    plural: str
    russian: list[str]
    flags: set[str] = field(default_factory=set)

    @property
    def key(self) -> str:
        """Its name in a failing test."""
        return f"[{self.context}] {self.english}" if self.context else self.english


def gather(folder: Path) -> str:
    """The .po as it would be with the strings of today's code; `folder` is empty and takes copies of both."""
    for room in (*ROOMS, "templates", "locale"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "static"))
    command = (sys.executable, "-m", "django", *MAKE, "--settings=django.conf.global_settings")
    for step in (command, SORT):
        done = subprocess.run(step, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{step[0]} ended with {done.returncode}: {done.stderr}")
    return DAY.sub("", (folder / PO).read_text())


def compiled(po: Path, mo: Path) -> gettext.GNUTranslations:
    """Compile `po` into `mo` and open it. Raises RuntimeError with what msgfmt found wrong."""
    done = subprocess.run(("msgfmt", "--check-format", "-o", mo, po), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return opened(mo)


def opened(mo: Path) -> gettext.GNUTranslations:
    """A compiled catalogue."""
    with mo.open("rb") as stream:
        return gettext.GNUTranslations(stream)


def entries(text: str) -> dict[str, Entry]:
    """The messages of a .po, by name; its header is left out."""
    found = (_entry(block) for block in re.split(r"\n\s*\n", text))
    return {entry.key: entry for entry in found if entry.english}


def _entry(block: str) -> Entry:
    parts: dict[str, str] = {}
    flags: set[str] = set()
    name = ""
    for line in block.splitlines():
        if line.startswith("#,"):
            flags |= {flag.strip() for flag in line[2:].split(",")}
        elif line.startswith('"'):
            parts[name] += ast.literal_eval(line)
        elif line and not line.startswith("#"):
            name, quoted = line.split(" ", 1)
            parts[name] = ast.literal_eval(quoted)
    russian = [parts[name] for name in sorted(parts) if name.startswith("msgstr")]
    context, english, plural = (parts.get(name, "") for name in ("msgctxt", "msgid", "msgid_plural"))
    return Entry(context, english, plural, russian, flags)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        (ROOT / PO).write_text(gather(Path(scratch)))
    compiled(ROOT / PO, ROOT / MO)
    todo = [
        e.key for e in entries((ROOT / PO).read_text()).values() if not all(e.russian) or "fuzzy" in e.flags
    ]
    print(*(todo or ["Everything has its Russian words."]), sep="\n")
