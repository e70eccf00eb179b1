"""Templates as they are sent: the indentation that makes them readable in the source stays at home."""

from __future__ import annotations

import re

from django.template.base import Origin
from django.template.loaders import filesystem

# To HTML a line's end and any number of spaces are one space; a text field has its value on one line.
INDENTED = re.compile(r"\s*\n\s*")


class Loader(filesystem.Loader):
    """Django's, for pages without indentation, a twentieth of their weight. Mails stay as written."""

    def get_contents(self, origin: Origin) -> str:
        text = super().get_contents(origin)
        return INDENTED.sub("\n", text) if origin.name.endswith(".html") else text
