"""Walks through the sign-in for tests: a verified session in one call, or step by step."""

from __future__ import annotations

import time

from django.test import Client

from staff.models import RoleGrant, TotpDevice, User

PASSWORD = "{}-long-password-1"


def code_of(device: TotpDevice, *, steps: int = 0) -> str:
    """The code that the app shows now, or `steps` half-minutes from now."""
    return device.code_at(time.time() + 30 * steps)


def asks_for_a_code(answer) -> bool:
    """Whether the answer leads to a fresh code; a form that was sent must stand on it, to be sent again."""
    if answer.request["REQUEST_METHOD"] == "POST":
        return answer.status_code == 403 and 'name="kept"' in answer.content.decode()
    return answer.status_code == 302 and answer["Location"].startswith("/second-factor/")


def approve(grant: RoleGrant, *, by: User) -> None:
    """Let `by` approve with the code of the subject's phone, as they would hear it in a call."""
    grant.subject.refresh_from_db()
    if not TotpDevice.in_force(grant.subject):
        TotpDevice.enrol(grant.subject)
    grant.approve(by=by, code=grant.code())


def password_step(client: Client, user: User, **extra):
    """Send username and password, as the cast's passwords are made."""
    data = {"username": user.username, "password": PASSWORD.format(user.username)}
    return client.post("/login/", data, **extra)


def signed_in(client: Client, user: User) -> Client:
    """`client` with a session that passed the password and the second factor just now."""
    device = TotpDevice.enrol(user)
    assert password_step(client, user).status_code == 302
    answer = client.post("/second-factor/", {"code": code_of(device)})
    assert answer.status_code == 302, answer.content.decode()
    return client
