"""Two people, one file: no change is saved over a colleague's, nothing typed is lost, both are shown."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

from django.db.models import BooleanField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case, FactHistory
from desk.admin import earlier_versions
from desk.admin.fields import KindsField

TAKEN = gettext_lazy("Changed by %(who)s meanwhile; shown here as it stands in the file now.")


@dataclass
class Meanwhile:
    """What others changed since the page was made: for each row and field, what it held then."""

    who: list[str]
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    added: list[str] = field(default_factory=list)

    @property
    def names(self) -> str:
        """The colleagues, for a sentence."""
        return ", ".join(self.who) or _("somebody")


def changed_meanwhile(
    case: Case, version_seen: int, *, inside: Container[str] | None = None
) -> Meanwhile | None:
    """What happened since `version_seen` to the facets in `inside`, or to those that lie open; else None.

    Each counted change has its history row, so the newest (version - version_seen) rows are those changes.
    """
    if case.version <= version_seen:
        return None
    newest = [row.readable_record for row in FactHistory.objects.of(case)[: case.version - version_seen]]
    records = [row for row in newest if earlier_versions.is_wanted(row.get("facet", ""), inside)]
    if newest and not records:
        return None
    people = earlier_versions.names(records)
    found = Meanwhile(who=sorted({people.get(record.get("by") or "", "") for record in records} - {""}))
    for record in records:  # newest first: the oldest value, the one that was seen, is written last
        if record.get("added"):
            model = earlier_versions.facet_model(record["facet"])
            found.added.append(str(model._meta.verbose_name) if model else record["facet"])
        else:
            found.seen.setdefault(record.get("row", ""), {}).update(record.get("before", {}))
    return found


def reconcile(form: Any, meanwhile: Meanwhile) -> None:
    """Bring `form` (bound, with its own copy of the data) together with what others saved.

    A field left as it was seen takes the colleague's value; one that both changed keeps what was typed and
    gets an error that shows both.
    """
    before = meanwhile.seen.get(str(form.instance.pk), {})
    conflicts = []
    now = {name: form.initial.get(name) for name in before if name in form.fields}
    for name in now:
        model_field = form.instance._meta.get_field(name)
        typed = form[name].data
        if not form.fields[name].has_changed(_as_python(model_field, before[name]), typed):
            _take(form, name, now[name])
            form[name].help_text = TAKEN % {"who": meanwhile.names}
        elif form.fields[name].has_changed(now[name], typed):
            conflicts.append((name, typed, now[name]))
    for name, typed, current in conflicts:
        _say_both(form, name, typed, current, meanwhile.names)


def _as_python(model_field: Any, value: Any) -> Any:
    if value is None or model_field.get_internal_type() == "BinaryField" and isinstance(value, list):
        return value
    return model_field.to_python(value)


def _take(form: Any, name: str, value: Any) -> None:
    key = form.add_prefix(name)
    if isinstance(form.instance._meta.get_field(name), BooleanField):
        form.data.pop(key, None)
        if value:
            form.data[key] = "on"
    elif isinstance(form.fields[name], KindsField):
        form.data.setlist(key, value or [])
    else:
        shown = form.fields[name].prepare_value(value)
        form.data[key] = "" if shown is None else str(shown)


def _say_both(form: Any, name: str, typed: Any, current: Any, who: str) -> None:
    model = form._meta.model
    words = form.fields[name]
    labels = {str(key): str(label) for key, label in getattr(words, "choices", ())}
    text = _(
        "Changed by %(who)s meanwhile. In the file now: “%(theirs)s”. You typed: “%(yours)s”. "
        "Save again to keep yours, or type theirs."
    ) % {
        "who": who,
        "theirs": labels.get(str(current)) or earlier_versions.value_text(model, name, current, {}),
        "yours": labels.get(str(typed)) or earlier_versions.value_text(model, name, typed, {}),
    }
    form.add_error(name, text)


def summary(meanwhile: Meanwhile) -> str:
    """The sentence above the form."""
    added = ""
    if meanwhile.added:
        added = " " + _("Added meanwhile: %(what)s.") % {"what": ", ".join(meanwhile.added)}
    return (
        _(
            "This case was changed by %(who)s meanwhile. Nothing of yours was saved yet, and nothing you "
            "typed is lost: look through the marked fields and save again."
        )
        % {"who": meanwhile.names}
        + added
    )
