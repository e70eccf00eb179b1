"""The only sender of mail. What leaves the house says nothing: one text, one subject, one size."""

from __future__ import annotations

import contextlib
import smtplib
from email.charset import BASE64, Charset
from email.headerregistry import Address
from email.utils import formataddr, parseaddr
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.utils import DNS_NAME
from django.template.loader import render_to_string
from django.utils import translation

# Both languages and any address of the desk fit; the mail of a quiet day weighs as much as any other.
BODY_BYTES = 1024
TRY_LATER = range(400, 500)


class ServerDown(Exception):
    """The mail server does not take mail now, whoever it is for. Try again later."""


class RecipientRefused(Exception):
    """The mail server does not take mail for this address."""


class Post:
    """An open connection to the mail server: `with Post() as post: post.send(...)`."""

    def __init__(self) -> None:
        self._connection: Any = None

    def __enter__(self) -> Self:
        # Otherwise the greeting names this machine, after asking the network what it is called.
        DNS_NAME._fqdn = _domain()  # type: ignore[attr-defined]
        self._connection = get_connection()
        try:
            self._connection.open()
        except (OSError, smtplib.SMTPException) as problem:
            raise ServerDown(type(problem).__name__) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Where the server hung up first: what it took, it took.
        with contextlib.suppress(OSError, smtplib.SMTPException):
            self._connection.close()

    def send(self, address: str, language: str, message_id: str) -> None:
        """Send the one mail there is. Raises RecipientRefused, ServerDown; neither holds the address."""
        try:
            self._connection.send_messages([letter(address, language, message_id)])
        except smtplib.SMTPRecipientsRefused as problem:
            codes = {code for code, _text in problem.recipients.values()}
            if 421 in codes:  # "closing the connection": the server's trouble, not the address's
                raise ServerDown(_error_name(problem)) from None
            raise RecipientRefused(_error_name(problem)) from None
        except smtplib.SMTPDataError as problem:
            if problem.smtp_code in TRY_LATER:
                raise ServerDown(_error_name(problem)) from None
            raise RecipientRefused(_error_name(problem)) from None
        except (OSError, smtplib.SMTPException) as problem:
            raise ServerDown(_error_name(problem)) from None
        except ValueError as problem:  # no server would know where to deliver it
            raise RecipientRefused(_error_name(problem)) from None


def letter(address: str, language: str, message_id: str) -> EmailMessage:
    """The mail: that there is something to look at on the desk, and nothing else."""
    with translation.override(language):
        text = render_to_string("mail/look.txt", {"desk_url": settings.DESK_URL, "site": settings.SITE_NAME})
    room = BODY_BYTES - len(text.encode())
    mail = EmailMessage(
        subject=settings.SITE_NAME,
        body=text + " " * max(0, room),
        from_email=_sender(),
        to=[address],
        headers={"Message-ID": f"<{message_id}@{_domain()}>", "Auto-Submitted": "auto-generated"},
    )
    mail.encoding = _base64()  # type: ignore[assignment]
    return mail


def _base64() -> Charset:
    # Quoted-printable would make the Russian mail longer than the English one.
    charset = Charset("utf-8")
    charset.body_encoding = BASE64
    return charset


def _sender() -> str:
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((name or settings.SITE_NAME, address))


def _domain() -> str:
    try:
        return Address(addr_spec=parseaddr(settings.DEFAULT_FROM_EMAIL)[1]).domain or "localhost"
    except (ValueError, IndexError):
        return "localhost"


def _error_name(problem: Exception) -> str:
    # The server's own words quote the address.
    return type(problem).__name__
