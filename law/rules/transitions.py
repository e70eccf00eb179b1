"""Which stage an application may go to from which, as data: `transitions` of `procedural_deadlines.json`."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from law.rules.reference import BadTable
from law.rules.values import BadValue, as_list, as_object, as_text, required

FILE = Path(__file__).parent.parent / "data" / "procedural_deadlines.json"


@lru_cache(maxsize=1)
def allowed_transitions() -> frozenset[tuple[str, str]]:
    """Every transition, as (stage before, stage after)."""
    return transitions_in(json.loads(FILE.read_text(encoding="utf-8")))


def transitions_in(document: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """The transitions that a table allows; BadTable names one without two different stages of the table."""
    try:
        rows = as_list(required(document, "stages"), "stages")
        stages = {as_text(required(as_object(row, "A stage"), "code"), "code") for row in rows}
        moves = as_list(required(document, "transitions"), "transitions")
    except BadValue as problem:
        raise BadTable(f"The table of moves cannot be read: {problem}") from None
    for move in moves:
        known = isinstance(move, list) and len(move) == 2 and all(stage in stages for stage in move)
        if not known or move[0] == move[1]:
            raise BadTable(f"The move {move!r} does not lead from one stage of the table to another.")
    return frozenset((before, after) for before, after in moves)
