"""The readable columns of a request: what lists, clocks and statistics go by."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Colour(models.IntegerChoices):
    """How soon somebody must act, as `intake.triage.Colour`; a higher number is more urgent."""

    GREEN = 0, _("Green: no hurry")
    YELLOW = 1, _("Yellow: within 3 days")
    ORANGE = 2, _("Orange: within 24 hours")
    RED = 3, _("Red: now")


class Language(models.TextChoices):
    """The language that a request came in, and an answer goes out."""

    ENGLISH = "en", "English"
    RUSSIAN = "ru", "Русский"


class Channel(models.TextChoices):
    """The way a request came. FORM is the public form; everything else is typed by staff."""

    FORM = "form", pgettext_lazy("channel", "Public form")
    MESSENGER = "messenger", pgettext_lazy("channel", "Messenger")
    TELEPHONE = "telephone", pgettext_lazy("channel", "Telephone")
    MAIL = "mail", pgettext_lazy("channel", "E-mail")
    PARTNER = "partner", pgettext_lazy("channel", "Partner organisation")
    IN_PERSON = "in_person", pgettext_lazy("channel", "In person")
    OTHER = "other", pgettext_lazy("channel", "Another way")


class Category(models.TextChoices):
    """How the person stands towards the army, as they say themselves."""

    MOBILISED = "mobilised", _("Mobilised")
    CONTRACT = "contract", _("Contract soldier")
    CONSCRIPT = "conscript", _("Conscript")
    OFFICER = "officer", _("Officer")
    NOT_SERVING = "not_serving", _("Not serving")
    RELATIVE = "relative", _("Relative or friend of the person")
    UNKNOWN = "unknown", _("Not known yet")


class State(models.TextChoices):
    """Where a request stands. NEW: nobody opened it yet, and its clock runs."""

    NEW = "new", pgettext_lazy("request", "New")
    OPENED = "opened", pgettext_lazy("request", "Opened")
    ANSWERED = "answered", pgettext_lazy("request", "Answered")
    ACCEPTED = "accepted", pgettext_lazy("request", "Became a case")
    DECLINED = "declined", pgettext_lazy("request", "Declined")
    REFERRED = "referred", pgettext_lazy("request", "Referred to others")
    SPAM = "spam", pgettext_lazy("request", "Spam")
