"""What a lawyer types: a version of a rule with a field for each part of it, and a confirmation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from cases.models.procedures import ASKABLE, TAGS_OF_STAY
from desk.law_book import Waiting
from desk.views.rule_fields import (
    AS_STORED,
    AS_TYPED,
    NewRule,
    VersionForm,
    count_field,
    country_codes,
    day_field,
    iso,
    many_field,
    members_field,
    numbers,
    places,
    text_field,
    yes_no_field,
)
from law import countries
from law.models import RuleTable
from law.rules.procedure import require_holiday_code
from law.rules.values import BadValue
from law.rules.versions import Table, Version
from law.stages import Basis, Stage, Tag
from law.words.terms import EVENTS, WHAT

LIMIT_PARTS = 3
KINDS = [
    ("", "–"),
    ("per_entry", gettext_lazy("so many days from each entry")),
    ("rolling", gettext_lazy("so many days within any so many days in a row")),
    ("calendar_year", gettext_lazy("so many days in each calendar year")),
    ("until_document", gettext_lazy("until the paper it rests on ends")),
    ("unlimited", gettext_lazy("no limit of days")),
    ("unknown", gettext_lazy("not known: a person types the last day")),
]
WITH_DAYS, WITH_WINDOW = ("per_entry", "rolling", "calendar_year"), ("rolling",)


class StayForm(VersionForm, NewRule):
    """How long a person may stay on one basis. Several kinds of limit at once: all of them must hold."""

    table = Table.STAY
    basis = forms.ChoiceField(label=gettext_lazy("Legal basis"), choices=Basis.choices)
    counted_bases = many_field(
        gettext_lazy("Stays that use up its days"),
        Basis.choices,
        help_text=gettext_lazy("None: each such stay is lawful until its own end."),
    )
    internal_passport = yes_no_field(gettext_lazy("Internal passport is enough"))
    likely_changed = forms.BooleanField(label=gettext_lazy("Likely to change soon"), required=False)
    risk = forms.ChoiceField(
        label=gettext_lazy("Danger for people wanted at home"),
        required=False,
        choices=[
            ("", gettext_lazy("not known")),
            ("low", pgettext_lazy("danger", "low")),
            ("elevated", pgettext_lazy("danger", "elevated")),
            ("high", pgettext_lazy("danger", "high")),
            ("forbidden", gettext_lazy("never recommend this country")),
        ],
    )

    members = members_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.before is None or not self.before.row.get("members"):
            del self.fields["members"]
        for part in range(1, LIMIT_PARTS + 1):
            label = gettext_lazy("Limit") if part == 1 else gettext_lazy("And also (if several must hold)")
            self._add_limit(f"limit{part}", label, required=part == 1)
        self._add_limit(
            "stricter", gettext_lazy("Stricter reading, where the law is unclear"), required=False
        )

    def _add_limit(self, name: str, label: Any, *, required: bool) -> None:
        self.fields[f"{name}_kind"] = forms.ChoiceField(label=label, choices=KINDS, required=required)
        self.fields[f"{name}_days"] = count_field(gettext_lazy("how many days"), required=False)
        self.fields[f"{name}_window"] = count_field(
            gettext_lazy("within how many days in a row"), required=False
        )

    def initial_of(self, before: Version) -> dict[str, Any]:
        """As the base form's, with the limits taken apart."""
        row = before.row
        found = super().initial_of(before) | {
            "basis": row["basis"],
            "counted_bases": row["counted_bases"],
            "internal_passport": AS_STORED[row.get("internal_passport")],
            "risk": row.get("risk") or "",
            "likely_changed": row.get("stale_risk") == "high",
            "members": ", ".join(row.get("members") or ()),
        }
        limits = row["rule"]["rules"] if row["rule"]["kind"] == "all_of" else [row["rule"]]
        named = {f"limit{n}": limit for n, limit in enumerate(limits, start=1)}
        if row.get("conservative_rule"):
            named["stricter"] = row["conservative_rule"]
        for name, limit in named.items():
            found[f"{name}_kind"] = limit["kind"]
            found[f"{name}_days"], found[f"{name}_window"] = limit.get("days"), limit.get("window_days")
        return found

    def clean_members(self) -> list[str]:
        """Codes of countries that the desk or the older version knows, each once."""
        return country_codes(self.cleaned_data["members"], self.before)

    def clean(self) -> dict[str, Any]:
        """Each limit with the numbers that its kind needs."""
        data = super().clean()
        for name in (*(f"limit{part}" for part in range(1, LIMIT_PARTS + 1)), "stricter"):
            kind = data.get(f"{name}_kind")
            if kind in WITH_DAYS and not data.get(f"{name}_days"):
                self.add_error(f"{name}_days", _("Say how many days."))
            if kind in WITH_WINDOW and not data.get(f"{name}_window"):
                self.add_error(f"{name}_window", _("Say within how many days in a row."))
        return data

    def row_of(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The limits put together again: one alone, or all of them at once."""
        limits = [found for n in range(1, LIMIT_PARTS + 1) if (found := _limit(data, f"limit{n}"))]
        row = {
            "basis": data["basis"],
            "counted_bases": data["counted_bases"],
            "rule": limits[0] if len(limits) == 1 else {"kind": "all_of", "rules": limits},
            "internal_passport": AS_TYPED[data["internal_passport"]],
            "risk": data["risk"] or None,
            "conservative_rule": _limit(data, "stricter"),
        }
        if "members" in data:
            row["members"] = data["members"]
        return row | ({"stale_risk": "high"} if data["likely_changed"] else {"stale_risk": None})


class ProcedureForm(VersionForm, NewRule):
    """A term of a procedure: what starts it, how long it runs, whose it is."""

    table = Table.PROCEDURE
    deadline = forms.ChoiceField(label=gettext_lazy("What has to be done"), choices=list(WHAT.items()))
    who = forms.ChoiceField(
        label=gettext_lazy("Whose term"),
        choices=[("person", gettext_lazy("of the person")), ("authority", gettext_lazy("of the authority"))],
    )
    amount = count_field(gettext_lazy("How long"))
    unit = forms.ChoiceField(
        label=gettext_lazy("Unit"),
        choices=[
            ("calendar_days", gettext_lazy("calendar days")),
            ("working_days", gettext_lazy("working days")),
            ("weeks", gettext_lazy("weeks")),
            ("months", gettext_lazy("months")),
            ("years", gettext_lazy("years")),
            ("hours", gettext_lazy("hours")),
        ],
    )
    trigger = forms.ChoiceField(
        label=gettext_lazy("Runs in"),
        choices=[
            ("application", gettext_lazy("an application")),
            ("appeal", gettext_lazy("an appeal")),
            ("stay", gettext_lazy("every stay in the country")),
        ],
    )
    stage = forms.ChoiceField(
        label=gettext_lazy("At the stage"), required=False, choices=[("", "–"), *Stage.choices]
    )
    from_events = many_field(gettext_lazy("Counted from"), EVENTS.items())
    pick = forms.ChoiceField(
        label=gettext_lazy("If several of them are known"),
        required=False,
        choices=[
            ("", "–"),
            ("earliest", gettext_lazy("the earliest counts")),
            ("latest", gettext_lazy("the latest counts")),
        ],
    )
    event_after = day_field(gettext_lazy("Only events after"), required=False)
    applies_to = many_field(
        gettext_lazy("Only for"), Tag.choices, help_text=gettext_lazy("None: for all of them.")
    )
    roll = yes_no_field(gettext_lazy("A last day on a weekend or holiday moves to the next working day"))
    holidays = forms.ChoiceField(
        label=gettext_lazy("Holidays of"),
        required=False,
        choices=lambda: [("", gettext_lazy("no country: weekends only")), *countries.choices()],
    )
    suspensive = yes_no_field(gettext_lazy("Stops a removal"))
    consequence = text_field(gettext_lazy("If it is missed"), required=False)
    counting_note = text_field(gettext_lazy("How it is counted"), required=False)

    def initial_of(self, before: Version) -> dict[str, Any]:
        """As the base form's, with every part of the term."""
        row = before.row
        same = ("deadline", "who", "amount", "unit", "trigger", "from_events", "event_after", "applies_to")
        return (
            super().initial_of(before)
            | {name: row[name] for name in same}
            | {name: row[name] or "" for name in ("stage", "pick", "holidays")}
            | {name: AS_STORED[row.get(name)] for name in ("roll", "suspensive")}
            | {name: row.get(name) or "" for name in ("consequence", "counting_note")}
        )

    def clean(self) -> dict[str, Any]:
        """A stage unless it hangs on a stay, an event at least, and which of several counts."""
        data = super().clean()
        if (data.get("trigger") == "stay") == bool(data.get("stage")):
            self.add_error("stage", _("An application or appeal has a stage, a stay has none."))
        events = data.get("from_events") or []
        if not events:
            self.add_error("from_events", _("Say from which day it is counted."))
        if bool(data.get("pick")) != (len(events) > 1):
            self.add_error("pick", _("Say which counts if there are several, and only then."))
        self._refuse_unaskable(data.get("trigger", ""), events, data.get("applies_to") or [])
        try:
            if data.get("holidays"):
                require_holiday_code(data["holidays"])
        except BadValue:
            self.add_error("holidays", _("The holidays of this country are not known. Leave it empty."))
        return data

    def _refuse_unaskable(self, trigger: str, events: Collection[str], tags: Collection[str]) -> None:
        """A rule that waits for what no field of a case holds would never run, and nobody would notice."""
        if set(events) - ASKABLE.get(trigger, frozenset(events)):
            self.add_error("from_events", _("A case holds no such day there. Choose another beginning."))
        if trigger == "stay" and set(tags) - TAGS_OF_STAY:
            self.add_error("applies_to", _("Of a stay the desk knows only whether the entry was irregular."))

    def row_of(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The term in the shape of the file, empty choices as null."""
        same = ("deadline", "who", "amount", "unit", "trigger", "from_events", "applies_to")
        kept = self.before.row if self.before else {"suspends": None}
        return (
            {name: data[name] for name in (*same, "consequence", "counting_note")}
            | {name: data[name] or None for name in ("stage", "pick", "holidays")}
            | {name: AS_TYPED[data[name]] for name in ("roll", "suspensive")}
            | {"event_after": iso(data["event_after"]), "suspends": kept.get("suspends")}
        )

    def with_sources(self, row: dict[str, Any], sources: list[str]) -> dict[str, Any]:
        """Here the file has one text; whoever typed it has seen it."""
        return row | {"source": "; ".join(sources), "source_seen": True}


class DocumentForm(VersionForm):
    """When a Russian passport ends: one of two forms of rule, as the older version was."""

    table = Table.DOCUMENT
    ages = forms.CharField(label=gettext_lazy("To be replaced at the age of"), max_length=40)
    grace_days = count_field(gettext_lazy("Valid for so many days more"))
    terms = forms.CharField(label=gettext_lazy("Issued for years"), max_length=40)

    def __init__(self, *args: Any, before: Version, **kwargs: Any) -> None:
        super().__init__(*args, before=before, **kwargs)
        internal = before.row["document"] == "internal_passport"
        for name in ("terms",) if internal else ("ages", "grace_days"):
            del self.fields[name]

    def initial_of(self, before: Version) -> dict[str, Any]:
        """As the base form's, numbers with commas between them."""
        row = before.row
        return super().initial_of(before) | {
            "ages": ", ".join(map(str, row.get("replaced_at_ages", ()))),
            "grace_days": row.get("grace_days"),
            "terms": ", ".join(map(str, row.get("terms_years", ()))),
        }

    def clean_ages(self) -> list[int]:
        """Ages in years, ascending."""
        return numbers(self.cleaned_data["ages"])

    def clean_terms(self) -> list[int]:
        """Terms in years, ascending."""
        return numbers(self.cleaned_data["terms"])

    def row_of(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers under the names of the file."""
        if "terms" in data:
            return {"terms_years": data["terms"]}
        return {"replaced_at_ages": data["ages"], "grace_days": data["grace_days"]}


class GroupForm(VersionForm):
    """The members of a group of countries."""

    table = Table.GROUP
    members = members_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["confidence"]

    def initial_of(self, before: Version) -> dict[str, Any]:
        """As the base form's, codes with commas between them."""
        return super().initial_of(before) | {"members": ", ".join(before.row["members"])}

    def clean_members(self) -> list[str]:
        """Codes of countries that the desk or the older version knows, each once."""
        return country_codes(self.cleaned_data["members"], self.before)

    def clean(self) -> dict[str, Any]:
        """As the base form's; a group is a fact, nobody is more or less sure of it."""
        return super().clean() | {"confidence": "high"}

    def row_of(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The members."""
        return {"members": data["members"]}


class ConfirmForm(forms.Form):
    """A lawyer has compared the version with the source."""

    seen = forms.CharField(max_length=80, widget=forms.HiddenInput)
    on = day_field(gettext_lazy("Read and compared on"))
    source_seen = text_field(
        gettext_lazy("Which source you have read"),
        help_text=gettext_lazy("Law, article, page, and the day of its wording."),
    )


class FilterForm(forms.Form):
    """What of the list to show; a choice that does not exist shows everything."""

    country = forms.ChoiceField(
        label=gettext_lazy("Country"),
        required=False,
        choices=lambda: [("", gettext_lazy("All")), *places()],
    )
    table = forms.ChoiceField(
        label=gettext_lazy("Kind of rule"),
        required=False,
        choices=[("", gettext_lazy("All")), *RuleTable.choices],
    )
    state = forms.ChoiceField(
        label=gettext_lazy("What waits"),
        required=False,
        choices=[("", gettext_lazy("All")), *Waiting.choices],
    )


FORMS: dict[str, type[VersionForm]] = {
    Table.STAY: StayForm,
    Table.PROCEDURE: ProcedureForm,
    Table.DOCUMENT: DocumentForm,
    Table.GROUP: GroupForm,
}
# Of the other two there is one for each passport and each group the code asks for.
TABLES_TO_ADD = (Table.STAY, Table.PROCEDURE)


def _limit(data: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    kind = data.get(f"{name}_kind")
    if not kind:
        return None
    limit: dict[str, Any] = {"kind": kind}
    if kind in WITH_DAYS:
        limit["days"] = data[f"{name}_days"]
    if kind in WITH_WINDOW:
        limit["window_days"] = data[f"{name}_window"]
    return limit


def fits(form: type[VersionForm], version: Version) -> bool:
    """Whether the form has a field for every limit of the version; else it would lose one of them."""
    if form is not StayForm:
        return True
    rule, stricter = version.row["rule"], version.row.get("conservative_rule") or {"kind": "unknown"}
    parts = rule.get("rules", [rule])
    flat = all(part["kind"] != "all_of" for part in parts)
    return flat and len(parts) <= LIMIT_PARTS and stricter["kind"] != "all_of"
