"""Small photographs for tests."""

import io
import os

from PIL import Image


def jpeg(*, side=40, note=b"", noise=False):
    """A JPEG of `side` pixels; `note` stands in its comment, `noise` makes it large."""
    if noise:
        image = Image.frombytes("RGB", (side, side), os.urandom(side * side * 3))
    else:
        image = Image.new("RGB", (side, side), "grey")
    written = io.BytesIO()
    image.save(written, "JPEG", quality=60, comment=note)
    return written.getvalue()
