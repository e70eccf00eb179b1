"""Remarks of the rules that ship with the desk, so that they are translated like every other sentence.

A rule keeps its remark as it was typed, for good; what a lawyer types on the desk is shown as it is.
"""

from django.utils.translation import gettext, gettext_noop


def remark(text: str) -> str:
    """A remark of a rule in the reader's language, where the desk knows it; else as it was typed."""
    return gettext(text) if text in SHIPPED else text


SHIPPED = frozenset(
    {
        gettext_noop("historic; kept because old stays must be explained"),
        gettext_noop("overstay -> fine/expulsion/entry ban; criminal-law deportation possible"),
        gettext_noop(
            "temporary residence permit (RVP): work, family, study, treatment, business, missionary - 1 "
            "year, renewable; basis must be renewed before its end (dos-immigration.kz, alau.kz)"
        ),
        gettext_noop(
            "permanent residence: needs a foreign passport valid >=180 days since Feb 2023 "
            "(ukrainetoday.org 2023-02-08, blackseanews.net)"
        ),
        gettext_noop("asylum-seeker certificate: 3 months, renewed per 3 months (gov.kz situations/247)"),
        gettext_noop(
            "sources say 'in a year' without saying calendar or rolling: show BOTH dates, use the earlier"
            " for reminders until a lawyer decides. Risk high: Russian military/police presence (AP "
            "article: deserters seized by Russian forces in Armenia)"
        ),
        gettext_noop("temporary residence 1 year"),
        gettext_noop(
            "entry may be refused without reasons; insurance and other entry conditions change - verify"
        ),
        gettext_noop(
            "'from the moment of entry' leaves room for a fixed 180-day block counted from entry; rolling"
            " is the conservative reading? NOT always - lawyer to confirm"
        ),
        gettext_noop(
            "temporary residence 1 year, decided in 15 working days, renewable up to 5 times (mircare.com)"
        ),
        gettext_noop("visa runs possible so far; Serbia is aligning its visa policy with the EU - verify"),
        gettext_noop(
            "announced end of visa-free regime by 2026-09-30; we could not find whether it took effect: "
            "ship as 'must verify before use'"
        ),
        gettext_noop("60 per entry is the conservative reading"),
        gettext_noop("agreement says 'counted from the date of first entry'"),
        gettext_noop("no visa-free maximum found; only the registration duty is sourced"),
        gettext_noop(
            "Union State: common wanted lists and practice of handing people over. The app must WARN, "
            "never recommend; 90 days without registration"
        ),
        gettext_noop("ETA-IL electronic authorisation since 2025 - verify"),
        gettext_noop("check whether the cut to 30 days is in force; bilateral agreement alone gives 30"),
        gettext_noop("one prorroga of 90 days"),
        gettext_noop(
            "multi-entry visas for Russians no longer issued since 8 Nov 2025 (travel.rambler.ru, "
            "snob.ru); several states do not accept non-biometric 5-year passports (general knowledge, to"
            " be verified by a lawyer); applicant for asylum stays on a different basis: day count stops "
            "mattering"
        ),
        gettext_noop(
            "temporary/permanent residence permit: legal through valid_until inclusive; renewal lead time"
            " per country"
        ),
        gettext_noop("lawful until the certificate's own end AND while the procedure runs"),
        gettext_noop("late filing needs a stated reason"),
        gettext_noop("calendar days; event day not counted; verify roll to next working day"),
        gettext_noop("without it the stay is unlawful"),
        gettext_noop("through the date printed on the certificate"),
        gettext_noop("may be postponed up to one year for additional checks"),
        gettext_noop(
            "real case: court refused to register a complaint because no IIN to pay the fee, no IIN "
            "because the passport stayed in the unit (mgorod.kz 2023-07-14) -> model blockers"
        ),
        gettext_noop("clock hours"),
        gettext_noop("5 to 10 days"),
        gettext_noop(
            "new Law on International Protection of 26 June 2025; valid_from = publication date of the "
            "new law, entry into force not verified"
        ),
        gettext_noop(
            "no suspensive effect, no state lawyer; valid_from = publication date of the new law, entry "
            "into force not verified"
        ),
        gettext_noop("valid_from = publication date of the new law, entry into force not verified"),
        gettext_noop(
            "no suspensive effect; valid_from = publication date of the new law, entry into force not "
            "verified"
        ),
        gettext_noop("6 to 21 months"),
        gettext_noop(
            "suspensive; the older law gave one month - check which law applies to old files; valid_from "
            "= publication date of the new law, entry into force not verified"
        ),
        gettext_noop("extendable"),
        gettext_noop(
            "period in weeks/months: event day not counted; if the last day is Sat/Sun/public holiday -> "
            "next working day (BGB 187-193 / VwGO 57)"
        ),
        gettext_noop("law before the EU pact; check new AsylG for decisions from 12 June 2026"),
        gettext_noop("up to 15, absolute 21 months"),
        gettext_noop("member state fixes 5 to 10 days; the minimum is the safe value"),
        gettext_noop("use only as a fallback where the national value is unknown"),
        gettext_noop("member state fixes 2 weeks to 1 month"),
        gettext_noop("1 month after a Eurodac/VIS hit"),
        gettext_noop("a deadline for the STATE: if missed, that state becomes responsible"),
        gettext_noop("1 week after detention if detained later; reply 1 week"),
        gettext_noop("national law: 1 to 3 weeks; minimum is the safe value"),
        gettext_noop("longer on detention/absconding"),
        gettext_noop("file closed"),
        gettext_noop("suspends the appeal period; keep the days already used"),
        gettext_noop(
            "one month; date rules (sent vs. received, 'delai franc') disputed between sources: "
            "traduitpro says date of ARRIVAL, the court's own page says date of SENDING -> remind for "
            "arrival"
        ),
        gettext_noop(
            "notice of passage (avis de passage) date starts the clock if the letter is not collected; "
            "check post-pact law"
        ),
        gettext_noop("check post-pact law (from 12 June 2026)"),
        gettext_noop("check post-pact law"),
        gettext_noop("one-year bar; exceptions: changed or extraordinary circumstances"),
        gettext_noop("if the last day is Sat/Sun/legal holiday -> next working day (8 CFR 208.4(a)(2)(ii))"),
        gettext_noop("must be RECEIVED by the Board"),
        gettext_noop("rule 'EOIR-26-AB37' must be re-checked monthly: appeal of the vacatur possible"),
        gettext_noop("not referred to the RPD, only PRRA"),
        gettext_noop("retroactive to claims made on/after 2025-06-03"),
        gettext_noop("formerly 30"),
        gettext_noop(
            "Denmark and Ireland do not take part in all asylum law; Iceland, Liechtenstein, Norway and "
            "Switzerland take part in the responsibility rules without being members: a lawyer decides"
        ),
    }
)
