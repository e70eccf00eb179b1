"""The rules know no Django, no clock and no network, and load the holidays only when one is asked for."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import law.rules

MODULES = sorted(Path(law.rules.__file__).parent.glob("*.py"))
CLOCKS = {"today", "now", "utcnow", "fromtimestamp", "localtime", "gmtime"}


def test_importing_every_rule_loads_neither_django_nor_holidays_nor_network():
    """Sabotage seen: `from django.utils import timezone` in stay.py; `import holidays` in procedure.py."""
    names = ", ".join(f"law.rules.{path.stem}" for path in MODULES if path.stem != "__init__")
    code = f"import sys, {names}; print(*{{m.split('.')[0] for m in sys.modules}})"
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=MODULES[0].parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()
    assert not {"django", "holidays", "socket", "ssl", "sqlite3", "vault", "staff"} & set(loaded)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_rule_reads_a_clock(module):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in CLOCKS}
    assert called == set()
    imported = {
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert "zoneinfo" not in imported
