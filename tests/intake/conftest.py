"""A mailbox of the desk for every test here, and a stranger who has a phrase."""

from datetime import UTC, date, datetime

import pytest

from vault import dropbox

MONDAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 12, 34, 56, tzinfo=UTC)
PHRASE = "абзац абонент абсурд авангард авария август авиация"


@pytest.fixture(autouse=True)
def mailbox(tmp_path, settings):
    """The desk's mailbox keys, made on a Monday; `settings` lead to them."""
    settings.DROPBOX_PRIVATE_FILE = tmp_path / "desk" / "mailbox.key"
    settings.DROPBOX_PUBLIC_FILE = tmp_path / "public" / "mailbox.pub"
    dropbox.turn(MONDAY)


@pytest.fixture(scope="session")
def stranger():
    """The lookup id and the key pair of somebody's phrase."""
    return dropbox.phrase_keys(PHRASE)
