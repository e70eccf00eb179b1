"""What lists need: the rows whose keys to fetch together, and their columns opened together.

Between two cells of a list lies a template; in one loop the cipher stays at hand, and a cell costs half. What
does not open here is left closed: reading it says why.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from django.db import models

from vault.cipher import VERSION, CannotOpen, Sealed

BATCH = 5000


def open_columns(rows: Iterable[Any], names: Iterable[str]) -> None:
    """Open the columns `names` of `rows` (one sealed model, each row with its keys), as reading them would.

    Only columns under record keys: names of others are passed over, and opened when they are read.
    """
    plans: dict[type, list[tuple[str, bytes, Any]]] = {}
    wanted = list(names)
    for row in rows:
        plan = plans.get(type(row))
        if plan is None:
            plan = plans[type(row)] = _plan(type(row), wanted)
        data = row.__dict__
        bound = data.get("_vault")
        if bound is None or bound.cipher is None:
            continue
        decrypt, tail = bound.cipher.decrypt, bound.tail
        seen = data.setdefault("_seen", {})
        for name, prefix, load in plan:
            cell = data.get(name)
            if type(cell) is not Sealed:
                continue
            try:
                if cell[0] != VERSION:
                    continue
                padded = decrypt(cell[1:13], cell[13:], prefix + tail)
                data[name] = load(padded[: padded.rindex(b"\x80")])
            except (InvalidTag, ValueError, IndexError, CannotOpen):
                continue
            if name not in seen:
                seen[name] = cell


def _plan(model: type[Any], names: Iterable[str]) -> list[tuple[str, bytes, Any]]:
    fields = {field.name: field for field in model.sealed_fields() if field.key is None}
    return [(fields[n].attname, fields[n]._prefix, fields[n].load) for n in names if n in fields]


def reach(rows: Iterable[Any], reached: list[Any], met: set[int]) -> None:
    """Collect sealed instances among `rows` and among what select_related and prefetch_related loaded."""
    for row in rows:
        if not isinstance(row, models.Model) or id(row) in met:
            continue
        met.add(id(row))
        if hasattr(row, "sealed_fields"):
            reached.append(row)
        loaded_along = row._state.__dict__.get("fields_cache")  # the attribute would make one for each row
        if loaded_along:
            # What was never stored was not loaded along: a form's empty row hangs on its case too.
            stored = [each for each in loaded_along.values() if each is not None and not each._state.adding]
            reach(stored, reached, met)
        for loaded in getattr(row, "_prefetched_objects_cache", {}).values():
            reach(getattr(loaded, "_result_cache", None) or (), reached, met)


def load_identities(rows: Sequence[Any], using: str) -> None:
    """Read what .only() left out of the identity columns, in one query per model instead of one per row."""
    missing: dict[type[Any], dict[Any, list[Any]]] = {}
    for row in rows:
        if "_vault" not in row.__dict__ and any(n not in row.__dict__ for n in row._identity_names()):
            missing.setdefault(type(row), {}).setdefault(row.pk, []).append(row)
    for model, by_pk in missing.items():
        names = model._identity_names()
        keys = list(by_pk)
        for start in range(0, len(keys), BATCH):
            found = model._base_manager.using(using).filter(pk__in=keys[start : start + BATCH])
            for pk, *values in found.values_list("pk", *names):
                for row in by_pk[pk]:
                    row.__dict__.update(zip(names, values, strict=True))
