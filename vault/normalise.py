"""One spelling for what people write in many: names, phones, document numbers, handles, weeks.

Every function takes any text and gives "" for what holds nothing to compare. The results are keys for blind
indexes and comparison, not for people. Changing a rule here makes stored indexes stale: run `vault verify`.
"""

import datetime
import re
import unicodedata

import phonenumbers

# Cyrillic as passports write it (ICAO 9303), and the letters of the neighbours of Russian.
_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i",
    "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
    "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "",
    "э": "e", "ю": "iu", "я": "ia", "є": "ie", "і": "i", "ї": "i", "ґ": "g", "ў": "u", "ј": "i", "җ": "zh",
    "ҷ": "dzh", "ә": "a", "ғ": "g", "қ": "k", "ң": "n", "ө": "o", "ұ": "u", "ү": "u", "һ": "h", "ҳ": "h",
    "ӣ": "i", "ӯ": "u",
}  # fmt: skip
# Marked letters that stand for two plain ones; the marks of all others are simply dropped.
_LATIN = {
    "š": "sh", "ş": "sh", "ș": "sh", "č": "ch", "ć": "ch", "ç": "ch", "ž": "zh", "ł": "l", "ı": "i",
    "đ": "dj",
}  # fmt: skip
_LETTERS = str.maketrans(_CYRILLIC | _LATIN)
# Letters of one script that look like the other's and are typed among them by mistake.
_TO_CYRILLIC = str.maketrans("acekmoptxyhb", "асекмортхунв")
_TO_LATIN = str.maketrans("АВЕЁКМНОРСТУХІЈЅ", "ABEEKMHOPCTYXIJS")
_HAS_CYRILLIC = re.compile("[\u0400-\u052f]")
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = dict.fromkeys(map(ord, "'’‘`´ʹʺʼʻ\""))

# In this order, on Latin letters. The capitals are sounds, so that no later rule takes them apart.
_SOUNDS = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"schtsch|szcz|shch|shh", "S"),  # щ is written as ш is, often enough
        (r"tsch|tch", "C"),
        (r"sch|sh|sz", "S"),
        (r"cz|ch", "C"),
        (r"kh", "h"),
        (r"gh|gu(?=[ei])", "g"),
        (r"ph", "f"),
        (r"ou|oo", "u"),
        (r"ck|q", "k"),
        (r"tz|c(?=[eiy])", "ts"),
        (r"c", "k"),
        (r"w", "v"),
        (r"x", "ks"),
        (r"(?<=[oe])ff?$", "v"),  # Smirnoff
        (r"(?<=[td])er$", "r"),  # Peter, Alexander
        (r"dzh|dj|zh|j(?=[iyo])", "J"),  # Жаргал is Jargal, so ж must sound as the glide of Яков, Jakov does
        (r"[iy]+o", "e"),  # ё
        (r"[iy]*j(?=e)|[iy]+(?=e)", ""),  # Yelena
        (r"(?<=[bdfghklmnprstvz])[iyj]+(?=u)", ""),  # Ludmila
        (r"[iy]*j(?=[au])|[iy]+(?=[au])", "J"),  # Yakov, Iakov, Mariya
        (r"[ijy]+", "i"),
        (r"(.)\1+", r"\1"),
    )
]


def plain(value: object) -> str:
    """Text without case and outer blanks, for columns that have only one spelling."""
    return unicodedata.normalize("NFKC", str(value)).casefold().strip()


def name_words(value: object) -> list[str]:
    """The key of each word of a name, in the order written: surnames and aliases are indexed word by word."""
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", str(value)).casefold())
    text = "".join(letter for letter in text if not unicodedata.combining(letter)).translate(_APOSTROPHES)
    return [key for word in _WORD.findall(text) if (key := _name_key(word))]


def name(value: object) -> str:
    """A whole name in any order, script and spelling: "Щербаков Юрий" is "Yuri Shcherbakov"."""
    return " ".join(sorted(name_words(value)))


def _name_key(word: str) -> str:
    if _HAS_CYRILLIC.search(word):
        word = word.translate(_TO_CYRILLIC)
    word = unicodedata.normalize("NFKD", word.translate(_LETTERS))
    word = "".join(letter for letter in word if not unicodedata.combining(letter))
    for pattern, sound in _SOUNDS:
        word = pattern.sub(sound, word)
    return word


def phone(value: object) -> str:
    """A phone number as E.164 where it can be told, else its digits. 8 and ten digits: Russia, Kazakhstan."""
    text = unicodedata.normalize("NFKC", str(value)).strip()
    international = text.startswith(("+", "00"))
    digits = "".join(
        str(unicodedata.digit(letter)) for letter in text if unicodedata.digit(letter, None) is not None
    )
    if not digits:
        return ""
    if text.startswith("00"):
        digits = digits[2:]
    elif not international and len(digits) == 11 and digits[0] == "8":
        digits, international = "7" + digits[1:], True
    elif not international and len(digits) == 10 and digits[0] in "79":
        digits, international = "7" + digits, True
    if international or len(digits) > 10:
        try:
            number = phonenumbers.parse(f"+{digits}")
            if phonenumbers.is_possible_number(number):
                return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        except phonenumbers.NumberParseException:
            pass
    return digits


def document_number(value: object) -> str:
    """A document's number: capitals and digits; Cyrillic letters that look like Latin ones are Latin."""
    text = unicodedata.normalize("NFKC", str(value).replace("№", " ")).upper()
    text = re.sub(r"\b(СЕРИЯ|НОМЕР|SERIES|NUMBER|NO)\b\.?", " ", text)
    return "".join(letter for letter in text.translate(_TO_LATIN) if letter.isalnum())


def handle(value: object) -> str:
    """An account's name, from "@Name", "https://t.me/name" or a mail address."""
    text = plain(value)
    text = re.sub(r"^(?:[a-z]+://)?(?:www\.)?[^\s/@]+\.[a-z]{2,}/+", "", text)
    text = re.sub(r"[?#].*$|/+$", "", text, flags=re.DOTALL)
    return text.strip().lstrip("@").strip()


def iso_week(value: datetime.date | str) -> str:
    """The ISO week of a day, such as "2026-W09"."""
    day = datetime.date.fromisoformat(value) if isinstance(value, str) else value
    year, week, _weekday = day.isocalendar()
    return f"{year}-W{week:02d}"
