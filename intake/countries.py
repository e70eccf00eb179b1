"""The one list of countries: ISO 3166 code, name, and the zone whose date counts as today there.

It stands in the room of strangers, because every other room may look here; what is counted by it is in
law/countries.py. A country with several zones has the easternmost of those people live in: its date changes
first, so that no last day is shown as still ahead when it has begun to end.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Country:
    """One row of the table; `zone_name` is an IANA zone. `on_form`: the public form offers it."""

    code: str
    name: str | Promise
    zone_name: str
    on_form: bool = False


COUNTRIES: dict[str, Country] = {
    row.code: row
    for row in (
        Country("AE", _("United Arab Emirates"), "Asia/Dubai"),
        Country("AL", _("Albania"), "Europe/Tirane"),
        Country("AM", _("Armenia"), "Asia/Yerevan", on_form=True),
        Country("AR", _("Argentina"), "America/Argentina/Buenos_Aires"),
        Country("AT", _("Austria"), "Europe/Vienna"),
        Country("AU", _("Australia"), "Australia/Sydney"),
        Country("AZ", _("Azerbaijan"), "Asia/Baku", on_form=True),
        Country("BA", _("Bosnia and Herzegovina"), "Europe/Sarajevo", on_form=True),
        Country("BE", _("Belgium"), "Europe/Brussels"),
        Country("BG", _("Bulgaria"), "Europe/Sofia", on_form=True),
        Country("BR", _("Brazil"), "America/Sao_Paulo"),
        Country("BY", _("Belarus"), "Europe/Minsk", on_form=True),
        Country("CA", _("Canada"), "America/St_Johns"),
        Country("CH", _("Switzerland"), "Europe/Zurich"),
        Country("CL", _("Chile"), "America/Santiago"),
        Country("CN", _("China"), "Asia/Shanghai"),
        Country("CY", _("Cyprus"), "Asia/Nicosia", on_form=True),
        Country("CZ", _("Czechia"), "Europe/Prague", on_form=True),
        Country("DE", _("Germany"), "Europe/Berlin", on_form=True),
        Country("DK", _("Denmark"), "Europe/Copenhagen"),
        Country("EE", _("Estonia"), "Europe/Tallinn", on_form=True),
        Country("EG", _("Egypt"), "Africa/Cairo"),
        Country("ES", _("Spain"), "Europe/Madrid", on_form=True),
        Country("FI", _("Finland"), "Europe/Helsinki", on_form=True),
        Country("FR", _("France"), "Europe/Paris", on_form=True),
        Country("GB", _("United Kingdom"), "Europe/London", on_form=True),
        Country("GE", _("Georgia"), "Asia/Tbilisi", on_form=True),
        Country("GR", _("Greece"), "Europe/Athens"),
        Country("HR", _("Croatia"), "Europe/Zagreb"),
        Country("HU", _("Hungary"), "Europe/Budapest"),
        Country("ID", _("Indonesia"), "Asia/Jayapura"),
        Country("IE", _("Ireland"), "Europe/Dublin"),
        Country("IL", _("Israel"), "Asia/Jerusalem", on_form=True),
        Country("IN", _("India"), "Asia/Kolkata"),
        Country("IS", _("Iceland"), "Atlantic/Reykjavik"),
        Country("IT", _("Italy"), "Europe/Rome", on_form=True),
        Country("JP", _("Japan"), "Asia/Tokyo"),
        Country("KG", _("Kyrgyzstan"), "Asia/Bishkek", on_form=True),
        Country("KR", _("South Korea"), "Asia/Seoul"),
        Country("KZ", _("Kazakhstan"), "Asia/Almaty", on_form=True),
        Country("LK", _("Sri Lanka"), "Asia/Colombo"),
        Country("LT", _("Lithuania"), "Europe/Vilnius", on_form=True),
        Country("LU", _("Luxembourg"), "Europe/Luxembourg"),
        Country("LV", _("Latvia"), "Europe/Riga", on_form=True),
        Country("MA", _("Morocco"), "Africa/Casablanca"),
        Country("MD", _("Moldova"), "Europe/Chisinau", on_form=True),
        Country("ME", _("Montenegro"), "Europe/Podgorica", on_form=True),
        Country("MK", _("North Macedonia"), "Europe/Skopje"),
        Country("MN", _("Mongolia"), "Asia/Ulaanbaatar", on_form=True),
        Country("MT", _("Malta"), "Europe/Malta"),
        Country("MX", _("Mexico"), "America/Cancun"),
        Country("NL", _("Netherlands"), "Europe/Amsterdam", on_form=True),
        Country("NO", _("Norway"), "Europe/Oslo", on_form=True),
        Country("PL", _("Poland"), "Europe/Warsaw", on_form=True),
        Country("PT", _("Portugal"), "Europe/Lisbon"),
        Country("RO", _("Romania"), "Europe/Bucharest"),
        Country("RS", _("Serbia"), "Europe/Belgrade", on_form=True),
        Country("RU", _("Russia"), "Europe/Moscow", on_form=True),
        Country("SE", _("Sweden"), "Europe/Stockholm", on_form=True),
        Country("SI", _("Slovenia"), "Europe/Ljubljana"),
        Country("SK", _("Slovakia"), "Europe/Bratislava"),
        Country("TH", _("Thailand"), "Asia/Bangkok", on_form=True),
        Country("TJ", _("Tajikistan"), "Asia/Dushanbe", on_form=True),
        Country("TM", _("Turkmenistan"), "Asia/Ashgabat", on_form=True),
        Country("TR", _("Türkiye"), "Europe/Istanbul", on_form=True),
        Country("UA", _("Ukraine"), "Europe/Kyiv", on_form=True),
        Country("US", _("United States"), "America/New_York", on_form=True),
        Country("UZ", _("Uzbekistan"), "Asia/Tashkent", on_form=True),
        Country("VN", _("Vietnam"), "Asia/Ho_Chi_Minh", on_form=True),
        Country("ZA", _("South Africa"), "Africa/Johannesburg"),
    )
}


def form_choices() -> list[tuple[str, str]]:
    """(code, name) of those on the public form, in the reader's language, by name."""
    found = [(row.code, str(row.name)) for row in COUNTRIES.values() if row.on_form]
    return sorted(found, key=lambda pair: pair[1])
