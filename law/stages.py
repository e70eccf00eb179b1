"""Kinds and stages of an application, with the codes of the procedural rules; a test compares them.

Which moves there are between stages is data: `transitions` of law/data/procedural_deadlines.json.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from law.rules.transitions import allowed_transitions


class ApplicationKind(models.TextChoices):
    """What was asked for. A paper to travel with, in order to ask for asylum, is not an asylum claim."""

    TRAVEL_DOCUMENT = (
        "travel_document_or_visa_for_asylum",
        _("Travel document or visa, to apply for asylum there"),
    )
    ASYLUM_CLAIM = "asylum_claim", _("Asylum claim")
    HUMANITARIAN_VISA = "humanitarian_visa", _("Humanitarian visa")
    RESIDENCE_PERMIT = "residence_permit", _("Residence permit")
    RESETTLEMENT = "resettlement_referral", _("Resettlement referral")
    FAMILY_REUNIFICATION = "family_reunification", _("Family reunification")
    APPEAL = "appeal", pgettext_lazy("kind of application", "Appeal")


class Stage(models.TextChoices):
    """Where an application stands."""

    DRAFT = "draft", _("We prepare it; nothing sent")
    TRAVEL_REQUESTED = "travel_document_requested", _("Travel document requested")
    TRAVEL_REFUSED = "travel_document_refused", _("Travel document refused")
    TRAVEL_GRANTED = "travel_document_granted", _("Travel document granted")
    INTENTION_DECLARED = "intention_declared", _("Asked for orally or at the border")
    REGISTERED = "registered", _("Registered")
    LODGED = "lodged", _("Lodged")
    RESPONSIBILITY_CHECK = "responsibility_check", _("Which state is responsible is being checked")
    TRANSFER_DECISION = "transfer_decision", _("Transfer to another state decided")
    INTERVIEW_SCHEDULED = "interview_scheduled", _("Interview scheduled")
    INTERVIEW_DONE = "interview_done", _("Interview done")
    DECISION_PENDING = "decision_pending", _("Waiting for the decision")
    GRANTED_REFUGEE = "granted_refugee", _("Refugee status granted")
    GRANTED_SUBSIDIARY = "granted_subsidiary", _("Subsidiary protection granted")
    GRANTED_OTHER = "granted_other", _("Granted on another ground")
    REFUSED = "refused", pgettext_lazy("stage of an application", "Refused")
    APPEAL_PENDING = "appeal_pending", _("Appeal pending")
    APPEAL_ALLOWED = "appeal_allowed", _("Appeal allowed")
    APPEAL_DISMISSED = "appeal_dismissed", _("Appeal dismissed")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    CEASED = "ceased_or_revoked", _("Ceased or revoked")
    STATUS_UNKNOWN = "status_unknown", _("Status unknown")


class Tag(models.TextChoices):
    """What kind of procedure or refusal it is, as a person said: the term depends on it."""

    SIMPLE = "simple", _("Refused on the merits, not as manifestly unfounded")
    MANIFESTLY_UNFOUNDED = "manifestly_unfounded", _("Refused as manifestly unfounded")
    INADMISSIBLE = "inadmissible", _("Refused as inadmissible")
    ACCELERATED = "accelerated", _("Accelerated procedure")
    REGULAR = "regular", _("Regular procedure")
    BORDER = "border", _("Border procedure")
    ADMISSIBILITY = "admissibility", _("Admissibility phase")
    DUBLIN = "dublin", _("Dublin III case (registered before 1 July 2026)")
    DETAINED = "detained", _("The person is detained")
    IRREGULAR = "irregular", _("Irregular entry")
    IRREGULAR_LAND_BORDER = "irregular_land_border", _("Irregular entry over a land border")
    PORT_OF_ENTRY = "port_of_entry", _("Claim made at a port of entry")
    NL_GENERAL = "nl_general_procedure", _("Netherlands: refused in the general asylum procedure (AA)")
    OTHER = "other", _("None of the others that are offered here")
    US_JUDGE = "us_immigration_judge", _("Decided by an immigration judge")
    US_BIA = "us_bia", _("Decided by the Board of Immigration Appeals")
    CA_RPD = "ca_rpd", _("Decided by the Refugee Protection Division")
    CA_RAD = "ca_rad", _("Decided by the Refugee Appeal Division")
    FR_CNDA = "fr_cnda", _("Decided by the Cour nationale du droit d'asile")


S = Stage
# Kinds that the procedural rows speak of: they are about asylum, and say nothing about visas and permits.
ASYLUM_KINDS = frozenset({ApplicationKind.ASYLUM_CLAIM, ApplicationKind.APPEAL})
TRAVEL_STAGES = frozenset({S.TRAVEL_REQUESTED, S.TRAVEL_REFUSED, S.TRAVEL_GRANTED})
# Stages in which an application for a travel document may stand: none of them decides about asylum.
STAGES_OF_TRAVEL_DOCUMENT = TRAVEL_STAGES | {
    S.DRAFT,
    S.INTERVIEW_SCHEDULED,
    S.INTERVIEW_DONE,
    S.DECISION_PENDING,
    S.APPEAL_PENDING,
    S.APPEAL_ALLOWED,
    S.APPEAL_DISMISSED,
    S.WITHDRAWN,
    S.CEASED,
    S.STATUS_UNKNOWN,
}
# Nothing more happens here by itself. A refusal is not among them: its appeal window may run.
FINISHED = frozenset({S.GRANTED_REFUGEE, S.GRANTED_SUBSIDIARY, S.GRANTED_OTHER, S.WITHDRAWN})


def may_move(before: str, after: str) -> bool:
    """Whether an application may go from one stage to the other, by the table that ships with the rules."""
    return (before, after) in allowed_transitions()


class Basis(models.TextChoices):
    """Legal basis of a stay: the codes of the stay rules."""

    VISA_FREE = "visa_free", _("Visa-free stay")
    SHORT_STAY_VISA = "short_stay_visa", _("Schengen short-stay visa (C)")
    LONG_STAY_VISA = "long_stay_visa", _("Schengen national visa (D)")
    VISA = "visa", _("Visa of another country")
    PERMIT = "permit", _("Residence permit")
    ASYLUM_CERTIFICATE = "asylum_certificate", _("Asylum-seeker certificate")
    PROTECTION = "protection", _("Refugee status or other protection")
    OTHER = "other", pgettext_lazy("legal basis", "Other")
