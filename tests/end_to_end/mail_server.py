"""A mail server in a process of its own: `python -m tests.end_to_end.mail_server PORT LOG`.

It notes the recipient on disk before it says that it took the mail.
"""

import os
import signal
import sys

from aiosmtpd.controller import Controller


class Notes:
    def __init__(self, path: str) -> None:
        self.file = open(path, "a")  # noqa: SIM115 (the process ends with it)

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 (the name is aiosmtpd's)
        self.file.writelines(f"{recipient}\n" for recipient in envelope.rcpt_tos)
        self.file.flush()
        os.fsync(self.file.fileno())
        return "250 OK"


if __name__ == "__main__":
    Controller(Notes(sys.argv[2]), hostname="127.0.0.1", port=int(sys.argv[1])).start()
    signal.pause()
