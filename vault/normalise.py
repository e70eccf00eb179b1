"""One spelling for what people write in many: names, phones, document numbers, handles, weeks.

Every function takes any text and gives "" for what holds nothing to compare. The results are keys for blind
indexes and comparison, not for people; each is its own key. Changing a rule here makes stored indexes stale:
`vault verify` says so, `vault reindex` makes them new.
"""

import datetime
import re
import unicodedata
from collections.abc import Callable

import phonenumbers

# Cyrillic as passports write it (ICAO 9303), and the letters of the neighbours of Russian.
_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i",
    "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
    "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "",
    "э": "e", "ю": "iu", "я": "ia", "є": "ie", "і": "i", "ї": "i", "ґ": "g", "ў": "u", "ј": "i", "җ": "zh",
    "ҷ": "dzh", "ә": "a", "ғ": "g", "қ": "k", "ң": "n", "ө": "o", "ұ": "u", "ү": "u", "һ": "h", "ҳ": "h",
    "ӣ": "i", "ӯ": "u", "ӏ": "",
}  # fmt: skip
_GEORGIAN = dict(
    zip(
        "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
        "a b g d e v z t i k l m n o p zh r s t u p k gh k sh ch ts dz ts ch kh dzh h".split(),  # noqa: SIM905
        strict=True,
    )
)
_ARMENIAN = dict(
    zip(
        "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ",
        "a b g d e z e y t zh i l kh ts k h dz gh ch m y n sh o ch p dzh r s v t r ts v p k o f".split(),  # noqa: SIM905
        strict=True,
    )
)
# Marked letters that stand for two plain ones; the marks of all others are simply dropped.
_LATIN = {
    "š": "sh", "ş": "sh", "ș": "sh", "č": "ch", "ć": "ch", "ç": "ch", "ž": "zh", "ł": "l", "ı": "i",
    "đ": "dj", "ə": "a",
}  # fmt: skip
_LETTERS = str.maketrans(_CYRILLIC | _GEORGIAN | _ARMENIAN | _LATIN)
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
_WRITTEN = str.maketrans({"S": "š", "C": "č", "J": "ž"})

# Latin letters that stand for two of Cyrillic; which was meant, the word alone does not tell.
_OTHER_READINGS = [
    (re.compile(pattern), other)
    for pattern, other in (
        (r"(?<![ckgpstz])h", "g"),  # Honchar is Гончар, Hasanov Хасанов
        (r"j(?=e)", "zh"),  # Jeenbekov is Жээнбеков, Jelena Елена
        (r"\bx", "kh"),  # Xurshid is Хуршид, Xenia Ксения
        (r"c(?![hkz])", "ts"),  # Cvetaev is Цветаев, Victor Виктор
        (r"q", "g"),  # Qasımov is Касымов in Almaty, Гасымов in Baku
    )
]

_ADDRESS = re.compile(r"^(?:[a-z]+://)?(?:www\.)?[^\s/@]+\.[a-z]{2,}/+")
_NUMBER = re.compile(r"\+?\d[\d\s().\-–/]{4,}\d")
_SHORTEST_PHONE = 6
# Rules meet what others left behind; nothing that people write needs more than two rounds.
_ROUNDS = 8


def plain(value: object) -> str:
    """Text without case and outer blanks, for columns that have only one spelling."""
    return _fold_fully(value).strip()


def _fold_fully(value: object) -> str:
    """`value` without case and without marks that nobody sees (soft hyphens, directions, joiners)."""
    return _until_stable(_fold, str(value))


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cf")


def name_words(value: object) -> list[str]:
    """The key of each word of a name, in the order written: surnames and aliases are indexed word by word."""
    return [readings[0] for readings in name_readings(value)]


def name_readings(value: object) -> list[tuple[str, ...]]:
    """For each word of a name its keys: the usual one first, then those of other readings of its letters.

    Two words are spellings of one name where they share a key. Only Latin letters have other readings.
    """
    return [found for word in _words(value) if (found := _readings(word))]


def name(value: object) -> str:
    """A whole name in any order, script and spelling: "Щербаков Юрий" is "Yuri Shcherbakov"."""
    return " ".join(sorted(name_words(value)))


def _words(value: object) -> list[str]:
    text = _fold_fully(value).replace("ու", "u")  # two Armenian letters, one sound
    text = "".join(letter for letter in text if not unicodedata.combining(letter)).translate(_APOSTROPHES)
    return _WORD.findall(text)


def _readings(word: str) -> tuple[str, ...]:
    spelled = [word]
    if not _HAS_CYRILLIC.search(word):
        for pattern, other in _OTHER_READINGS:
            spelled += [pattern.sub(other, each) for each in spelled if pattern.search(each)]
    return tuple(dict.fromkeys(key for each in spelled if (key := _until_stable(_sound_of, each))))


def _sound_of(word: str) -> str:
    """The sound of a word, in letters that are read as themselves."""
    if _HAS_CYRILLIC.search(word):
        word = word.translate(_TO_CYRILLIC)
    word = unicodedata.normalize("NFKD", word.translate(_LETTERS))
    word = "".join(letter for letter in word if not unicodedata.combining(letter))
    for pattern, sound in _SOUNDS:
        word = pattern.sub(sound, word)
    return word.translate(_WRITTEN)


def phone(value: object) -> str:
    """A phone number as E.164 where it can be told, else its digits. 8 and ten digits: Russia, Kazakhstan."""
    return _until_stable(_phone_once, str(value))


def _phone_once(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).strip()
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
    return _until_stable(_document_number_once, str(value))


def _document_number_once(text: str) -> str:
    text = unicodedata.normalize("NFKC", text.replace("№", " ")).upper()
    text = re.sub(r"\b(СЕРИЯ|НОМЕР|SERIES|NUMBER|NO)\b\.?", " ", text)
    return "".join(letter for letter in text.translate(_TO_LATIN) if letter.isalnum())


def handle(value: object) -> str:
    """An account's name, from "@Name", "https://t.me/name" or a mail address."""
    return _until_stable(_handle_once, plain(value))


def _handle_once(text: str) -> str:
    text = _ADDRESS.sub("", text.strip())
    text = re.sub(r"[?#].*$|/+$", "", text, flags=re.DOTALL)
    return text.strip().lstrip("@").strip()


def contact_phone(value: object) -> str:
    """The first phone number in what stands for a contact, as `phone` writes it; "" where there is none."""
    return _until_stable(_first_number, str(value))


def _first_number(text: str) -> str:
    runs = _NUMBER.findall(unicodedata.normalize("NFKC", text))
    return next((phone(run) for run in runs if sum(map(str.isdigit, run)) >= _SHORTEST_PHONE), "")


def contact_handle(value: object) -> str:
    """The first account name or address in what stands for a contact; "" for a bare number or a sentence."""
    return _until_stable(_first_handle, plain(value))


def _first_handle(text: str) -> str:
    words = text.split()
    if len(words) > 1:
        words = [word.strip(",;()") for word in words if "@" in word or _ADDRESS.match(word)]
    found = handle(words[0]) if words else ""
    return "" if "@" not in found and contact_phone(found) else found


def _until_stable(normalise: Callable[[str], str], text: str) -> str:
    """`normalise(text)`, said again until it no longer changes: a key must be its own key."""
    for _round in range(_ROUNDS):
        before, text = text, normalise(text)
        if text == before:
            break
    return text


def iso_week(value: datetime.date | str) -> str:
    """The ISO week of a day, such as "2026-W09"."""
    day = datetime.date.fromisoformat(value) if isinstance(value, str) else value
    year, week, _weekday = day.isocalendar()
    return f"{year}-W{week:02d}"
