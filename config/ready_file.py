"""The file that tells a program that the demo runs: for its owner only, never over another file."""

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.installation import CannotStart


class ReadyFile:
    """Refuses a path that is taken before anything is started."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        if os.path.lexists(self.path):
            raise CannotStart(f"--json-ready: {self.path} exists already. Delete it or name another path.")
        if not os.access(self.path.parent, os.W_OK | os.X_OK):
            raise CannotStart(
                f"--json-ready: cannot write in {self.path.parent}. Name a path in another folder."
            )

    @contextmanager
    def holding(self, content: dict[str, Any]) -> Iterator[None]:
        """The whole file appears at once, or not at all; it goes when the desk stops."""
        draft = self.path.with_name(f".{self.path.name}.{secrets.token_hex(6)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(content, file, indent=1)
        try:
            # Unlike a rename, a link fails where something has appeared meanwhile.
            os.link(draft, self.path)
        except FileExistsError:
            raise CannotStart(
                f"--json-ready: {self.path} exists already. Delete it or name another path."
            ) from None
        finally:
            draft.unlink()
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()
