"""The public pages: ask, come back, read, add, withdraw; nothing kept in the browser, nothing shown again."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from intake import phrases, tokens, uploads
from intake.models import Answer, Category, Colour, HelpRequest, Message, Photograph, State, Withdrawal
from tests.intake.pictures import jpeg
from vault import dropbox

pytestmark = pytest.mark.django_db
ASK, MAILBOX = "/help/ru/", "/help/ru/mailbox/"
TOLD = {"alias": "Кот", "text": "Меня отправляют.", "dangers": ["deployment"], "country": "RU"}


@pytest.fixture
def client():
    """A browser of somebody whom we have never seen."""
    return Client(raise_request_exception=True)


def page_of(answer):
    return answer.content.decode()


def token_of(answer, name="token"):
    return re.search(rf'name="{name}" value="([^"]+)"', page_of(answer))[1]


def ask(client, address=ASK, **changes):
    form = {"token": token_of(client.get(address))} | TOLD | changes
    return client.post(address, {name: value for name, value in form.items() if value is not None})


def phrase_of(answer):
    found = re.search(r'<ol class="phrase">(.*?)</ol>', page_of(answer))[1]
    return " ".join(re.findall(r"<li>(\w+)</li>", found))


def enter(client, phrase, address=MAILBOX):
    return client.post(address, {"phrase": phrase})


def inside(client, phrase, address=MAILBOX, **form):
    """Something done on the page of the mailbox."""
    return client.post(address, {"pass": token_of(enter(client, phrase, address), "pass")} | form)


# -- asking


@pytest.mark.parametrize(("address", "language"), [("/help/ru/", "ru"), ("/help/en/", "en")])
def test_a_request_arrives_sealed_and_a_phrase_is_shown(client, address, language):
    """Sabotage: leave `form.content` out of `_receive`."""
    answer = ask(client, address)
    assert answer.status_code == 200
    phrase = phrase_of(answer)
    assert all(word in phrases.words(language) for word in phrase.split())
    request = HelpRequest.objects.get()
    told = request.open_content()
    assert (told["alias"], told["text"], told["keep"]) == ("Кот", "Меня отправляют.", "until_answered")
    assert told["flags"][0]["danger"] == "deployment"
    assert (request.colour, request.language, request.country) == (Colour.RED, language, "RU")
    assert (request.state, request.category) == (State.NEW, Category.UNKNOWN)
    assert request.lookup == dropbox.phrase_keys(phrase)[0]


def test_a_date_counts_where_it_is_latest(client):
    """A stay that ends in 7 days here ends in 7 or 6 elsewhere: orange everywhere. Sabotage: 14 → 0 hours."""
    end = (timezone.now() + timedelta(hours=14)).date() + timedelta(days=7)
    ask(client, dangers=None, event="stay_ends", event_on=end.isoformat())
    ask(client, dangers=None, event="stay_ends", event_on=f"{end + timedelta(days=1):%d.%m.%Y}")
    assert sorted(HelpRequest.objects.values_list("colour", flat=True)) == [Colour.YELLOW, Colour.ORANGE]


@pytest.mark.parametrize(
    "written", ["32.01.2026", "завтра", "2026-02-30", "1.1.26", "01.01.0001", "٣١.١٢.٢٠٢٦"]
)
def test_what_is_no_date_is_refused_and_nothing_typed_is_lost(client, written):
    answer = ask(client, event="hearing", event_on=written)
    assert answer.status_code == 400
    assert "Напишите её так: 31.12.2026" in page_of(answer)
    assert "Меня отправляют." in page_of(answer)
    assert not HelpRequest.objects.exists()


def test_an_empty_form_is_no_request(client):
    answer = ask(client, alias=None, text="  ", dangers=None, country=None)
    assert answer.status_code == 400
    assert not HelpRequest.objects.exists()


def test_an_old_page_is_sent_again_without_typing_again(client, monkeypatch):
    """Sabotage: drop the look at the token."""
    token = token_of(client.get(ASK))
    monkeypatch.setattr(tokens, "FORM_SECONDS", -1)
    answer = client.post(ASK, TOLD | {"token": token})
    assert answer.status_code == 400
    assert "Меня отправляют." in page_of(answer)
    assert not HelpRequest.objects.exists()
    monkeypatch.undo()
    again = client.post(ASK, TOLD | {"token": token_of(answer)})
    assert again.status_code == 200


@pytest.mark.parametrize("header", [{"origin": "https://evil.example"}, {"origin": "null"},
                                    {"sec-fetch-site": "cross-site"}])  # fmt: skip
def test_a_form_on_another_site_is_refused(client, header):
    """Sabotage: `return True` in `comes_from_here`."""
    form = TOLD | {"token": token_of(client.get(ASK))}
    assert client.post(ASK, form, headers=header).status_code == 403
    assert client.post(MAILBOX, {"phrase": "x"}, headers=header).status_code == 403
    assert not HelpRequest.objects.exists()
    assert client.post(ASK, form, headers={"origin": "http://testserver"}).status_code == 200


def test_a_program_that_fills_in_everything_is_kept_and_marked(client):
    """Kept, because a password manager may fill it in as well. Sabotage: drop BAIT from `_receive`."""
    assert ask(client, website="http://spam.example").status_code == 200
    assert HelpRequest.objects.get().state == State.SPAM


def test_too_many_at_once_is_a_calm_page_with_the_words_kept(client, monkeypatch):
    """Sabotage: let Busy pass through `_send_request`."""
    from intake import throttle

    monkeypatch.setattr(throttle, "REQUESTS", throttle.Allowance(0))
    answer = ask(client)
    assert answer.status_code == 503
    assert "Меня отправляют." in page_of(answer)
    assert not HelpRequest.objects.exists()


# -- photographs


def upload(*contents):
    return [SimpleUploadedFile("IMG_1.pdf", content, "text/plain") for content in contents]


def test_photographs_are_written_anew_and_sealed(client):
    """Whatever their name and type say. Sabotage: keep `upload.read()` instead of `images.clean(...)`."""
    ask(client, photographs=upload(jpeg(note=b"GPS 43.2"), jpeg()))
    ring = dropbox.ring()
    taken = [photograph.take(ring) for photograph in Photograph.objects.all()]
    assert len(taken) == 2
    assert all(content.startswith(b"\xff\xd8\xff") and b"GPS" not in content for content in taken)


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ([b"%PDF-1.7 ..."], "PDF"),
        ([b"MZ\x90\x00"], "1"),
        ([jpeg()] * 4, "3"),
        ([jpeg(), jpeg()[:300]], "2"),
        ([b"\xff\xd8\xff" + b"0" * uploads.MAX_BYTES], "10"),
    ],
)
def test_what_is_no_photograph_is_refused_with_its_reason(client, contents, said):
    answer = ask(client, photographs=upload(*contents))
    assert answer.status_code == 400
    assert said in re.search(r'<div class="problem".*?</div>', page_of(answer), re.S)[0]
    assert not HelpRequest.objects.exists()


def test_no_upload_is_written_to_a_folder(client, settings, tmp_path):
    """Django's own handlers write what is larger than 2.5 MB. Sabotage: no `upload_handlers`."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "nowhere")
    assert ask(client, photographs=upload(jpeg(side=2600, noise=True))).status_code == 200
    assert Photograph.objects.count() == 1


def test_more_than_the_form_may_weigh_is_not_even_read(client, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BODY_BYTES", 1000)
    answer = client.post(ASK, TOLD | {"text": "x" * 1000})
    assert answer.status_code == 413


def test_a_book_in_place_of_words_is_refused_without_being_repeated(client):
    """A page of what was sent would weigh as much again. Sabotage: drop the sum in `door.refusal`."""
    answer = client.post(ASK, TOLD | {"text": "x" * (uploads.MAX_WORDS + 1)})
    assert answer.status_code == 413
    assert len(answer.content) < 5_000
    assert not HelpRequest.objects.exists()


# -- the mailbox


@pytest.fixture
def phrase(client):
    """Somebody's phrase, whose request has arrived."""
    return phrase_of(ask(client))


def test_an_answer_is_read_and_what_was_written_is_not_shown(client, phrase):
    """Whoever makes him open it learns nothing of what he asked. Sabotage: put the request into the page."""
    HelpRequest.objects.get().answer("Не подписывайте ничего.\nПозвоните нам.", at=timezone.now())
    answer = enter(client, phrase)
    assert "Не подписывайте ничего.<br>Позвоните нам." in page_of(answer)
    for told in ("Кот", "отправляют"):
        assert told not in page_of(answer)


@pytest.mark.parametrize("way", [str.upper, lambda p: p.replace(" ", ",\n "), lambda p: f"  1. {p}",
                                 lambda p: " ".join(word[:4] for word in p.split())])  # fmt: skip
def test_the_phrase_may_be_typed_in_many_ways(client, phrase, way):
    HelpRequest.objects.get().answer("Да.", at=timezone.now())
    assert "Да." in page_of(enter(client, way(phrase)))


def without_tokens(answer):
    return re.sub(r'value="[^"]{40,}"', "", page_of(answer)).strip()


def test_a_phrase_that_nobody_has_looks_like_one_without_an_answer(client, phrase):
    """The same bytes but for the pass, and as many. Sabotage: a word about it in mailbox.html."""
    unknown = phrases.new("ru")
    right, wrong = enter(client, phrase), enter(client, unknown)
    assert (right.status_code, wrong.status_code) == (200, 200)
    assert without_tokens(right) == without_tokens(wrong)
    assert len(right.content) == len(wrong.content)
    for form in ({"act": "add", "text": "Ещё."}, {"act": "withdraw"}, {"act": "withdraw", "sure": "yes"}):
        one, other = inside(client, phrase, **form), inside(client, unknown, **form)
        assert one.status_code == other.status_code
        assert without_tokens(one) == without_tokens(other)
        assert len(one.content) == len(other.content)


def test_a_page_with_an_answer_is_as_long_as_one_without(client, phrase):
    """Sabotage: `padded=False` in `_mailbox_page`."""
    before = len(enter(client, phrase).content)
    HelpRequest.objects.get().answer("Ответ." * 100, at=timezone.now())
    assert len(enter(client, phrase).content) == before < 50_000


@pytest.mark.speaks_sql
def test_both_phrases_ask_the_database_the_same(client, phrase, django_assert_num_queries):
    """One class of time: a derivation and the same queries. Sabotage: answer early where none is found."""
    for typed in (phrase, phrases.new("ru")):
        with django_assert_num_queries(4):
            enter(client, typed)


def test_what_is_added_reaches_the_desk(client, phrase):
    """Sabotage: forget the colour of an addition."""
    answer = inside(client, phrase, act="add", text="Уже везут.", dangers=["detained"], kind="corrected",
                    photographs=upload(jpeg()))  # fmt: skip
    assert answer.status_code == 200
    message = Message.objects.get()
    assert message.open_content()["text"] == "Уже везут."
    assert (message.open_content()["kind"], message.colour) == ("corrected", Colour.RED)
    assert Photograph.objects.count() == 1
    assert HelpRequest.objects.count() == 1


def test_nothing_that_was_accepted_is_lost_to_a_wrong_phrase(client, phrase):
    """It becomes a request with that phrase's mailbox. Sabotage: drop the second branch of `_keep`."""
    wrong = phrases.new("ru")
    assert inside(client, wrong, act="add", text="Вы меня слышите?").status_code == 200
    new = HelpRequest.objects.exclude(lookup=dropbox.phrase_keys(phrase)[0]).get()
    assert new.open_content()["text"] == "Вы меня слышите?"
    new.answer("Слышим.", at=timezone.now())
    assert "Слышим." in page_of(enter(client, wrong))


def test_an_empty_addition_is_refused(client, phrase):
    assert inside(client, phrase, act="add", text=" ").status_code == 400
    assert not Message.objects.exists()


def test_a_text_outlives_the_pass(client, phrase, monkeypatch):
    """Half an hour to write, then the phrase again, but not the text. Sabotage: drop `kept`."""
    passed = token_of(enter(client, phrase), "pass")
    monkeypatch.setattr(tokens, "PASS_SECONDS", -1)
    answer = client.post(MAILBOX, {"act": "add", "pass": passed, "text": "Долго писал."})
    assert answer.status_code == 400
    assert "Долго писал." in page_of(answer)
    answer = client.post(MAILBOX, {"act": "add", "phrase": phrase, "text": "Долго писал."})
    assert Message.objects.get().open_content()["text"] == "Долго писал."


def test_withdrawing_needs_a_tick_and_erases(client, phrase):
    HelpRequest.objects.get().answer("Да.", at=timezone.now())
    assert inside(client, phrase, act="withdraw").status_code == 400
    assert HelpRequest.objects.exists()
    assert inside(client, phrase, act="withdraw", sure="yes").status_code == 200
    assert not HelpRequest.objects.exists()
    assert not Answer.objects.exists()
    assert Withdrawal.objects.count() == 1
    assert "Да." not in page_of(enter(client, phrase))


@pytest.mark.parametrize(
    "typed",
    ["", "одно", "кот " * 7, "абзац абонент абсурд авангард авария август zebra", "x" * 5000, "\0" * 7],
)
def test_what_is_no_phrase_is_said_without_repeating_it(client, typed):
    answer = enter(client, typed)
    assert answer.status_code == 400
    assert 'role="alert"' in page_of(answer)
    assert not Withdrawal.objects.exists()


@pytest.mark.parametrize("junk", ["", "x", "W10:1w:x", "не то"])
def test_a_pass_that_is_not_ours_opens_nothing(client, phrase, junk):
    answer = client.post(MAILBOX, {"act": "withdraw", "sure": "yes", "pass": junk})
    assert answer.status_code == 400
    assert HelpRequest.objects.exists()


# -- every page


def everything(client, phrase):
    yield client.get("/help/")
    for language in ("en", "ru"):
        yield client.get(f"/help/{language}/")
        yield client.get(f"/help/{language}/mailbox/")
        yield ask(client, f"/help/{language}/")
        yield ask(client, f"/help/{language}/", event_on="x")
        yield enter(client, phrase, f"/help/{language}/mailbox/")
        yield inside(client, phrase, act="add", text="x")


def test_no_page_sets_a_cookie_or_is_kept_or_is_heavy(client, phrase):
    """Done when no cookie is set. Sabotage: `{% csrf_token %}` with the request given to the template."""
    for answer in everything(client, phrase):
        assert not answer.cookies
        assert "Set-Cookie" not in answer.headers
        assert answer["Cache-Control"] == "no-store"
        assert len(answer.content) < 50_000
        assert "<script" not in page_of(answer)
        assert "<title>Desk</title>" in page_of(answer)
        assert not re.search(r'(?:src|action|<link[^>]*href)="(?:https?:)?//', page_of(answer))


def test_the_start_page_speaks_the_language_of_the_browser(client):
    for asked, language in (("ru-RU,ru;q=0.9", "ru"), ("kk,ru;q=0.8", "ru"), ("de", "en"), ("", "en")):
        answer = client.get("/help/", headers={"accept-language": asked})
        assert f'<html lang="{language}">' in page_of(answer)
