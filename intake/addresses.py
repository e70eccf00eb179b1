"""The pages of the public side, wherever they are mounted: alone, or beside the desk (SITE=both)."""

from django.urls import path, register_converter

from intake.models import Language
from intake.views import asking, mailbox


class LanguageConverter:
    """One of our languages, as the first part of an address: so none has to be remembered."""

    regex = "|".join(Language.values)

    def to_python(self, value: str) -> str:
        """As it is."""
        return value

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


register_converter(LanguageConverter, "language")
urlpatterns = [
    path("", asking.start, name="public_start"),
    path("<language:language>/", asking.ask, name="public_ask"),
    path("<language:language>/mailbox/", mailbox.mailbox, name="public_mailbox"),
]
