"""What is typed about a help request."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from cases import countries
from cases.models.requests import ENDS, LONGEST_ANSWER
from staff.models import User
from staff.roles import ALLOWED, Act, may

LONGEST_REASON = 1000


class AnswerForm(forms.Form):
    """An answer into the mailbox."""

    text = forms.CharField(
        label=_("Answer"),
        max_length=LONGEST_ANSWER,
        widget=forms.Textarea({"rows": 8, "autocomplete": "off"}),
        error_messages={"required": _("Write the answer first.")},
    )


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
        if may(user, Act.ASSIGN_CASES):
            fields["worker"].choices = [("", _("Nobody yet")), *((name, name) for name in self._colleagues())]
            fields["worker"].initial = user.username
        else:
            del fields["worker"]

    def _colleagues(self) -> list[str]:
        people = User.objects.active().filter(team=self.user.team_id, role__in=ALLOWED[Act.HOLD_CASES])
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
