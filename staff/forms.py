"""What people type to come in and to look after their own account."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordMixin
from django.utils.translation import gettext_lazy as _

from staff.models import DeviceReset, Team, User
from staff.roles import Role

AREAS = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


def zones() -> list[tuple[str, str]]:
    """Time zones to choose from, read when a form is shown: in a model they would be migrated."""
    names = sorted(name for name in available_timezones() if name.startswith(AREAS))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


class SignInForm(AuthenticationForm):
    """Username and password."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _("Username or password is wrong. After five wrong tries you have to wait."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs.update(autocapitalize="none", spellcheck="false")


class CodeForm(forms.Form):
    """Six digits from the app, or a backup code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "autofocus": True,
                "spellcheck": "false",
                "autocapitalize": "none",
            }
        ),
    )

    def __init__(self, *args: Any, paper: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if paper:
            # The digits-only keyboard of a phone cannot type a backup code.
            self.fields["code"].widget.attrs["inputmode"] = "text"


class InvitationForm(SetPasswordMixin, forms.Form):
    """The code of an invitation and the password that the person chooses."""

    code = forms.CharField(
        label=_("Code of the invitation"),
        max_length=60,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none", "autofocus": True}
        ),
    )
    password1, password2 = SetPasswordMixin.create_password_fields(
        label1=_("Choose a password"), label2=_("The password again")
    )

    def clean(self) -> dict[str, Any] | None:
        self.validate_passwords()
        return super().clean()


class OwnPasswordForm(PasswordChangeForm):
    """The own password, old and new."""


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]
    """Language and time zone of the own account."""

    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones)

    class Meta:
        model = User
        fields = ("language", "time_zone")


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an administrator keeps about a person."""

    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones, initial="UTC")

    class Meta:
        model = User
        fields = ("team", "language", "time_zone", "address")


class InviteForm(AccountForm):
    """A new person: the account, and the role to ask for (not `role`, which is the one in effect)."""

    wanted_role = forms.ChoiceField(label=_("Role to ask for"), choices=Role)

    class Meta(AccountForm.Meta):
        fields = ("username", *AccountForm.Meta.fields)

    def clean_username(self) -> str:
        """One spelling for all ways of typing it, before the database looks for a twin."""
        return User.normalize_username(self.cleaned_data["username"])


class RoleForm(forms.Form):
    """The role to ask for on an account that stands already."""

    role = forms.ChoiceField(label=_("Role to ask for"), choices=Role)


class ApprovalForm(forms.Form):
    """The code that the person reads to the coordinator who approves their role."""

    code = forms.CharField(
        label=_("The code that the person reads to you"),
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none", "autofocus": True}
        ),
        help_text=_("It stands on their own page “Your account”. To refuse, none is needed."),
        error_messages={"required": _("Type the code. Only the person can read it to you.")},
    )


class CloseForm(forms.Form):
    """Closing an account that still holds cases is said twice."""

    all_the_same = forms.BooleanField(
        label=_("Close it now all the same"),
        help_text=_("Until they are handed over, the digest shows the cases as without a caseworker."),
        error_messages={
            "required": _("Cases are still in this name. Tick the box, or have them handed over.")
        },
    )


class ResetForm(forms.ModelForm):  # type: ignore[type-arg]
    """Why a second factor is taken away, and whether the password is lost too."""

    class Meta:
        model = DeviceReset
        fields = ("reason", "also_password")


class TeamForm(forms.ModelForm):  # type: ignore[type-arg]
    """A team."""

    class Meta:
        model = Team
        fields = ("name",)
