"""docs/ASVS.md: every requirement has its verdict, and every test that it names exists."""

import re

from tests.house.tree import ROOT

# Level 1 whole; level 2 of files, authentication, sessions, access, cryptography, data protection, logging.
REQUIRED = """
V1.2.1 V1.2.2 V1.2.3 V1.2.4 V1.2.5 V1.3.1 V1.3.2 V1.5.1 V2.1.1 V2.2.1 V2.2.2 V2.3.1 V3.2.1 V3.2.2 V3.3.1
V3.4.1 V3.4.2 V3.5.1 V3.5.2 V3.5.3 V4.1.1 V4.4.1 V5.1.1 V5.2.1 V5.2.2 V5.2.3 V5.3.1 V5.3.2 V5.4.1 V5.4.2
V5.4.3 V6.1.1 V6.1.2 V6.1.3 V6.2.1 V6.2.2 V6.2.3 V6.2.4 V6.2.5 V6.2.6 V6.2.7 V6.2.8 V6.2.9 V6.2.10 V6.2.11
V6.2.12 V6.3.1 V6.3.2 V6.3.3 V6.3.4 V6.4.1 V6.4.2 V6.4.3 V6.4.4 V6.5.1 V6.5.2 V6.5.3 V6.5.4 V6.5.5 V6.6.1
V6.6.2 V6.6.3 V6.8.1 V6.8.2 V6.8.3 V6.8.4 V7.1.1 V7.1.2 V7.1.3 V7.2.1 V7.2.2 V7.2.3 V7.2.4 V7.3.1 V7.3.2
V7.4.1 V7.4.2 V7.4.3 V7.4.4 V7.4.5 V7.5.1 V7.5.2 V7.6.1 V7.6.2 V8.1.1 V8.1.2 V8.2.1 V8.2.2 V8.2.3 V8.3.1
V8.4.1 V9.1.1 V9.1.2 V9.1.3 V9.2.1 V10.4.1 V10.4.2 V10.4.3 V10.4.4 V10.4.5 V11.1.1 V11.1.2 V11.2.1 V11.2.2
V11.2.3 V11.3.1 V11.3.2 V11.3.3 V11.4.1 V11.4.2 V11.4.3 V11.4.4 V11.5.1 V11.6.1 V12.1.1 V12.2.1 V12.2.2
V13.4.1 V14.1.1 V14.1.2 V14.2.1 V14.2.2 V14.2.3 V14.2.4 V14.3.1 V14.3.2 V14.3.3 V15.1.1 V15.2.1 V15.3.1
V16.1.1 V16.2.1 V16.2.2 V16.2.3 V16.2.4 V16.2.5 V16.3.1 V16.3.2 V16.3.3 V16.3.4 V16.4.1 V16.4.2 V16.4.3
V16.5.1 V16.5.2 V16.5.3
""".split()  # noqa: SIM905 (a long list of words reads better as words)
ROW = re.compile(r"^\| (V[\d.]+) \| (met|n/a|open) \| (.*?) \| ?(.*?) ?\|$", re.MULTILINE)
TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


def rows():
    """{requirement: (verdict, why, named tests)}."""
    text = (ROOT / "docs" / "ASVS.md").read_text()
    return {name: (verdict, why, TEST.findall(tests)) for name, verdict, why, tests in ROW.findall(text)}


def test_every_requirement_has_its_verdict_once():
    """Done when all 70 of level 1 and the chosen ones of level 2 stand there. Sabotage: delete a line."""
    text = (ROOT / "docs" / "ASVS.md").read_text()
    stand = re.findall(r"^\| (V\d[\d.]+) ", text, re.MULTILINE)
    assert sorted(stand) == sorted(REQUIRED)
    assert set(rows()) == set(REQUIRED)


def test_whatever_is_met_names_a_test_and_whatever_is_not_says_why():
    for name, (verdict, why, tests) in rows().items():
        assert len(why) > 3, name
        assert bool(tests) == (verdict == "met"), name


def test_every_named_test_exists():
    """Sabotage: rename one."""
    gone = []
    for name, (_verdict, _why, tests) in rows().items():
        for path, test in tests:
            file = ROOT / "tests" / path
            if not file.exists() or not re.search(rf"^def {test}\(", file.read_text(), re.MULTILINE):
                gone.append(f"{name}: {path}::{test}")
    assert gone == []
