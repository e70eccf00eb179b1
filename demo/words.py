"""Words of the demo: invented names, stories, applications and talks."""

from __future__ import annotations


def _pairs(text: str) -> list[tuple[str, str]]:
    """Cyrillic and Latin spellings, given as "Илья/Ilya Марк/Mark"."""
    return [(native, latin) for native, latin in (pair.split("/") for pair in text.split())]


# Whoever bears such a name by chance is not meant.
SURNAME_BEGINS = _pairs("Тихо/Tikho Ясно/Yasno Дальне/Dalne Светло/Svetlo Крае/Krae Мало/Malo")
SURNAME_ENDS = _pairs(
    "лугов/lugov бродов/brodov речин/rechin озёров/ozerov каменцев/kamentsev щебетов/shchebetov"
)
GIVEN_NAMES = _pairs("Юрий/Yuriy Илья/Ilya Марк/Mark Руслан/Ruslan Денис/Denis Лев/Lev Аян/Ayan Фёдор/Fedor")
PATRONYMICS = ["Ильич", "Юрьевич", "Маркович", "Русланович", None]
STORIES = {
    "officer": "Resigned his commission; the report was not accepted. Left with a service passport.",
    "contract_before": "Signed in 2020, refused to cross the border with the unit.",
    "contract_after": "Signed under pressure in hospital; left on leave.",
    "mobilised": "Called up from work; left the training ground in the second week.",
    "conscript": "Was pressed to sign a contract; left before the oath.",
    "evader": "Left after the second summons.",
    "relative": "Travels with her brother; has a case of her own.",
    "unknown": "First talk only; category to be asked.",
}
# Kind, stage, and which day it hangs on.
APPLICATIONS = [
    ("travel_document_or_visa_for_asylum", "travel_document_requested", "next_check_on"),
    ("travel_document_or_visa_for_asylum", "travel_document_refused", "next_check_on"),
    ("asylum_claim", "registered", "interview_on"),
    ("asylum_claim", "interview_scheduled", "interview_on"),
    ("asylum_claim", "appeal_pending", "hearing_on"),
    ("asylum_claim", "status_unknown", "next_check_on"),
    ("humanitarian_visa", "decision_pending", "next_check_on"),
    ("residence_permit", "lodged", "next_check_on"),
    ("family_reunification", "draft", "next_check_on"),
    ("asylum_claim", "granted_refugee", None),
]
WISHES = [
    "Call the lawyer",
    "Translate the decision",
    "Ask for a copy of the certificate",
    "Find a bed for May",
]
TALKS = [
    "Spoke on Signal. Calm, sleeps badly. Will send the pages of the passport.",
    "No answer for two days; tried again in the safe hours.",
    "The lawyer has read the decision and asks for the envelope with the stamp.",
    "Rent is paid until the end of the month.",
]
