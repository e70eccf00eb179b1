"""Whatever is sent: a clear page or a sealed request; never a 500, and nothing lost that was accepted."""

import io
import json
import re
import zipfile
import zlib
from unittest.mock import patch

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from intake import phrases, tokens, uploads
from intake.forms import LONGEST_TEXT, HelpForm, tidy
from intake.models import HelpRequest, Message, Photograph
from intake.triage import Danger
from tests.intake.pictures import jpeg
from vault import dropbox
from vault.dropbox import KeyPair

pytestmark = [pytest.mark.django_db, pytest.mark.speaks_sql, pytest.mark.slow]
MANY = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
ASK, MAILBOX = "/help/ru/", "/help/ru/mailbox/"
# Odd on purpose: nulls, bidi marks, joiners, letters of two characters, what databases dislike.
ODD = "\0\x08\x1b\r\n\t\u202e\u2066\u200f\u200d\ufeff\ufffd\ufffeëё\u0301й'\"<>&%{}\\🕊\U000e0001\u0130ﬁ٣"
texts = st.text(max_size=3000) | st.text(alphabet=ODD, max_size=200) | st.sampled_from(
    ["x" * 2001, "я" * 2000, "\0" * 5000, "${7*7}", "{{ 7 }}", "' OR 1=1 --", "\ud800", "x" * 100_000]
)  # fmt: skip
fields = st.sampled_from(
    [*HelpForm.base_fields, "token", "website", "photographs", "act", "pass", "phrase", "нет"]
)
forms = st.dictionaries(fields, texts | st.lists(texts, max_size=3), max_size=12)


@pytest.fixture(autouse=True)
def quick_hash():
    """The slow one has its own tests; here it would only be waited for."""

    def keys(phrase):
        seed = zlib.crc32(phrase.encode())
        return f"{seed:032x}", KeyPair(seed.to_bytes(32, "big"))

    with patch("vault.dropbox.phrase_keys", keys):
        yield


@pytest.fixture
def client():
    """Shows a 500 as the error that it was."""
    return Client(raise_request_exception=True)


def clean(form):
    """As a socket would carry it: without lone surrogates, which no encoding knows."""
    tidied = {}
    for name, value in form.items():
        values = value if isinstance(value, list) else [value]
        tidied[name] = [one.encode("utf-8", "replace").decode() for one in values]
    return tidied


def rows():
    return HelpRequest.objects.count(), Message.objects.count(), Photograph.objects.count()


def answered(answer):
    """The page said something to a person, in our frame, and set nothing."""
    assert answer.status_code in (200, 400, 403, 413, 503)
    assert "<h1>" in answer.content.decode()
    assert not answer.cookies
    assert len(answer.content) < 150_000
    return answer.status_code


@given(form=forms)
@example(form={"text": "\0", "event_on": "0000-00-00", "dangers": ["", "x"], "country": "ZZ"})
@example(form={"text": "x", "event": "other", "event_on": "9999-12-31"})
@MANY
def test_the_form_takes_it_or_says_why(client, form):
    """Sabotage: `raise ValueError` in place of the ValidationError in `_date`."""
    before = HelpRequest.objects.count()
    status = answered(client.post(ASK, clean(form) | {"token": tokens.form_token()}))
    assert HelpRequest.objects.count() - before == (status == 200)


@given(text=texts.filter(lambda t: tidy(t)))
@MANY
def test_what_is_accepted_is_sealed_whole(client, text):
    """The text that arrives is the tidied text, all of it. Sabotage: cut it at 1,000 characters."""
    text = text.encode("utf-8", "replace").decode()
    answer = client.post(ASK, {"token": tokens.form_token(), "text": text})
    if len(tidy(text)) > LONGEST_TEXT:
        assert answer.status_code == (413 if len(text) > uploads.MAX_WORDS else 400)
        return
    assert answer.status_code == 200
    request = HelpRequest.objects.get()
    assert request.open_content()["text"] == tidy(text)
    request.delete()


@given(st.text())
@example("a\u202eb\u2066c\u0007\ud800")
def test_tidying_twice_changes_nothing_and_hides_nothing(text):
    """Neither controls nor marks that turn what stands around them. Sabotage: drop `_TURNING`."""
    kept = tidy(text)
    assert tidy(kept) == kept
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", kept)
    json.dumps(kept).encode()


@given(form=forms, phrase=st.none() | st.sampled_from(["en", "ru"]), passed=st.booleans())
@MANY
def test_the_mailbox_takes_it_or_says_why(client, form, phrase, passed):
    form = clean(form)
    if phrase:
        form["phrase"] = phrases.new(phrase)
    if passed:
        form["pass"] = tokens.mailbox_pass(f"{1:032x}", KeyPair(bytes(31) + b"\1").public)
    before = rows()
    status = answered(client.post(MAILBOX, form))
    assert status == 200 or rows() == before


@given(
    form=forms, act=st.sampled_from(["add", "withdraw", "x", ""]), dangers=st.lists(st.sampled_from(Danger))
)
@MANY
def test_what_is_added_arrives_once_or_is_refused(client, form, act, dangers):
    """Sabotage: `return` before the page in `_keep`."""
    form = clean(form) | {"act": act, "dangers": dangers}
    form["pass"] = tokens.mailbox_pass(f"{2:032x}", KeyPair(bytes(31) + b"\2").public)
    before = sum(rows()[:2])
    status = answered(client.post(MAILBOX, form))
    if act == "add":
        assert sum(rows()[:2]) - before == (status == 200)
    else:
        assert sum(rows()[:2]) <= before


def as_field(words):
    """A body whose words are read: only then does its charset matter."""
    return b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n' + words + b"\r\n--x--\r\n"


@given(
    body=st.binary(max_size=2000) | st.binary(max_size=200).map(as_field),
    kind=st.sampled_from(
        ["multipart/form-data", "multipart/form-data; boundary=x",
         f"multipart/form-data; boundary={'y' * 300}",
         "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-16",
         "multipart/form-data; boundary=x; charset=base64", "multipart/form-data; boundary=x; charset=rot13",
         "application/json", "text/plain", "", "multipart/form-data; boundary=\xff"]
    ),
    address=st.sampled_from([ASK, MAILBOX]),
)  # fmt: skip
@example(body=as_field(b"x"), kind="multipart/form-data; boundary=x; charset=base64", address=ASK)
@MANY
def test_any_body_of_any_type_gets_a_page(client, body, kind, address):
    """Sabotage: take `request.encoding` out of `refusal`."""
    answered(client.generic("POST", address, body, kind))


@pytest.mark.parametrize("length", ["", "x", "-1", "99999999999", "0"])
def test_a_length_that_lies_gets_a_page(client, length):
    answered(client.post(ASK, data=b"text=x", content_type="application/x-www-form-urlencoded",
                         CONTENT_LENGTH=length))  # fmt: skip


@pytest.mark.parametrize("charset", ["base64", "rot13", "idna", "utf-7", "no-such-thing", "utf-16"])
def test_a_charset_cannot_break_the_decoder(client, charset):
    """Sabotage: take `request.encoding` out of `refusal`."""
    edge = "edge"
    body = f'--{edge}\r\nContent-Disposition: form-data; name="text"\r\n\r\nПривет\r\n--{edge}--\r\n'.encode()
    kind = f"multipart/form-data; boundary={edge}; charset={charset}"
    answered(client.generic("POST", ASK, body, kind))


def test_a_thousand_fields_get_a_page(client):
    answered(client.post(ASK, {f"field{n}": "x" for n in range(3000)}))
    answered(client.post(MAILBOX, {"dangers": ["detained"] * 3000}))


def test_a_hundred_files_get_a_page(client):
    files = [SimpleUploadedFile(f"{n}.jpg", b"x") for n in range(120)]
    answered(client.post(ASK, {"token": tokens.form_token(), "text": "x", "photographs": files}))
    assert rows() == (0, 0, 0)


# -- files


def zip_bomb():
    """A megabyte that unpacks to a gigabyte."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", b"\0" * 100_000_000)
    return packed.getvalue()


def png_bomb(side=30_000):
    """Some kilobytes that unfold to 900 million pixels."""
    header = b"\x00\x00\x00\rIHDR" + side.to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00"
    header += zlib.crc32(header[4:]).to_bytes(4, "big")
    data = zlib.compress(b"\0" * 10_000_000)
    chunk = len(data).to_bytes(4, "big") + b"IDAT" + data + zlib.crc32(b"IDAT" + data).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + header + chunk + b"\x00\x00\x00\x00IEND\xaeB`\x82"


def of_kind(kind):
    written = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(written, kind)
    return written.getvalue()


HOSTILE = {
    "archive": zip_bomb,
    "unfolding": png_bomb,
    "picture and archive": lambda: jpeg() + zip_bomb(),
    "picture and page": lambda: jpeg(note=b"<script>alert(1)</script>"),
    "picture and PDF": lambda: b"\xff\xd8\xff%PDF-1.7" + jpeg(),
    "PDF": lambda: b"%PDF-1.7\n/JS (app.alert(1))",
    "SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
    "half": lambda: jpeg(side=300)[:-500],
    "GIF": lambda: of_kind("GIF"),
    "BMP": lambda: of_kind("BMP"),
    "TIFF": lambda: of_kind("TIFF"),
    "program": lambda: b"\x7fELF" + bytes(1000),
    "signature only": lambda: b"\xff\xd8\xff",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_its_reason(client, name):
    """Done when polyglots, bombs and wrong types give a clear error. Sabotage: skip `_is_disguised`."""
    file = SimpleUploadedFile("photo.jpg", HOSTILE[name](), "image/jpeg")
    answer = client.post(ASK, {"token": tokens.form_token(), "text": "Держу слово.", "photographs": file})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "Фотография 1" in re.search(r'<div class="problem".*?</div>', page, re.S)[0]
    assert "Держу слово." in page
    assert rows() == (0, 0, 0)


@given(start=st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"", b"GIF89a"]),
       rest=st.binary(max_size=3000))  # fmt: skip
@FEW
def test_any_bytes_are_a_photograph_or_refused(client, start, rest):
    before = HelpRequest.objects.count()
    file = SimpleUploadedFile("x", start + rest, "image/jpeg")
    status = answered(client.post(ASK, {"token": tokens.form_token(), "text": "x", "photographs": file}))
    assert HelpRequest.objects.count() - before == (status == 200)


@given(cut=st.integers(0, 2000), turned=st.integers(0, 2000), bit=st.integers(0, 7))
@FEW
def test_a_damaged_photograph_is_written_anew_or_refused(client, cut, turned, bit):
    data = bytearray(jpeg(side=200, noise=True))
    data[turned % len(data)] ^= 1 << bit
    file = SimpleUploadedFile("x.jpg", bytes(data[: len(data) - cut]), "image/jpeg")
    answered(client.post(ASK, {"token": tokens.form_token(), "text": "x", "photographs": file}))
    ring = dropbox.ring()
    assert all(photo.take(ring).startswith(b"\xff\xd8\xff") for photo in Photograph.objects.all())
