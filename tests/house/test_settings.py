"""A wrong setting refuses to start with one line that names it; what production needs must be given."""

import json
import os
import sys

import pytest

from config import environment as settings_environment
from tests.house.production import environment
from tests.house.tree import run


def start(env, *command):
    return run(sys.executable, "manage.py", *(command or ("check",)), env=env)


def refusal(done):
    """The only line that came out."""
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SITE", "dsek"),
        ("DATABASE_URL", "mysql://desk@127.0.0.1/desk"),
        ("DATABASE_URL", "postgres://desk@127.0.0.1:port/desk"),
        ("DATABASE_URL", "postgres://desk@127.0.0.1"),
        ("REDIS_URL", "amqp://127.0.0.1"),
        ("REDIS_URL", ""),
        ("EMAIL_URL", "https://mail.invalid"),
        ("EMAIL_URL", ""),
        ("DEFAULT_FROM_EMAIL", ""),
        ("SECRET_KEY_FILE", ""),
        ("SECRET_KEY_FILE", "/nonexistent/secret"),
        ("ALLOWED_HOSTS", ""),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "https://desk.example.org"),
        ("CSRF_TRUSTED_ORIGINS", "http://desk.example.org"),
        ("BEHIND_TLS_PROXY", "maybe"),
        ("SECURE", "false"),
        ("ROOT_KEY_FILE", ""),
        ("FILES_DIR", ""),
        ("FILES_QUOTA_MB", "plenty"),
        ("CALENDAR_KEY_FILE", ""),
    ],
)
def test_a_wrong_or_missing_value_is_named_in_one_line(tmp_path, name, value):
    """Sabotage: let `environment.text` return "" where there is no default."""
    line = refusal(start(environment("desk", tmp_path, **{name: value})))
    assert name.removesuffix("_FILE") in line
    assert not value or len(value) < 3 or name == "SECRET_KEY_FILE" or value not in line


@pytest.mark.parametrize("value", ["aB3-xyz", "django-insecure-" + "x" * 50, "change-me" * 8])
def test_a_weak_secret_is_refused_and_never_printed(tmp_path, value):
    line = refusal(start(environment("desk", tmp_path, SECRET_KEY_FILE="", SECRET_KEY=value)))
    assert line.startswith("SECRET_KEY")
    assert value not in line


@pytest.mark.parametrize(
    ("site", "key"),
    [
        ("worker", "ROOT"),
        ("worker", "INDEX"),
        ("worker", "CODES"),
        ("worker", "SIGNING"),
        ("public", "ROOT"),
        ("public", "CALENDAR"),
    ],
)
def test_a_process_refuses_a_key_that_is_not_its_own(tmp_path, site, key):
    """Sabotage: drop the refusal in settings; the worker of a sloppy compose file could open every name."""
    line = refusal(start(environment(site, tmp_path, **{f"{key}_KEY_FILE": str(tmp_path / "key")})))
    assert line.startswith(f"{key}_KEY_FILE")


@pytest.mark.parametrize("site", ["worker", "public"])
def test_only_the_desk_holds_the_private_halves_of_the_mailbox(tmp_path, site):
    """Sabotage: drop the refusal of DROPBOX_PRIVATE_FILE; a seized public form would open every request."""
    line = refusal(start(environment(site, tmp_path, DROPBOX_PRIVATE_FILE=str(tmp_path / "mailbox.key"))))
    assert line.startswith("DROPBOX_PRIVATE_FILE")


@pytest.mark.parametrize(
    "changes",
    [{"ALLOWED_HOSTS": "desk.example.org"}, {"SITE": "desk"}, {"SITE": "public"}, {"SECURE": "true"}],
)
def test_the_trial_installation_refuses_to_pass_for_production(tmp_path, changes):
    """Without DATABASE_URL: this machine only, plain HTTP, everything in one tree."""
    env = {"PATH": os.environ["PATH"], "DESK_PREPARED": "1", "DESK_VAR": str(tmp_path)} | changes
    assert next(iter(changes)) in refusal(start(env))


def shown(env, *names):
    """The settings a process started with `env` would run with."""
    code = (
        "import json; from django.conf import settings; "
        f"print(json.dumps([getattr(settings, name) for name in {names!r}], default=str))"
    )
    done = run(sys.executable, "-c", code, env=env | {"DJANGO_SETTINGS_MODULE": "config.settings"})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_production_cookies_are_bound_to_https_and_host(tmp_path):
    names = [
        f"{cookie}_COOKIE_{fact}" for cookie in ("SESSION", "CSRF") for fact in ("NAME", "SECURE", "HTTPONLY")
    ]
    found = shown(environment("desk", tmp_path), *names)
    assert found == ["__Host-session", True, True, "__Host-csrf", True, True]


def test_a_worker_has_no_pages_and_two_keys(tmp_path):
    urls, keys = shown(environment("worker", tmp_path), "ROOT_URLCONF", "VAULT_KEY_FILES")
    assert urls == "config.no_urls"
    assert {name for name, path in keys.items() if path} == {"calendar", "address"}


def test_the_public_side_has_no_key_and_no_page_of_the_desk(tmp_path):
    """Nor an app that has pages for staff. Sabotage: leave INSTALLED_APPS as they are."""
    urls, keys, apps, middleware = shown(
        environment("public", tmp_path), "ROOT_URLCONF", "VAULT_KEY_FILES", "INSTALLED_APPS", "MIDDLEWARE"
    )
    assert urls == "intake.urls"
    assert not any(keys.values())
    assert set(apps) == {"django.contrib.staticfiles", "config", "vault", "intake"}
    barred = ("session", "auth", "message", "csrf", "otp", "axes", "staff")
    assert not [name for name in middleware if any(word in name.lower() for word in barred)]


def test_the_public_side_needs_the_key_to_seal_to(tmp_path):
    line = refusal(start(environment("public", tmp_path, DROPBOX_PUBLIC_FILE="")))
    assert line.startswith("DROPBOX_PUBLIC_FILE")


def test_passwords_are_hashed_slowly_and_long(tmp_path):
    """The tests themselves run with a quick hash; this is what the desk runs with."""
    hashers, validators = shown(environment("desk", tmp_path), "PASSWORD_HASHERS", "AUTH_PASSWORD_VALIDATORS")
    assert hashers[0].endswith("Argon2PasswordHasher")
    assert [v["OPTIONS"]["min_length"] for v in validators if "OPTIONS" in v] == [14]


def test_a_password_in_a_file_is_read_without_its_newline(tmp_path):
    secret = tmp_path / "url"
    secret.write_text("postgres://desk:a%40b@db.invalid:5432/desk\n")
    env = environment("desk", tmp_path, DATABASE_URL="", DATABASE_URL_FILE=str(secret))
    (databases,) = shown(env, "DATABASES")
    assert databases["default"]["PASSWORD"] == "a@b"
    assert databases["default"]["NAME"] == "desk"


def test_zone_data_is_the_pinned_one():
    """Kazakhstan's zone of 2024 is known, whatever the machine's own files say."""
    import zoneinfo

    assert zoneinfo.TZPATH == ()


def test_every_setting_is_in_the_readme():
    """A setting that nobody can find does not exist."""
    from tests.house.tree import ROOT

    text = (ROOT / "README.md").read_text()
    asked = settings_environment.asked_for
    names = {name for name in asked if name.removesuffix("_FILE") not in asked or not name.endswith("_FILE")}
    assert {name for name in names if name not in text} == set()
