""" "What if I leave and come back": a small form inside the case page that computes and stores nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.models.residence import Whereabouts
from desk.admin.fields import CountryField, DayField

BUTTON = "_what_if"
"""Name of the button: a POST with it is answered on the page and saves nothing."""


class WhatIfForm(forms.Form):
    """Two days, either of which may be left out, and a country. Its inputs stand among those of the case."""

    leaves = DayField(label=_("Leaves on"), required=False)
    returns = DayField(label=_("Comes back on"), required=False)
    to = CountryField(label=_("Into"), required=False)

    prefix = "what_if"

    @property
    def country(self) -> str:
        """The code of the country asked about."""
        return str(self.cleaned_data.get("to") or "")

    @property
    def leave(self) -> date | None:
        """The day of leaving, None where nobody leaves."""
        return self.cleaned_data.get("leaves")

    @property
    def back(self) -> date | None:
        """The day of another entry, None where only the leaving is asked about."""
        return self.cleaned_data.get("returns")

    def is_valid_for(self, found: Whereabouts) -> bool:
        """Whether the days can be asked about, given where the person is; says what is wrong beside them."""
        if not self.is_valid():
            return False
        if not self.country and found.found:
            self.cleaned_data["to"] = found.found[0].country
        here = next((each.here for each in found.found if each.here and each.here.exit is None), None)
        entry = None if here is None else here.entry
        same = here is not None and here.country == self.country
        if self.leave is None and self.back is None:
            self.add_error("leaves", _("Type the day of leaving, of coming back, or both."))
        elif not self.country:
            self.add_error("to", _("Choose the country."))
        elif same and self.leave is None:
            self.add_error("leaves", _("The person is there now. Type the day of leaving too."))
        elif self.leave is not None and entry is not None and self.leave < entry:
            self.add_error("leaves", _("This is before the entry. Choose a later day."))
        elif self.back is not None and self.back < (self.leave or found.on):
            self.add_error("returns", _("This is too early. Choose the day of leaving or a later one."))
        return not self.errors


def form_of(posted: Any) -> WhatIfForm:
    """The form, filled in where somebody asked."""
    return WhatIfForm(posted) if BUTTON in posted else WhatIfForm()
