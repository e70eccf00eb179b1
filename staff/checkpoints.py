"""Signed checkpoints: where the trail's chain ended, so that an outsider can prove a later rewrite.

The worker links rows without any key; the desk signs where the chain ends, after it has walked the new part.
A checkpoint is a few lines of text. Kept outside, it proves with the public key alone that the trail was
rewritten or cut since. A second kind says that everything before it was removed on purpose: see
`staff/retention.py`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from staff import chain
from staff.chain import BrokenChain, Head
from vault import signing

PURPOSE = "trail-checkpoint"
TITLE = "desk trail checkpoint 1"
# The desk signs at most this often; what was linked since is covered by the next one.
EVERY = timedelta(hours=1)


class WrongCheckpoint(ValueError):
    """A text is no checkpoint, or not one of ours; the message says which and what to do."""


class Kind(models.TextChoices):
    """What a checkpoint says."""

    HEAD = "head", _("the trail ended here")
    CUT = "cut", _("everything up to here was removed on purpose")


@dataclass(frozen=True)
class SignedCheckpoint:
    """A checkpoint as it leaves the house. `public` is the key that it says to be signed with."""

    kind: str
    head: Head
    at: datetime
    public: bytes
    signature: bytes

    @property
    def text(self) -> str:
        """What is signed, to the last line break."""
        return _text(self.kind, self.head, self.at, self.public)

    def __str__(self) -> str:
        return f"{self.text}signature: {self.signature.hex()}\n"

    def require_signature(self, trusted: Sequence[bytes]) -> None:
        """Raise WrongCheckpoint unless one of the public keys in `trusted` signed it."""
        if not any(signing.is_signed_by(public, self.text.encode(), self.signature) for public in trusted):
            raise WrongCheckpoint(
                f"The checkpoint at link {self.head.position} is not signed by a key that is trusted here. "
                "Compare its public key with the one you noted when the desk was set up (--public-key)."
            )


def _text(kind: str, head: Head, at: datetime, public: bytes) -> str:
    """Plain lines, so that a person can read them and OpenSSL can check them."""
    return (
        f"{TITLE}\nkind: {kind}\nposition: {head.position}\nhash: {head.hash}\n"
        f"signed at: {at.astimezone(UTC).isoformat(timespec='seconds')}\npublic key: {public.hex()}\n"
    )


def read(text: str) -> SignedCheckpoint:
    """The checkpoint in `text`, its signature not yet checked. Raises WrongCheckpoint."""
    title, *lines = text.strip().splitlines() or [""]
    if title.strip() != TITLE:
        raise WrongCheckpoint(f"This is no checkpoint: its first line must be “{TITLE}”.")
    facts = {name: value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}
    try:
        return SignedCheckpoint(
            Kind(facts["kind"]).value,
            Head(int(facts["position"]), facts["hash"]),
            datetime.fromisoformat(facts["signed at"]),
            bytes.fromhex(facts["public key"]),
            bytes.fromhex(facts["signature"]),
        )
    except (KeyError, ValueError):
        raise WrongCheckpoint(
            "This checkpoint is damaged: a line is missing or changed. Copy it anew."
        ) from None


class CheckpointQuerySet(models.QuerySet["Checkpoint"]):
    """Questions to the checkpoints."""

    def newest(self) -> Checkpoint | None:
        """The last one that was signed."""
        return self.order_by("-id").first()

    def cut(self) -> Checkpoint | None:
        """Where the chain begins today, if a part of it was removed."""
        return self.filter(kind=Kind.CUT).order_by("-position").first()


class Checkpoint(models.Model):
    """A checkpoint that this desk signed. Append-only by triggers, as the trail itself."""

    kind = models.CharField(_("kind"), max_length=4, choices=Kind, editable=False)
    position = models.BigIntegerField(_("position"), editable=False)
    hash = models.CharField(max_length=64, editable=False)
    signed_at = models.DateTimeField(_("signed at"), editable=False)
    public_key = models.CharField(max_length=64, editable=False)
    signature = models.CharField(max_length=128, unique=True, editable=False)

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("checkpoint of the trail")
        verbose_name_plural = _("checkpoints of the trail")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"

    @property
    def head(self) -> Head:
        """Where the chain ended."""
        return Head(self.position, self.hash)

    @property
    def as_signed(self) -> SignedCheckpoint:
        """As it leaves the house."""
        public, signature = bytes.fromhex(self.public_key), bytes.fromhex(self.signature)
        return SignedCheckpoint(self.kind, self.head, self.signed_at, public, signature)


def sign(head: Head, *, kind: Kind = Kind.HEAD, now: datetime) -> Checkpoint:
    """Sign `head` and keep it. Nothing is looked at here: see `sign_new`. KeyProblem without the key."""
    at = now.replace(microsecond=0)
    public = signing.public_keys(PURPOSE)[0]
    signature = signing.sign(PURPOSE, _text(kind.value, head, at, public).encode())
    return Checkpoint.objects.create(
        kind=kind.value,
        position=head.position,
        hash=head.hash,
        signed_at=at,
        public_key=public.hex(),
        signature=signature.hex(),
    )


def sign_new(*, now: datetime | None = None, every: timedelta = EVERY) -> Checkpoint | None:
    """Sign the chain's end, unless nothing was linked since the last checkpoint or that one is young.

    What came since is walked first: a desk must not put its name under a chain that does not hold. Raises
    chain.BrokenChain then, and signs nothing.
    """
    now = now or timezone.now()
    last = Checkpoint.objects.newest()
    if last is not None and now - last.signed_at < every:
        return None
    if last is not None:
        last.as_signed.require_signature(trusted_keys())
    end = chain.verify(start=last.head if last else None)
    if last is not None and end.position == last.position or not end.position:
        return None
    return sign(end, now=now)


def trusted_keys(extra: Iterable[bytes] = ()) -> list[bytes]:
    """Public keys whose signatures count here: our own, where this process holds them, and `extra`."""
    return [*extra, *(signing.public_keys(PURPOSE) if signing.can_sign() else ())]


def verify_all(*, extra: Iterable[bytes] = (), noted: SignedCheckpoint | Head | None = None) -> Head:
    """Walk the whole chain against every checkpoint kept here and the one `noted` outside; its end.

    Raises Broken, or WrongCheckpoint where a signature is not of a trusted key. Where nobody is trusted (no
    key held, none given), signatures are not asked for, and hashes still are.
    """
    keys = trusted_keys(extra)
    kept = list(Checkpoint.objects.order_by("id"))
    if keys:
        for row in kept:
            row.as_signed.require_signature(keys)
    cut = Checkpoint.objects.cut()
    met = {row.position: row.hash for row in kept if cut is None or row.position >= cut.position}
    wanted = noted.head if isinstance(noted, SignedCheckpoint) else noted
    if isinstance(noted, SignedCheckpoint):
        noted.require_signature(keys)
    if wanted is not None and cut is not None and wanted.position < cut.position:
        raise BrokenChain(
            f"The trail begins at link {cut.position} since it was cut on {cut.signed_at:%Y-%m-%d}; this "
            "checkpoint is older. Compare it with the export that was made at the cut."
        )
    return chain.verify(start=cut.head if cut else None, checkpoints=met, checkpoint=wanted)


def export_lines() -> Iterator[str]:
    """The checkpoints, then the chain, as JSON lines: what `verify_lines` needs, and no key."""
    cut = Checkpoint.objects.cut()
    begins = cut.position if cut else 0
    for row in Checkpoint.objects.filter(position__gte=begins).order_by("id"):
        yield json.dumps({"checkpoint": str(row.as_signed)})
    yield from chain.export(after=begins)


def verify_lines(
    lines: Iterable[str], *, extra: Iterable[bytes] = (), noted: SignedCheckpoint | Head | None = None
) -> Head:
    """As verify_all, on an export and without the database. Raises Broken, WrongCheckpoint."""
    keys = trusted_keys(extra)
    kept, rest = [], iter(lines)
    first: str | None = None
    for line in rest:
        found = json.loads(line)
        if "checkpoint" not in found:
            first = line
            break
        kept.append(read(found["checkpoint"]))
    for signed in [*kept, *([noted] if isinstance(noted, SignedCheckpoint) else [])]:
        if keys or signed is noted:
            signed.require_signature(keys)
    cuts = [signed for signed in kept if signed.kind == Kind.CUT]
    start = max(cuts, key=lambda signed: signed.head.position).head if cuts else None
    wanted = noted.head if isinstance(noted, SignedCheckpoint) else noted
    return chain.verify(
        itertools.chain([first] if first is not None else [], rest),
        start=start,
        checkpoints={signed.head.position: signed.head.hash for signed in kept},
        checkpoint=wanted,
    )
