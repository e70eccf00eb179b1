"""A stranger finds things by the field's words, and no function is named by one bare participle."""

import ast
import re

import pytest

from tests.house.tree import ROOT

ROOMS = ("config", "desk", "importing", "demo", "figures", "reminders", "inbox", "cases", "law")
ROOMS += ("intake", "staff", "vault")
# The field's word, and the file that a grep for it must lead to.
FIND = [
    ("recipient", "reminders/recipients.py"),
    ("outbox", "reminders/ledger.py"),
    ("lease", "reminders/ledger.py"),
    ("doorbell", "reminders/doorbell.py"),
    ("retention", "staff/retention.py"),
    ("permission", "staff/roles.py"),
    ("second factor", "staff/models/devices.py"),
    ("session", "staff/sessions.py"),
    ("session", "staff/interrupted_form.py"),
    ("two.person", "staff/models/two_person.py"),
    ("idempoten", "desk/views/idempotency.py"),
    ("inline", "desk/admin/tabs.py"),
    ("inline", "desk/admin/procedure_tabs.py"),
    ("applications.by.country", "desk/applications_by_country.py"),
    ("law.book", "desk/law_book.py"),
    ("stay.bar", "desk/drawings/stay_bar.py"),
    ("explanation", "desk/explanations.py"),
    ("provenance", "cases/provenance.py"),
    ("recomput", "cases/models/recomputation.py"),
    ("consent", "cases/models/consent.py"),
    ("duplicate", "cases/duplicates.py"),
    ("duplicate", "inbox/duplicates.py"),
    ("transition", "law/rules/transitions.py"),
    ("triage", "intake/triage.py"),
    ("blind.?index", "vault/blind_index.py"),
    ("normalise", "vault/normalise.py"),
    ("rotat", "vault/rotation.py"),
]
# What is past says that something happened, not what comes back.
PARTICIPLES = frozenset(
    re.findall(
        r"\w+",
        """
        accepted accused added agreed announced answered asked begun blocked born bound brought built
        called carried checked chosen cleaned cleared computed confirmed counted decided decoded defused
        described done encoded explained filled folded found given gone granted grouped heard held hidden
        judged kept known left lent lifted listed locked lost made marked met moved named needed normalised
        noted noticed offered opened packed paged past paused placed published ranked reminded risen said
        seen sealed sent settled shared shipped shown signed sorted sourced spelled spoken standing started
        stored suppressed taken thought told touched trusted typed understood unwrapped wanted warned
        withdrawn written
        """,
    )
)
# Where the participle is an adjective that a template or a queryset reads as one: the name, where, why.
EXCEPTIONS = {
    "hidden": "how many rows of a list are not shown: templates read `section.hidden`, `panel.hidden`",
    "spoken": "the drawing for those who do not see it: templates read `cell.spoken`, `chart.spoken`",
    "judged": "pairs that somebody judged: the template reads `found.judged` and `pair.judged`",
    "announced": "a version whose first day lies ahead: the template reads `told.announced`",
    "accepted": "`User.objects.accepted()`, a queryset: it narrows what stands before it, as `active()`",
}


def trees():
    """Every module of the rooms, migrations left out, as (path, tree)."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT), ast.parse(path.read_text())


@pytest.mark.parametrize(("word", "file"), FIND, ids=lambda part: str(part).replace(" ", "-"))
def test_the_words_of_the_field_are_found(word, file):
    """Sabotage: call desk/views/idempotency.py by another name, or "outbox" out of reminders/ledger.py."""
    assert (ROOT / file).is_file(), f"{file} is gone. Say here where a grep for {word!r} leads now."
    assert re.search(word, f"{file}\n{(ROOT / file).read_text()}", re.IGNORECASE)


def test_no_function_is_named_by_one_bare_participle():
    """Sabotage: call explain_term() of cases/provenance.py told() again."""
    found = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.strip("_") in PARTICIPLES - EXCEPTIONS.keys()
    ]
    assert not found, "Say what comes back, or what is done: told → explain_term. " + "; ".join(found)


def test_no_class_is_named_by_one_bare_participle():
    """An exception may: `trail.Refused`, `cipher.Erased`. Sabotage: call InterruptedForm Kept again."""
    found = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name.strip("_").lower() in PARTICIPLES - {"sealed"}
    ]
    assert not found, "Name the thing, such as OpenedRequest for Found: " + "; ".join(found)


def test_every_exception_is_still_needed():
    """Sabotage: rename UserQuerySet.accepted and leave it in EXCEPTIONS."""
    names = {
        node.name.strip("_")
        for _path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }
    assert EXCEPTIONS.keys() - names == set()
