"""Countries the desk works with: ISO 3166 code, name, and the zone whose date counts as today there.

A country with several zones has the easternmost of those people live in: its date changes first, so that no
last day is shown as still ahead when it has begun to end.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Country:
    """One row of the table; `zone_name` is an IANA zone."""

    code: str
    name: str | Promise
    zone_name: str


COUNTRIES: dict[str, Country] = {
    row.code: row
    for row in (
        Country("AE", _("United Arab Emirates"), "Asia/Dubai"),
        Country("AL", _("Albania"), "Europe/Tirane"),
        Country("AM", _("Armenia"), "Asia/Yerevan"),
        Country("AR", _("Argentina"), "America/Argentina/Buenos_Aires"),
        Country("AT", _("Austria"), "Europe/Vienna"),
        Country("AU", _("Australia"), "Australia/Sydney"),
        Country("AZ", _("Azerbaijan"), "Asia/Baku"),
        Country("BA", _("Bosnia and Herzegovina"), "Europe/Sarajevo"),
        Country("BE", _("Belgium"), "Europe/Brussels"),
        Country("BG", _("Bulgaria"), "Europe/Sofia"),
        Country("BR", _("Brazil"), "America/Sao_Paulo"),
        Country("BY", _("Belarus"), "Europe/Minsk"),
        Country("CA", _("Canada"), "America/St_Johns"),
        Country("CH", _("Switzerland"), "Europe/Zurich"),
        Country("CL", _("Chile"), "America/Santiago"),
        Country("CN", _("China"), "Asia/Shanghai"),
        Country("CY", _("Cyprus"), "Asia/Nicosia"),
        Country("CZ", _("Czechia"), "Europe/Prague"),
        Country("DE", _("Germany"), "Europe/Berlin"),
        Country("DK", _("Denmark"), "Europe/Copenhagen"),
        Country("EE", _("Estonia"), "Europe/Tallinn"),
        Country("EG", _("Egypt"), "Africa/Cairo"),
        Country("ES", _("Spain"), "Europe/Madrid"),
        Country("FI", _("Finland"), "Europe/Helsinki"),
        Country("FR", _("France"), "Europe/Paris"),
        Country("GB", _("United Kingdom"), "Europe/London"),
        Country("GE", _("Georgia"), "Asia/Tbilisi"),
        Country("GR", _("Greece"), "Europe/Athens"),
        Country("HR", _("Croatia"), "Europe/Zagreb"),
        Country("HU", _("Hungary"), "Europe/Budapest"),
        Country("ID", _("Indonesia"), "Asia/Jayapura"),
        Country("IE", _("Ireland"), "Europe/Dublin"),
        Country("IL", _("Israel"), "Asia/Jerusalem"),
        Country("IN", _("India"), "Asia/Kolkata"),
        Country("IS", _("Iceland"), "Atlantic/Reykjavik"),
        Country("IT", _("Italy"), "Europe/Rome"),
        Country("JP", _("Japan"), "Asia/Tokyo"),
        Country("KG", _("Kyrgyzstan"), "Asia/Bishkek"),
        Country("KR", _("South Korea"), "Asia/Seoul"),
        Country("KZ", _("Kazakhstan"), "Asia/Almaty"),
        Country("LK", _("Sri Lanka"), "Asia/Colombo"),
        Country("LT", _("Lithuania"), "Europe/Vilnius"),
        Country("LU", _("Luxembourg"), "Europe/Luxembourg"),
        Country("LV", _("Latvia"), "Europe/Riga"),
        Country("MA", _("Morocco"), "Africa/Casablanca"),
        Country("MD", _("Moldova"), "Europe/Chisinau"),
        Country("ME", _("Montenegro"), "Europe/Podgorica"),
        Country("MK", _("North Macedonia"), "Europe/Skopje"),
        Country("MN", _("Mongolia"), "Asia/Ulaanbaatar"),
        Country("MT", _("Malta"), "Europe/Malta"),
        Country("MX", _("Mexico"), "America/Cancun"),
        Country("NL", _("Netherlands"), "Europe/Amsterdam"),
        Country("NO", _("Norway"), "Europe/Oslo"),
        Country("PL", _("Poland"), "Europe/Warsaw"),
        Country("PT", _("Portugal"), "Europe/Lisbon"),
        Country("RO", _("Romania"), "Europe/Bucharest"),
        Country("RS", _("Serbia"), "Europe/Belgrade"),
        Country("RU", _("Russia"), "Europe/Moscow"),
        Country("SE", _("Sweden"), "Europe/Stockholm"),
        Country("SI", _("Slovenia"), "Europe/Ljubljana"),
        Country("SK", _("Slovakia"), "Europe/Bratislava"),
        Country("TH", _("Thailand"), "Asia/Bangkok"),
        Country("TJ", _("Tajikistan"), "Asia/Dushanbe"),
        Country("TM", _("Turkmenistan"), "Asia/Ashgabat"),
        Country("TR", _("Türkiye"), "Europe/Istanbul"),
        Country("UA", _("Ukraine"), "Europe/Kyiv"),
        Country("US", _("United States"), "America/New_York"),
        Country("UZ", _("Uzbekistan"), "Asia/Tashkent"),
        Country("VN", _("Vietnam"), "Asia/Ho_Chi_Minh"),
        Country("ZA", _("South Africa"), "Africa/Johannesburg"),
    )
}


def choices() -> list[tuple[str, str]]:
    """(code, name) in the reader's language, by name: for fields and filters."""
    return sorted(((row.code, str(row.name)) for row in COUNTRIES.values()), key=lambda pair: pair[1])


def name(code: str) -> str:
    """The country's name in the reader's language; an unknown code is shown as it is."""
    row = COUNTRIES.get(code)
    return str(row.name) if row else code


def zone(code: str) -> ZoneInfo:
    """The zone whose date counts there. An unknown code gives UTC+14: the date that comes first on earth."""
    row = COUNTRIES.get(code)
    return ZoneInfo(row.zone_name if row else "Etc/GMT-14")


def today_in(code: str, now: datetime) -> date:
    """The calendar date in that country at the aware moment `now`. Raises ValueError for a naive `now`."""
    if now.tzinfo is None:
        raise ValueError("today_in() needs an aware datetime: without a zone the date may be off by one.")
    return now.astimezone(zone(code)).date()


class CountryField(models.CharField):  # type: ignore[type-arg]
    """The code of one of our countries; one more needs no migration, for the list is not in the database."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "max_length": 2, "choices": choices})

    def deconstruct(self) -> Any:
        """Two letters, as the database sees them."""
        name, _path, args, options = super().deconstruct()
        del options["choices"]
        return name, "django.db.models.CharField", args, options
