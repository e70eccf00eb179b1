"""A known text sealed under each key: a process with a wrong or missing key refuses to serve."""

from django.conf import settings
from django.db import DatabaseError

from vault.cipher import CannotOpen, key_id, open_under, seal_under
from vault.keyring import NAMES, NEEDED, KeyProblem, keyring
from vault.models import Canary

_TEXT = b"the canary sings"


def _bound_to(name: str) -> bytes:
    return b"v1|canary|" + name.encode()


def place(name: str) -> None:
    """Put the canary of the key `name` under its first key, if there is none."""
    Canary.objects.get_or_create(
        key_name=name, defaults={"sealed": seal_under(name, "canary", _TEXT, _bound_to(name))}
    )


def replace(name: str) -> None:
    """Put the canary of the key `name` under its first key, whatever was there (the end of a rotation)."""
    sealed = bytes(seal_under(name, "canary", _TEXT, _bound_to(name)))
    Canary.objects.update_or_create(key_name=name, defaults={"sealed": sealed})


def problem(name: str, sealed: bytes) -> str:
    """Why the canary of the key `name` does not open with the ring of this process; "" if it does."""
    try:
        if open_under(name, "canary", sealed, _bound_to(name)) == _TEXT:
            return ""
        cause = "it holds another text"
    except CannotOpen as closed:
        cause = str(closed)
    missing = key_id(sealed).hex()
    where = keyring().path(name)
    return (
        f"Refusing to serve: the {name} key {missing} is missing, the data was sealed with it ({cause}). "
        f"Put that key back{f' in {where}' if where else ''}."
    )


def require(*, without: tuple[str, ...] = ()) -> None:
    """Open the canary of every key this process needs. Raises KeyProblem that names the missing key id.

    `without` names keys that may still be away (a locked root). Called once at the start of each process;
    costs one query.
    """
    needed = [name for name in NEEDED[settings.SITE] if name not in without]
    for name in needed:
        keyring().keys(name)
    if not needed:
        return
    try:
        canaries = dict(Canary.objects.values_list("key_name", "sealed"))
    except DatabaseError as error:
        raise KeyProblem(
            "The vault's tables are missing. Run: manage.py migrate, then manage.py vault init"
        ) from error
    for name in NAMES:
        if not keyring().holds(name) or name in without:
            continue
        if name not in canaries:
            raise KeyProblem(f"The {name} key has no canary in this database. Run: manage.py vault init")
        found = problem(name, bytes(canaries[name]))
        if found:
            raise KeyProblem(found)
