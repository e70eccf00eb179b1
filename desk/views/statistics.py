"""Statistics: exact numbers for coordinators, and what may be published of them, which are two things."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateformat import format as date_words
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_GET, require_http_methods

from cases import export
from cases.models import Application, Case
from figures import counts
from figures.counts import Table
from figures.models import DEFINITION, HOLD_DAYS, Publication, StatisticsKind, is_ready, publishable_periods
from figures.periods import parse
from intake.models import Category, Colour
from staff import trail
from staff.models import User
from staff.roles import Permission, may
from staff.sites import desk
from staff.stepup import step_up_required

HIDDEN = "…"
BAR_WIDTH, BAR_HEIGHT, BAR_STEP = 34, 140, 52
INTERNAL = gettext_lazy("Internal: exact numbers. They must not leave the house.")


@dataclass(frozen=True)
class Bar:
    """One bar of the chart; x and y in units of the SVG."""

    label: str
    count: int
    x: int
    y: int
    height: int

    @property
    def middle(self) -> int:
        """Where its words stand."""
        return self.x + BAR_WIDTH // 2

    @property
    def above(self) -> int:
        """Where its number stands."""
        return self.y - 5


@dataclass(frozen=True)
class Chart:
    """Bars in their order, drawn on the server."""

    title: str
    bars: Sequence[Bar]

    @property
    def width(self) -> int:
        """Of the drawing."""
        return len(self.bars) * BAR_STEP + 10

    @property
    def spoken(self) -> str:
        """The whole drawing for those who do not see it."""
        return f"{self.title}: " + ", ".join(f"{bar.label} {bar.count}" for bar in self.bars)


def chart(title: str, numbers: Sequence[tuple[str, int]]) -> Chart:
    """Bars as high as their numbers, the highest filling the drawing."""
    most = max((count for _label, count in numbers), default=0) or 1
    bars = []
    for number, (label, count) in enumerate(numbers):
        height = round(BAR_HEIGHT * count / most)
        bars.append(Bar(label, count, 10 + number * BAR_STEP, 20 + BAR_HEIGHT - height, height))
    return Chart(title, bars)


def _require(user: User) -> None:
    if not may(user, Permission.SEE_STATISTICS):
        raise trail.Refused(_("Your account may not see the statistics. Ask a coordinator."))


def _kind(word: str) -> StatisticsKind:
    if word not in StatisticsKind.values:
        raise Http404
    return StatisticsKind(word)


# -- exact


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """Exact counts of one kind; the reader's own cases, and all requests."""
    user: Any = request.user
    _require(user)
    asked = request.GET.get("of", "")
    kind = StatisticsKind(asked) if asked in StatisticsKind.values else StatisticsKind.REQUESTS
    context = {
        "title": pgettext("page", "Statistics"),
        "kind": kind,
        "internal": INTERNAL,
        "chips": [
            {"label": each.label, "url": f"?of={each.value}", "chosen": each == kind}
            for each in StatisticsKind
        ],
        "tables": _exact(user, kind),
        "chart": _by_month(timezone.localdate()) if kind == StatisticsKind.REQUESTS else None,
    }
    return render(request, "desk/statistics.html", desk.each_context(request) | context)


def _exact(user: User, kind: StatisticsKind) -> list[Table]:
    today, now = timezone.localdate(), timezone.now()
    if kind == StatisticsKind.REQUESTS:
        months = {month: _month(month) for month in reversed(counts.months_until(today))}
        by_month = counts.requests_by_month(today)
        first = date.fromisoformat(f"{counts.months_until(today)[0]}-01")
        slots = {str(number): words for number, (_most, words) in enumerate(counts.WAITS)}
        colours = {str(value): str(label) for value, label in reversed(Colour.choices)}
        return [
            counts.grid(_("By month"), _("Month"), by_month, months, dict(Category.choices)),
            counts.grid(_("Waiting now"), _("Urgency"), counts.waiting(user, now), colours, slots),
            *counts.exact(kind, counts.requests_in(first, today)),
        ]
    cases = Case.objects.visible_to(user).filter(erased=False)
    if kind == StatisticsKind.CASES:
        rows = cases.order_by().values_list("country", "category", "status")
        return counts.exact(kind, counts.people(rows))
    found = Application.objects.filter(case__in=cases).order_by().values_list("country", "kind", "stage")
    return counts.exact(kind, counts.applications(found))


def _month(month: str) -> str:
    return date_words(date.fromisoformat(f"{month}-01"), "F Y")


def _by_month(today: date) -> Chart:
    by_month: Counter[str] = Counter()
    for (month, _category), number in counts.requests_by_month(today).items():
        by_month[month] += number
    months = counts.months_until(today)
    bars = [(date_words(date.fromisoformat(f"{month}-01"), "n/y"), by_month[month]) for month in months]
    return chart(_("Requests for help by month"), bars)


@require_GET
def exact_csv(request: HttpRequest, kind: str) -> HttpResponse:
    """The exact tables as a file; on the trail."""
    user: Any = request.user
    _require(user)
    which = _kind(kind)
    with transaction.atomic():
        trail.append(user, trail.Verb.STATISTICS_EXPORTED, fields=[which.value, "exact"])
    head = [[str(INTERNAL)], [str(which.label)], [timezone.localdate().isoformat()]]
    return _file(head, _exact(user, which), f"internal-{which.value}")


# -- published


@require_GET
def published_statistics(request: HttpRequest) -> HttpResponse:
    """What was published, with a chart of each kind, and which periods can be published now."""
    user: Any = request.user
    _require(user)
    today = timezone.localdate()
    rows = list(Publication.objects.select_related("published_by"))
    context = {
        "title": _("Published figures"),
        "definition": DEFINITION,
        "kinds": [
            {
                "kind": kind,
                "hold_days": HOLD_DAYS[kind],
                "rows": [row for row in rows if row.kind == kind],
                "offered": publishable_periods(kind, today),
                "chart": _of_periods(kind, [row for row in rows if row.kind == kind]),
            }
            for kind in StatisticsKind
        ],
    }
    return render(request, "desk/published.html", desk.each_context(request) | context)


def _of_periods(kind: StatisticsKind, rows: Sequence[Publication]) -> Chart | None:
    newest = [(row.period, row.total) for row in rows][:12]
    return chart(str(kind.label), newest[::-1]) if len(newest) > 1 else None


def _publication(kind: str, code: str) -> Publication:
    row = Publication.objects.select_related("published_by").filter(kind=_kind(kind), period=code).first()
    if row is None:
        raise Http404
    return row


@require_GET
def one(request: HttpRequest, kind: str, code: str) -> HttpResponse:
    """One publication as it went out."""
    _require(request.user)  # type: ignore[arg-type]
    row = _publication(kind, code)
    which = StatisticsKind(row.kind)
    context = {
        "title": f"{which.label}: {row.period}",
        "row": row,
        "period": row.when,
        "tables": counts.tables_in_words(which, row.tables),
        "hidden": HIDDEN,
    }
    return render(request, "desk/publication.html", desk.each_context(request) | context)


@require_GET
def one_csv(request: HttpRequest, kind: str, code: str) -> HttpResponse:
    """The same as a file; on the trail."""
    user: Any = request.user
    _require(user)
    row = _publication(kind, code)
    which = StatisticsKind(row.kind)
    with transaction.atomic():
        trail.append(user, trail.Verb.STATISTICS_EXPORTED, about=row.pk)
    head = [
        [str(which.label), row.period],
        [_("Version of the definitions"), str(row.definition)],
        [_("A hidden number stands as “%(mark)s”.") % {"mark": HIDDEN}],
    ]
    return _file(head, counts.tables_in_words(which, row.tables), f"{which.value}-{row.period}")


@step_up_required
@require_http_methods(["GET", "POST"])
def publish(request: HttpRequest, kind: str, code: str) -> HttpResponse:
    """What would go out for a period; a POST publishes it, for good."""
    user: Any = request.user
    _require(user)
    which, period, today = _kind(kind), parse(code), timezone.localdate()
    if period is None or not is_ready(which, period, today):
        raise Http404
    if Publication.objects.filter(kind=which, period=period.code).exists():
        return redirect("publication", which.value, period.code)
    problem = ""
    if request.method == "POST":
        try:
            counts.publish(which, period, by=user, at=timezone.now(), today=today)
        except ValidationError as refused:
            problem = " ".join(refused.messages)
        else:
            messages.success(request, _("Published. These figures stay as they are."))
            return redirect("publication", which.value, period.code)
    context = {
        "title": f"{which.label}: {period.code}",
        "which": which,
        "period": period,
        "tables": counts.tables_in_words(which, counts.publishable(which, period, today=today)),
        "hidden": HIDDEN,
        "problem": problem,
    }
    status = 422 if problem else 200
    return render(request, "desk/publish.html", desk.each_context(request) | context, status=status)


def _file(head: Sequence[Sequence[str]], tables: Sequence[Table], name: str) -> HttpResponse:
    """Tables below each other, with a byte order mark for spreadsheets; no cell is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    lines: list[list[Any]] = [list(line) for line in head]
    for table in tables:
        lines += [[], [table.title], [table.corner, *table.heads, _("All")]]
        for label, cells, total in table.rows:
            lines.append([label, *(HIDDEN if cell is None else cell for cell in cells), total])
        lines.append([_("All"), *table.totals, table.total])
    for line in lines:
        writer.writerow([export.harmless(cell) if isinstance(cell, str) else cell for cell in line])
    return HttpResponse(
        "\ufeff" + out.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
