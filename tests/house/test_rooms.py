"""docs/ARCHITECTURE.md and pyproject.toml tell one order of the rooms; circles and rooms stay small."""

import re
import tomllib

import grimp
import pytest

from tests.house.tree import ROOMS, ROOT, code

MOST_IN_A_CIRCLE = 5
MOST_OF_THE_CODE = 0.30
# A package with more modules than this has an order of its own.
SMALL = 10
ARCHITECTURE = (ROOT / "docs" / "ARCHITECTURE.md").read_text()


def contracts():
    """{container, or "house": its layers, the highest first, each a set of names}."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    found = {}
    for contract in settings["contracts"]:
        if contract["type"] == "layers":
            (container,) = contract.get("containers", ["house"])
            assert container == "house" or contract["exhaustive"], f"{container}: a module may stand outside"
            found[container] = [_names(layer) for layer in contract["layers"]]
    return found


def _names(layer):
    return frozenset(re.split(r"\s*[|:]\s*", layer.strip()))


def told():
    """The same from the block in docs/ARCHITECTURE.md that begins with "house:"."""
    (block,) = re.findall(r"^```\n(house: .*?)^```", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    lines = re.sub(r"\n +", " ", block).splitlines()
    pairs = [line.split(": ", 1) for line in lines]
    return {container: [_names(layer) for layer in chain.split(">")] for container, chain in pairs}


def graph(*, types):
    """Who imports whom; with `types` also what is imported for types alone."""
    return grimp.build_graph(*ROOMS, exclude_type_checking_imports=not types, cache_dir=None)


def circles():
    """Sets of modules of which each imports, by way of others, all the rest."""
    drawn = graph(types=False)
    reached = {}
    for module in drawn.modules:
        found, new = set(), {module}
        while new:
            new = {each for one in new for each in drawn.find_modules_directly_imported_by(one)} - found
            found |= new
        reached[module] = found
    return {
        frozenset(other for other in found if module in reached[other])
        for module, found in reached.items()
        if module in found
    }


def test_the_document_tells_the_order_that_is_kept():
    """Sabotage: move `stay_page` one layer up in docs/ARCHITECTURE.md."""
    assert told() == contracts()


def test_the_table_of_rooms_goes_down_the_same_order():
    """Sabotage: leave out the line of `figures/`."""
    rows = re.findall(r"^\| `(\w+)/` \|", ARCHITECTURE, re.MULTILINE)
    assert sorted(rows) == sorted(ROOMS)
    rank = {room: n for n, layer in enumerate(contracts()["house"]) for room in layer}
    assert [rank[room] for room in rows] == sorted(rank[room] for room in rows)


def test_no_layer_is_left_for_later_and_no_room_outside():
    """Import-linter skips a layer in parentheses that is not there. Sabotage: write `(figures)`."""
    for container, layers in contracts().items():
        assert all(name.isidentifier() for layer in layers for name in layer), container
    assert {room for layer in contracts()["house"] for room in layer} == set(ROOMS)


def test_every_room_and_every_large_package_has_an_order():
    """Sabotage: take the contract "Inside desk.views" away."""
    drawn = graph(types=False)
    large = {
        module
        for module in drawn.modules
        if len(drawn.find_children(module)) > SMALL and not module.endswith(".migrations")
    }
    assert (large | set(ROOMS)) - contracts().keys() == set()


def test_not_even_types_are_named_upwards():
    """Sabotage: `if TYPE_CHECKING: from cases.models import Case` in staff/roles.py."""
    rank = {room: n for n, layer in enumerate(contracts()["house"]) for room in layer}
    drawn = graph(types=True)
    upwards = {
        f"{module} -> {other}"
        for module in drawn.modules
        for other in drawn.find_modules_directly_imported_by(module)
        if (mine := module.partition(".")[0]) != (theirs := other.partition(".")[0])
        and rank[theirs] <= rank[mine]
    }
    assert upwards == set()


def test_circles_are_small_and_named():
    """Each stands in docs/ARCHITECTURE.md with its reason.

    Sabotage: `from cases.models.case import Case` inside a function of cases/models/facts.py.
    """
    named = {
        frozenset(re.findall(r"`([\w.]+)`", line))
        for line in re.findall(r"^- Circle: (.*?):", ARCHITECTURE, re.MULTILINE)
    }
    found = circles()
    assert found == named
    assert max(map(len, found), default=0) <= MOST_IN_A_CIRCLE


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_is_the_house(room):
    """`cases/` once held two thirds of the code. Sabotage: MOST_OF_THE_CODE = 0.2."""
    lines = dict.fromkeys(ROOMS, 0)
    for path in code():
        lines[path.relative_to(ROOT).parts[0]] += len(path.read_text().splitlines())
    assert lines[room] <= MOST_OF_THE_CODE * sum(lines.values())
