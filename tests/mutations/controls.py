"""Ten controls, how each is taken away, and the test that must then fail; sample.py has forty smaller ones.

    .venv/bin/python -m tests.mutations          takes away each in turn, in a copy of the tree
    .venv/bin/python -m tests.mutations csp csrf only these
    .venv/bin/python -m tests.mutations sample   the forty; after it the names of single ones

It ends with an error if any test passes without its control, and changes nothing in the tree itself.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.house.tree import ROOMS, ROOT

COPIED = (*ROOMS, "templates", "locale", "tests", "docs")


@dataclass(frozen=True)
class Control:
    """One control: `before` stands once in `file`; with `after` in its place `test` must fail."""

    name: str
    file: str
    before: str
    after: str
    test: str


CONTROLS = (
    Control(
        "csrf",
        "config/settings.py",
        '    "django.middleware.csrf.CsrfViewMiddleware",\n',
        "",
        "tests/staff/test_interrupted_form.py::test_a_foreign_page_presses_no_button_of_ours",
    ),
    Control(
        "second factor",
        "staff/middleware.py",
        "        if not user.is_verified():\n            return self._send",
        "        if False:\n            return self._send",
        "tests/staff/test_default_deny.py::test_every_other_page_is_closed",
    ),
    Control(
        "throttle",
        "config/settings.py",
        "AXES_FAILURE_LIMIT = 5\n",
        "AXES_FAILURE_LIMIT = 500\n",
        "tests/staff/test_signing.py::test_five_wrong_passwords_lock_name_and_address_together",
    ),
    Control(
        "row access",
        "cases/models/case.py",
        "        return cast(CaseQuerySet, self.filter(which()).intact())",
        "        return cast(CaseQuerySet, self.all())",
        "tests/cases/test_case_access.py::test_a_caseworker_sees_their_own_case_and_no_colleagues",
    ),
    Control(
        "compartment",
        "cases/models/compartment.py",
        "        return until if until is not None and until + late > now else None",
        "        return until or now + datetime.timedelta(hours=1)",
        "tests/desk/test_compartments.py::test_a_reason_opens_it_and_time_closes_it",
    ),
    Control(
        "step-up",
        "staff/stepup.py",
        "FRESH_SECONDS = 5 * 60",
        "FRESH_SECONDS = 10**9",
        "tests/staff/test_sessions.py::test_what_could_do_harm_asks_for_a_fresh_code",
    ),
    Control(
        "csp",
        "staff/middleware.py",
        "        \"script-src 'self'\",\n",
        "        \"script-src 'self' 'unsafe-inline'\",\n",
        "tests/staff/test_headers.py::test_every_response_carries_every_header",
    ),
    Control(
        "upload type",
        "cases/models/attachment.py",
        "cleaned = images.clean(data, allow_pdf=True, max_bytes=most)",
        'cleaned = images.Picture(data, "application/pdf")',
        "tests/desk/test_files.py::test_the_type_is_what_the_content_is",
    ),
    Control(
        "session end",
        "staff/models/user.py",
        'f"{self.password}:{self.session_epoch}"',
        'f"{self.password}"',
        "tests/staff/test_sessions.py::test_one_update_ends_every_session",
    ),
    Control(
        "trigger",
        "staff/append_only.py",
        '            cursor.execute(f"CREATE TRIGGER {name} {body}")\n',
        "",
        "tests/staff/test_trail.py::test_the_database_refuses_to_rewrite_it",
    ),
)


class StillPasses(AssertionError):
    """A test passes although its control is gone."""


@contextmanager
def removed(control: Control, tree: Path) -> Iterator[None]:
    """Without the control in `tree`, for so long. ValueError unless its text stands there exactly once."""
    path = tree / control.file
    text = path.read_text()
    if text.count(control.before) != 1:
        raise ValueError(f"{control.name}: {control.file} has changed. Write anew what is to be removed.")
    stat = path.stat()
    path.write_text(text.replace(control.before, control.after))
    try:
        yield
    finally:
        path.write_text(text)
        # Its age as well: what Python compiled meanwhile is told by it.
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def outcome(tree: Path, test: str) -> subprocess.CompletedProcess:
    """Run `test` in `tree`, on SQLite, by this process's interpreter; tables and compiled files stay."""
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    settings = env | {
        "DESK_PREPARED": "1",
        "DESK_VAR": str(tree / "var"),
        "PYTHONPYCACHEPREFIX": str(tree.parent / "compiled"),
        "KEPT_TABLES": str(tree.parent / "tables"),
    }
    return subprocess.run(command, cwd=tree, env=settings, capture_output=True, text=True, timeout=300)


def copy(folder: Path) -> Path:
    """The tree's own files, as they stand now, under `folder`."""
    tree = folder / "tree"
    tree.mkdir()
    for room in COPIED:
        shutil.copytree(ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("manage.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tree / name)
    return tree


def show(control: Control, tree: Path) -> str:
    """That the control's test fails without it in `tree`, in one line. Raises StillPasses, ValueError."""
    with removed(control, tree):
        done = outcome(tree, control.test)
    said = done.stdout.strip().splitlines()[-1:] or [done.stderr[-300:]]
    # 1 is pytest's word for "a test failed"; anything else means that it did not even run.
    if done.returncode != 1 or "failed" not in said[0]:
        raise StillPasses(f"{control.name}: {control.test} ended with {done.returncode}: {said[0]}")
    return f"{control.name}: without it {control.test.partition('::')[2]} fails"


def main(controls: Sequence[Control], names: Sequence[str]) -> int:
    """Show each of `controls`, or those named; 1 if a test passes without its control or a name is none."""
    strange = set(names) - {control.name for control in controls}
    if strange:
        print(f"There is no control called: {', '.join(sorted(strange))}.")
        return 1
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = copy(Path(folder))
        for control in controls:
            if names and control.name not in names:
                continue
            try:
                print(show(control, tree), flush=True)
            except (StillPasses, ValueError, subprocess.TimeoutExpired) as problem:
                bad += 1
                print(f"STILL PASSES {problem}", flush=True)
    return 1 if bad else 0
