"""Who may import whom. The contracts stand in pyproject.toml; what they cannot say is searched for here."""

import ast
import sys

import pytest

from tests.house.tree import ROOT, code, files, imports, name, run

SENDERS = ("django.core.mail", "smtplib")
# The clock's doors; a pure module is given its day.
CLOCK = {"today", "now", "utcnow", "localdate", "monotonic"}


@pytest.mark.processes
def test_no_room_imports_a_higher_one():
    """Sabotage: `from cases.models import Case` at the top of staff/roles.py."""
    done = run(sys.executable, "-c", "from importlinter.cli import lint_imports; "
               "raise SystemExit(lint_imports(no_cache=True))")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_only_notify_sends_mail():
    """Sabotage: `from django.core.mail import send_mail` in desk/digest.py."""
    allowed = ROOT / "reminders" / "notify.py"
    senders = {
        name(path)
        for path in code()
        if path != allowed and any(module.startswith(SENDERS) for module in imports(path))
    }
    assert senders == set()


def test_only_the_vault_imports_cryptography():
    """Import-linter does not see an import by name; neither may there be one."""
    found = [
        name(path)
        for path in code()
        if path.parts[len(ROOT.parts)] != "vault"
        and any(word in path.read_text() for word in ("import_module(", "__import__("))
    ]
    assert found == []


def test_pure_modules_never_read_the_clock():
    """Sabotage: `today = date.today()` in cases/deadlines.py."""
    pure = files(".py", under=("law/rules",))
    pure += [ROOT / "cases" / "deadlines.py", ROOT / "law" / "clocks.py", ROOT / "intake" / "triage.py"]
    reads = [
        f"{name(path)}:{node.lineno}"
        for path in pure
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCK
        and not node.args
    ]
    assert len(pure) > 3
    assert reads == []


def test_bootstrap_needs_the_standard_library_only():
    """It runs where nothing is installed yet, and config/__init__.py with it. Sabotage: `import django`."""
    for path in (ROOT / "config" / "bootstrap.py", ROOT / "config" / "__init__.py"):
        foreign = {module.partition(".")[0] for module in imports(path)} - set(sys.stdlib_module_names)
        assert foreign == set(), name(path)


def test_pins_hold_no_addresses():
    """A lock file with addresses sends everybody to one machine's package index."""
    pinned = [path for path in ROOT.glob("requirements*") if path.is_file()]
    assert len(pinned) == 4
    assert [name(path) for path in pinned if "://" in path.read_text() or "--index" in path.read_text()] == []
    assert not (ROOT / "uv.lock").exists()
    assert not (ROOT / "pylock.toml").exists()


def test_every_pin_has_hashes_and_every_wish_is_pinned():
    """Sabotage: add a line to requirements.in and forget to compile."""
    for wishes, pins in (
        ("requirements.in", "requirements.txt"),
        ("requirements-dev.in", "requirements-dev.txt"),
    ):
        text = (ROOT / pins).read_text().lower().replace("_", "-")
        for line in (ROOT / wishes).read_text().split():
            if line[0] not in "-#" and line != "requirements.txt":
                package = line.partition("[")[0].partition("<")[0].partition(">")[0].lower()
                assert f"{package}[" in text or f"{package}==" in text, (
                    f"{package} of {wishes} is not in {pins}"
                )
        blocks = [block for block in text.split("\n") if block and not block.startswith((" ", "#"))]
        assert all(block.rstrip().endswith("\\") for block in blocks), f"a pin without hashes in {pins}"
