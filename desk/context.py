"""What stands around every page: main links, demo mark, alarms. Lazy: who shows none asks for none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from inbox import listing
from reminders import health
from staff.models import User
from staff.roles import Permission, may, sees_cases


@dataclass(frozen=True)
class Link:
    """One of the main links; `here` is its aria-current ("" elsewhere), `key` the keys that lead there,
    `count` what waits there.
    """

    label: str
    url: str
    here: str
    key: str = ""
    count: int = 0


def surroundings(request: HttpRequest) -> dict[str, Any]:
    """Context processor of every page of the desk."""
    return {
        "demo_mark": SimpleLazyObject(User.objects.filter(demo=True).exists),
        "desk_search": SimpleLazyObject(lambda: sees_cases(request.user)),
        "desk_nav": SimpleLazyObject(lambda: main_links(request)),
        "desk_alarms": SimpleLazyObject(health.banner),
    }


def main_links(request: HttpRequest) -> list[Link]:
    """The pages that the reader's role opens, the landing page first."""
    user: Any = request.user
    pages = [
        (sees_cases(user), _("Deadlines"), "board", "g d"),
        (may(user, Permission.WORK_INBOX), pgettext("page", "Inbox"), "inbox", "g i"),
        (sees_cases(user), _("Cases"), "admin:cases_case_changelist", "g c"),
        (sees_cases(user), pgettext("page", "Applications"), "applications", "g p"),
        (may(user, Permission.SIGN_DIGEST), pgettext("page", "Digest"), "digest", "g s"),
        (may(user, Permission.SEE_STATISTICS), pgettext("page", "Statistics"), "statistics", "g n"),
        (may(user, Permission.READ_RULES), pgettext("page", "Rules"), "rules", "g l"),
        (sees_cases(user), pgettext("page", "Access"), "access", "g x"),
        (may(user, Permission.SEE_ACCOUNTS), _("Accounts"), "admin:staff_user_changelist", "g a"),
        (may(user, Permission.SEE_ACCOUNTS), _("Role requests"), "admin:staff_rolegrant_changelist", "g r"),
        (may(user, Permission.READ_TRAIL), _("Trail"), "trail", "g t"),
    ]
    return [
        _link(request.path, label, reverse(name), key, _waiting(request) if name == "inbox" else 0)
        for open_, label, name, key in pages
        if open_
    ]


def _waiting(request: HttpRequest) -> int:
    """How many requests wait; the inbox has counted them already."""
    counted: int | None = getattr(request, "waiting", None)
    return listing.waiting_count(request.user) if counted is None else counted  # type: ignore[arg-type]


def _link(path: str, label: str, url: str, key: str, count: int) -> Link:
    here = "page" if path == url else "true" if path.startswith(url) else ""
    return Link(label, url, here, key, count)
