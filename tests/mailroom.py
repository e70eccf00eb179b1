"""A real mail server on loopback that remembers what it took and refuses what it is told to refuse."""

from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from aiosmtpd.controller import Controller

from tests.machine import free_port


@dataclass
class Mailroom:
    """`mails` are (recipient, raw bytes) in the order they were taken; answers by recipient may be set."""

    host: str = "127.0.0.1"
    port: int = 0
    mails: list[tuple[str, bytes]] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    answer_to_data: str = ""

    @property
    def to(self) -> list[str]:
        return [recipient for recipient, _raw in self.mails]

    def message(self, position: int = -1) -> Message:
        return message_from_bytes(self.mails[position][1])

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 (the name is aiosmtpd's)
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (the name is aiosmtpd's)
        if self.answer_to_data:
            return self.answer_to_data
        self.mails.extend((recipient, envelope.content) for recipient in envelope.rcpt_tos)
        return "250 OK"


@contextmanager
def open_mailroom():
    room = Mailroom(port=free_port())
    controller = Controller(room, hostname=room.host, port=room.port)
    controller.start()
    try:
        yield room
    finally:
        controller.stop()
