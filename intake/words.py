"""The words of the form's choices, and what a flag says about itself."""

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from intake.triage import Danger, Flag, Unit

# The fourth question: what may be ticked, in this order.
DANGERS: dict[Danger, str | Promise] = {
    Danger.DETAINED: _("I am being held against my will"),
    Danger.AT_THE_BORDER: _("I am at the border and they do not let me go"),
    Danger.HANDOVER: _("I am to be handed over or deported"),
    Danger.DEPLOYMENT: _("I am to be sent to the fighting within three days"),
    Danger.VISIT: _("They came to me or to my family today"),
    Danger.SUICIDE_RISK: _("I think of ending my life"),
    Danger.NO_SHELTER: _("I have nowhere to sleep"),
    Danger.NO_MONEY: _("I have no money for food"),
    Danger.NUMBER_COMPROMISED: _("Somebody else may read my telephone"),
}


class Need(models.TextChoices):
    """What the person needs. The values are stored in sealed boxes: never change them."""

    INFORMATION = "information", pgettext_lazy("need", "To know what I can do")
    LEGAL = "legal", pgettext_lazy("need", "A lawyer")
    DOCUMENTS = "documents", pgettext_lazy("need", "Papers or a passport")
    SHELTER = "shelter", pgettext_lazy("need", "A place to stay")
    MONEY = "money", pgettext_lazy("need", "Money for the next days")
    MEDICAL = "medical", pgettext_lazy("need", "A doctor or medicine")
    PSYCHOLOGICAL = "psychological", pgettext_lazy("need", "Somebody to talk to")
    WORK = "work", pgettext_lazy("need", "Work")


class Paper(models.TextChoices):
    """Papers that the person has with them. Stored: never change a value."""

    INTERNAL = "internal_passport", pgettext_lazy("paper", "Internal passport")
    TRAVEL = "travel_passport", pgettext_lazy("paper", "Passport for travel abroad")
    MILITARY = "military_id", pgettext_lazy("paper", "Military ID")
    HOST = "host_state", pgettext_lazy("paper", "Visa, residence permit or asylum paper")
    TAKEN = "taken", pgettext_lazy("paper", "Somebody took my papers away")
    NONE = "none", pgettext_lazy("paper", "No papers")


class Event(models.TextChoices):
    """What happens on the date of the eighth question. Stored; all but OTHER are dangers of triage."""

    STAY_ENDS = "stay_ends", pgettext_lazy("event", "I have to leave the country by then")
    DEPLOYMENT = "deployment", pgettext_lazy("event", "I have to report, or am sent away")
    HEARING = "hearing", pgettext_lazy("event", "A court or an office wants to see me")
    APPEAL_ENDS = "appeal_ends", pgettext_lazy("event", "Last day to complain about a decision")
    BORDER_CROSSING = "border_crossing", pgettext_lazy("event", "I mean to cross a border")
    DOCUMENT_ENDS = "document_ends", pgettext_lazy("event", "My passport or visa runs out")
    OTHER = "other", pgettext_lazy("event", "Something else")


class Keep(models.TextChoices):
    """The ninth question. Stored: never change a value."""

    UNTIL_ANSWERED = "until_answered", pgettext_lazy("keep", "Only until you have answered")
    WHILE_HELPING = "while_helping", pgettext_lazy("keep", "As long as you help me")


# The same dangers as the desk names them.
TOLD: dict[Danger, str | Promise] = {
    Danger.DETAINED: _("Detained"),
    Danger.AT_THE_BORDER: _("Stopped at the border"),
    Danger.HANDOVER: _("To be handed over or deported"),
    Danger.DEPLOYMENT: _("Ordered to the fighting"),
    Danger.VISIT: _("Home or relatives visited"),
    Danger.SUICIDE_RISK: _("Suicide risk"),
    Danger.NO_SHELTER: _("No shelter"),
    Danger.NO_MONEY: _("No money"),
    Danger.NUMBER_COMPROMISED: _("Telephone or number compromised"),
    Danger.STAY_ENDS: _("Legal stay ends"),
    Danger.APPEAL_ENDS: _("Time for an appeal ends"),
    Danger.BORDER_CROSSING: _("Means to cross a border"),
    Danger.DOCUMENT_ENDS: _("A document runs out"),
    Danger.HEARING: _("Hearing or appointment"),
    Danger.NO_NEWS: _("No news"),
}


def why(flag: Flag) -> str:
    """The flag in words: what was told and how far away it was when it was told."""
    what, distance = str(TOLD[flag.fact.danger]), flag.fact.distance
    if flag.unit is Unit.NONE:
        return what
    if distance is None:
        return gettext("%(what)s: date not known") % {"what": what}
    if distance < 0 and flag.unit is not Unit.DAYS_SINCE:
        return gettext("%(what)s: the date has passed") % {"what": what}
    if flag.unit is Unit.DAYS_SINCE:
        said = ngettext("%(what)s: %(n)s day ago", "%(what)s: %(n)s days ago", distance)
    elif flag.unit is Unit.HOURS_LEFT:
        said = ngettext("%(what)s: within %(n)s hour", "%(what)s: within %(n)s hours", distance)
    else:
        said = ngettext("%(what)s: in %(n)s day", "%(what)s: in %(n)s days", distance)
    return said % {"what": what, "n": distance}
