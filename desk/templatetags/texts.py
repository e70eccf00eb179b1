"""The language that a stored text is written in: sources and remarks stay as they were typed."""

from __future__ import annotations

import re

from django import template

register = template.Library()
CYRILLIC = re.compile("[А-яЁё]")


@register.filter
def written_in(text: object) -> str:
    """ "ru" for a text with Cyrillic letters, else "en": what a screen reader needs to pronounce it."""
    return "ru" if CYRILLIC.search(str(text)) else "en"
