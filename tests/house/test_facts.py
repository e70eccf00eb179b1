"""A fact that a caller forgets is a date that nobody sees: nothing stands in for a fact."""

import ast

import pytest

from tests.house.tree import ROOT

# What these modules find, not what they are handed: an answer may lack a rule or an hour.
ANSWERS = {"DerivedDeadline", "Clock", "Question"}
# The functions that take a file or a day, and what they may do without.
TAKERS = {
    ("cases/models/facts.py", "read_facts"): set(),
    ("cases/models/facts.py", "facts_in"): {"tables"},  # asked of the database where they are not at hand
    ("cases/models/facts.py", "apply_facts"): set(),
    ("cases/models/deadline.py", "apply"): set(),
    ("cases/models/case.py", "facts"): set(),
    ("cases/models/case.py", "refresh_deadlines"): set(),
    ("cases/deadlines.py", "derive"): set(),
    ("cases/deadlines.py", "with_questions"): set(),
    ("law/clocks.py", "clocks"): set(),
    ("law/clocks.py", "duties"): set(),
}


def nodes(path, kind):
    return [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, kind)]


@pytest.mark.parametrize("path", ["law/clocks.py", "cases/deadlines.py", "cases/models/procedures.py"])
def test_no_fact_has_a_default(path):
    """Sabotage: `rule: str = ""` in DocumentFact."""
    forgettable = [
        f"{kind.name}.{line.target.id}"
        for kind in nodes(path, ast.ClassDef)
        if kind.name not in ANSWERS and "dataclass" in ast.unparse(ast.List(kind.decorator_list))
        for line in kind.body
        if isinstance(line, ast.AnnAssign) and line.value is not None
    ]
    assert forgettable == []


@pytest.mark.parametrize(("path", "name"), TAKERS)
def test_no_taker_of_facts_does_without_one(path, name):
    """Sabotage: `consents: Iterable[Any] = ()` in facts_in()."""
    (taker,) = [each for each in nodes(path, ast.FunctionDef) if each.name == name]
    given = taker.args.posonlyargs + taker.args.args
    optional = {each.arg for each in given[len(given) - len(taker.args.defaults) :]}
    optional |= {
        each.arg
        for each, default in zip(taker.args.kwonlyargs, taker.args.kw_defaults, strict=True)
        if default is not None
    }
    assert optional == TAKERS[path, name]
