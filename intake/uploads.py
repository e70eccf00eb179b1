"""Photographs on their way in: in memory only, few, not too large, and nothing but their pixels kept."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from intake import throttle
from vault import images

MOST: Final = 3
MAX_BYTES: Final = images.MAX_BYTES
# All that one form may weigh: its photographs and a little for the words.
MAX_BODY_BYTES: Final = MOST * MAX_BYTES + 200_000
# All words of one form, in characters: five times what its fields take. A page repeats what it cannot take,
# so that nobody types it twice; past this only a program sends it.
MAX_WORDS: Final = 15_000


class InMemory(FileUploadHandler):
    """Keeps uploads in memory, whatever their size: Django's own would write large ones to a folder in clear.

    What is too large or too much is read and dropped; the form says so (see `clean_photographs`).
    """

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._count = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """A further file of the form begins."""
        super().new_file(*args, **kwargs)
        self._count += 1
        self._pieces: list[bytes] = []
        self._size = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a piece, unless it is over the limits."""
        self._size += len(raw_data)
        if self._size > MAX_BYTES or self._count > MOST:
            self._pieces.clear()
        else:
            self._pieces.append(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile:
        """The file, with its true size, and without content where that is over the limits."""
        file = io.BytesIO(b"".join(self._pieces))
        return InMemoryUploadedFile(
            file, self.field_name, self.file_name or "", self.content_type, self._size, None
        )


def clean_photographs(uploads: Sequence[UploadedFile]) -> list[bytes]:
    """The photographs as new JPEGs without metadata. Raises ValidationError, or Busy.

    The name that a file had is not looked at. Files without any content are what an empty field sends.
    """
    given = [upload for upload in uploads if upload.size]
    if len(given) > MOST:
        raise ValidationError(
            ngettext(
                "At most %(count)s photograph can be sent at a time. Choose again.",
                "At most %(count)s photographs can be sent at a time. Choose again.",
                MOST,
            )
            % {"count": MOST}
        )
    found = []
    for number, upload in enumerate(given, start=1):
        if (upload.size or 0) > MAX_BYTES:
            raise ValidationError(
                _("Photograph %(number)s is larger than %(limit)s MB. Send a screenshot of it.")
                % {"number": number, "limit": MAX_BYTES // 1_000_000}
            )
        with throttle.PICTURES.turn():
            try:
                found.append(images.clean(upload.read()).content)
            except images.ImageRefused as refused:
                raise ValidationError(
                    _("Photograph %(number)s: %(cause)s") % {"number": number, "cause": refused}
                ) from None
    throttle.PICTURE_BYTES.take(sum(map(len, found)), now=time.monotonic())
    return found
