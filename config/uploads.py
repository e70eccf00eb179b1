"""Uploads stay in memory: Django's own second handler would write larger ones to the disk, in clear."""

from __future__ import annotations

import io
from typing import Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

# All files of one request together: the largest file that any page takes. More is read and thrown away.
MOST_BYTES = 26_000_000


class InMemoryHandler(FileUploadHandler):
    """Keeps what fits in memory. A file that does not fit comes empty, with its true size, to be refused."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._left = MOST_BYTES
        self._kept: io.BytesIO | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """A file begins."""
        super().new_file(*args, **kwargs)
        self._kept = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Keep the piece, or from here on none of the file; no later handler sees it."""
        if self._kept is not None and len(raw_data) > self._left:
            self._left += self._kept.tell()
            self._kept = None
        if self._kept is not None:
            self._left -= len(raw_data)
            self._kept.write(raw_data)
        return None

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """The file, from its beginning."""
        content = self._kept or io.BytesIO()
        content.seek(0)
        return InMemoryUploadedFile(
            content,
            self.field_name,
            self.file_name,
            self.content_type,
            file_size,
            self.charset,
            self.content_type_extra,
        )
