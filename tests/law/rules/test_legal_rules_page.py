"""docs/LEGAL_RULES.md counts what is unconfirmed; the counts must be those of the data."""

import re
from collections import Counter
from pathlib import Path

from tests.law.rules.test_reference import ROWS, TERMS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "LEGAL_RULES.md").read_text(encoding="utf-8")


def summary(name, rows):
    confidence = Counter(row.check.confidence for row in rows)
    confirmed = sum(row.check.verified_on is not None for row in rows)
    levels = " / ".join(str(confidence[level]) for level in ("high", "medium", "low"))
    return f"| {name} | {len(rows)} | {confirmed} | {levels} |"


def ids(rows):
    return ", ".join(f"`{row.id}`" for row in sorted(rows, key=lambda row: row.id))


def test_the_page_counts_what_the_data_holds():
    assert summary("stays", ROWS) in PAGE
    assert summary("procedural deadlines", TERMS) in PAGE
    assert f"- {sum(t.roll is None for t in TERMS)} of {len(TERMS)} procedural rows do not know" in PAGE
    unseen = sum(not t.raw["source_seen"] for t in TERMS)
    assert f"- {unseen} of {len(TERMS)} procedural rows come from general knowledge" in PAGE
    stale = [row for row in ROWS if row.raw.get("stale_risk")]
    assert f"- {len(stale)} stay rows are marked as likely to have changed: {ids(stale)}." in PAGE
    unknown = [row for row in ROWS if row.raw["rule"]["kind"] == "unknown"]
    assert (
        f"- {len(unknown)} stay rows are `unknown`, so that the date is typed by hand: {ids(unknown)}."
        in PAGE
    )
    twofold = [row for row in ROWS if row.conservative_rule]
    assert f"- {len(twofold)} stay row has two readings: {ids(twofold)}." in PAGE


def test_the_page_names_every_module():
    named = set(re.findall(r"^\| `(\w+\.py)` \|", PAGE, flags=re.MULTILINE))
    folder = Path(__file__).resolve().parents[3] / "law" / "rules"
    assert named == {path.name for path in folder.glob("*.py")} - {"__init__.py"}
