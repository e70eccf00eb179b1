"""What is typed about a help request."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from cases.models.code_name_words import is_code_name
from inbox.requests import ENDS, LONGEST_ANSWER
from inbox.typed_form import CHANNELS
from law import countries
from staff.models import User
from staff.roles import ROLES_WITH, Permission, may

LONGEST_REASON = 1000


def _answer(label: Any, rows: int) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=LONGEST_ANSWER,
        widget=forms.Textarea({"rows": rows, "autocomplete": "off"}),
        error_messages={
            "required": _("Write the answer first."),
            "max_length": _(
                "The answer has %(show_value)d characters; at most %(limit_value)d fit. Send it in two."
            ),
        },
    )


class AnswerForm(forms.Form):
    """An answer into the mailbox."""

    text = _answer(_("Answer"), 8)


class ToldForm(forms.Form):
    """What a person without a mailbox was told: how, on which day, in which words."""

    how = forms.ChoiceField(
        label=_("How the person was told"),
        choices=[("", "–"), *CHANNELS],
        error_messages={"required": _("Choose how the person was told.")},
    )
    on = forms.DateField(
        label=_("On which day"),
        input_formats=["%Y-%m-%d", "%d.%m.%Y"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": _("Choose the day on which the person was told."),
            "invalid": _("Write the day as 2026-11-22."),
        },
    )
    text = _answer(_("What the person was told"), 4)

    def __init__(self, *args: Any, latest: date, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="told_%s", **kwargs)
        self.latest = latest

    def clean_on(self) -> date:
        """Refuse a day that lies ahead: nobody was told anything yet."""
        day: date = self.cleaned_data["on"]
        if day > self.latest:
            raise ValidationError(_("This day lies ahead. Note it once the person was told."))
        return day


class EndForm(forms.Form):
    """An end without a case."""

    state = forms.ChoiceField(
        label=_("What becomes of it"), error_messages={"required": _("Choose what becomes of the request.")}
    )
    reason = forms.CharField(
        label=_("Reason, for colleagues"),
        max_length=LONGEST_REASON,
        widget=forms.Textarea({"rows": 2, "autocomplete": "off"}),
        error_messages={"required": _("Say why: a colleague may have to answer for it later.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        state: Any = self.fields["state"]
        state.choices = [("", "–"), *((each.value, each.label) for each in ENDS)]


class AcceptForm(forms.Form):
    """A case of a request: where the person is, and who takes it. Only coordinators choose a colleague."""

    country = forms.ChoiceField(
        label=_("Country of stay"),
        error_messages={"required": _("Choose the country of stay: the desk counts days by its date.")},
    )
    worker = forms.ChoiceField(label=_("Caseworker"), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        fields: dict[str, Any] = self.fields
        fields["country"].choices = [("", "–"), *countries.choices()]
        if may(user, Permission.ASSIGN_CASES):
            fields["worker"].choices = [("", _("Nobody yet")), *((name, name) for name in self._colleagues())]
            fields["worker"].initial = user.username
        else:
            del fields["worker"]

    def _colleagues(self) -> list[str]:
        people = User.objects.active().filter(
            team=self.user.team_id, role__in=ROLES_WITH[Permission.HOLD_CASES]
        )
        return list(people.order_by("username").values_list("username", flat=True))

    def caseworker(self) -> User | None:
        """Who was chosen; None where there is no choice, for then the case takes who opens it.

        Raises ValidationError.
        """
        name = self.cleaned_data.get("worker", "")
        if not name:
            return None
        found = User.objects.active().filter(username=name, team=self.user.team_id).first()
        if found is None:
            raise ValidationError(_("Choose a colleague from the list, then press “Make a case”."))
        return found


class MergeForm(forms.Form):
    """The case that a request belongs to already, by its code name."""

    into = forms.CharField(
        label=_("Code name of the case"),
        max_length=60,
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": _("Type the code name of the case, such as “Quiet heron 27”.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, auto_id="merge_%s", **kwargs)
        self.user = user

    def case(self) -> Case:
        """The case, if its reader may open it. Raises ValidationError, alike for every other one."""
        typed = " ".join(self.cleaned_data["into"].split()).capitalize()
        found = None
        # Databases log parameters: what is no code name is not asked for.
        if is_code_name(typed):
            found = Case.objects.visible_to(self.user).filter(code_name=typed).first()
        if found is None:
            raise ValidationError(_("You have no case with this code name. Check it, or make a new case."))
        return found
