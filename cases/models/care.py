"""Who has taken notice of a date, and until when it sleeps: what a deadline keeps about people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from django.utils import timezone


@dataclass(frozen=True)
class Care:
    """Who has taken notice of a date. Always of one length, or its ciphertext would tell that it is near."""

    armed_at: datetime | None = None
    seen_at: datetime | None = None
    seen_by: UUID | None = None
    snoozed_until: date | None = None

    def as_json(self) -> dict[str, str]:
        """Every entry filled up with blanks to the length it has at most."""
        return {
            "armed_at": _iso(self.armed_at).ljust(25),
            "seen_at": _iso(self.seen_at).ljust(25),
            "seen_by": str(self.seen_by or "").ljust(36),
            "snoozed_until": str(self.snoozed_until or "").ljust(10),
        }

    @classmethod
    def from_json(cls, stored: dict[str, str]) -> Care:
        """What as_json() stored."""
        text = {name: value.strip() for name, value in stored.items()}
        return cls(
            armed_at=datetime.fromisoformat(text["armed_at"]) if text["armed_at"] else None,
            seen_at=datetime.fromisoformat(text["seen_at"]) if text["seen_at"] else None,
            seen_by=UUID(text["seen_by"]) if text["seen_by"] else None,
            snoozed_until=date.fromisoformat(text["snoozed_until"]) if text["snoozed_until"] else None,
        )


def _iso(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else ""


def new_care() -> dict[str, str]:
    """The care of a date that was set just now."""
    return Care(armed_at=timezone.now()).as_json()
