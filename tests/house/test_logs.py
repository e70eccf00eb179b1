"""Logs and error pages: where it broke, never what was in it."""

import logging

import pytest
from django.test import Client, RequestFactory

from config import errors, gunicorn
from config.logs import QuietFormatter

SECRET = "Ivan Petrov, passport 72 1234567"


def logged(error):
    record = logging.LogRecord("django.request", logging.ERROR, "x", 1, "Internal Server Error: %s", ("/",),
                               (type(error), error, error.__traceback__))  # fmt: skip
    return QuietFormatter().format(record)


def test_an_exception_is_logged_by_its_places_only():
    """Sabotage: return `super().formatException(ei)`."""
    try:
        try:
            raise ValueError(SECRET)
        except ValueError as cause:
            raise KeyError(SECRET) from cause
    except KeyError as error:
        text = logged(error)
    assert "Ivan" not in text
    assert "KeyError" in text
    assert "ValueError" in text
    assert "test_logs.py:" in text


def test_a_failing_page_says_nothing_in_the_log(db, monkeypatch, capfd, caplog, settings):
    """Through Django's own handler, with the formatter that the settings name."""
    import logging.config

    from config import urls

    def failing(request):
        raise RuntimeError(SECRET)

    from django.urls import clear_url_caches, path

    monkeypatch.setattr(urls, "urlpatterns", [path("fails", failing)])
    clear_url_caches()
    logging.config.dictConfig(settings.LOGGING)
    response = Client(raise_request_exception=False).get("/fails?name=Petrov")
    clear_url_caches()
    out = capfd.readouterr()
    assert response.status_code in (302, 500)
    assert "Petrov" not in out.err + out.out


@pytest.mark.parametrize("page", [errors.bad_request, errors.permission_denied, errors.page_not_found,
                                  errors.server_error, errors.csrf_failure])  # fmt: skip
def test_error_pages_are_plain_and_say_nothing_of_the_request(page):
    response = page(RequestFactory().get("/x?name=Petrov"))
    text = response.content.decode()
    assert response.status_code >= 400
    assert "Petrov" not in text
    assert "style=" not in text
    assert "<style" not in text
    assert "<h1>" in text


def test_access_lines_have_no_query_and_no_client():
    """%(r)s, %(q)s, %(f)s and %(h)s would bring request line, query, referrer and address."""
    forbidden = ("%(r)s", "%(q)s", "%(f)s", "%(h)s", "%(a)s", "{x-forwarded-for}i")
    assert not any(part in gunicorn.access_log_format for part in forbidden)


def test_what_we_write_is_for_our_user_only(tmp_path, settings):
    """Mails of the trial are files: 0600. Sabotage: drop os.umask from settings.py."""
    from django.core.mail import EmailMessage, get_connection

    folder = tmp_path / "mail"
    connection = get_connection("django.core.mail.backends.filebased.EmailBackend", file_path=folder)
    EmailMessage("subject", "body", "desk@localhost", ["olga@staff.invalid"], connection=connection).send()
    (mail,) = folder.iterdir()
    assert mail.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_trial_answers_this_machine_only(db, settings):
    """Sabotage: drop the middleware from settings."""
    settings.EMBEDDED = True
    client = Client()
    assert client.get("/", REMOTE_ADDR="192.0.2.7").status_code == 403
    assert client.get("/", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403
    assert client.get("/", REMOTE_ADDR="127.0.0.1").status_code != 403
