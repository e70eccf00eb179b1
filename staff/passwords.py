"""Words that whoever knows this organisation tries first: no password holds them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from staff.models import Team

# Shorter ones stand in too many ordinary words.
SHORTEST = 4


def words(texts: Iterable[str]) -> set[str]:
    """The words of `texts` that are long enough, in small letters."""
    return {word for text in texts for word in re.findall(r"\w+", text.casefold()) if len(word) >= SHORTEST}


class NotOurWords:
    """Refuses a password that holds a word of SITE_NAME or of a team's name.

    The words are those of the installation: a list in the code would name the organisations that use it.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError; it does not say which word, or the page would tell names of teams."""
        ours = words([settings.SITE_NAME, *Team.objects.values_list("name", flat=True)])
        typed = password.casefold()
        if any(word in typed for word in ours):
            raise ValidationError(
                _("This password holds the name of this desk or of one of its teams. Choose other words."),
                code="password_our_words",
            )

    def get_help_text(self) -> str:
        return _("Your password can’t hold the name of this desk or of one of its teams.")
