"""Photographs from strangers: only their pixels stay.

The type is read from the content. What is a picture is decoded and written anew as JPEG: place, time, camera,
author, colour profile, thumbnails and anything hidden behind the picture (the clip of a "live" photograph)
stay out, and the file that attacks a viewer with broken structure becomes a plain one. Always JPEG, because
writing a large PNG or WebP takes seconds to half a minute of a processor that strangers must not hold.
Everything happens in memory. A PDF cannot be cleaned in this way and is taken only where the caller says so.
"""

import io
import re
import zipfile
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from PIL import Image

# Uploads of 10 MB hold what telephones take; 40 million pixels need 120 to 240 MB of memory for a moment.
MAX_BYTES: Final = 10_000_000
MAX_PIXELS: Final = 40_000_000
MAX_SIDE: Final = 20_000
_QUALITY: Final = 90
_ORIENTATION: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# An archive begins wherever its signature stands; a page or script wherever a browser or PHP finds its tag.
_ARCHIVE: Final = re.compile(rb"Rar!\x1a\x07|7z\xbc\xaf\x27\x1c")
_PAGE: Final = re.compile(rb"<(?:html[\s>]|script[\s>]|!doctype\s|\?php\s)", re.IGNORECASE)


class ImageRefused(ValueError):
    """The file is not taken. The text tells the person why, and what to send instead."""


@dataclass(frozen=True)
class Picture:
    """A cleaned file: its bytes, and what they are ("image/jpeg" or "application/pdf")."""

    content: bytes
    kind: str

    def __repr__(self) -> str:
        return f"<Picture {self.kind}, {len(self.content)} bytes>"


def clean(
    data: bytes, *, allow_pdf: bool = False, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS
) -> Picture:
    """The picture in `data` (JPEG, PNG or WebP) as a new JPEG without metadata, upright.

    A PDF is given back as it came, and only with `allow_pdf`: nothing in it is cleaned. Of an animation the
    first picture is kept; what was transparent becomes white. Raises Refused.
    """
    if len(data) > max_bytes:
        raise ImageRefused(
            _("The file has %(size)s MB; at most %(limit)s MB can be taken. Send a smaller photograph.")
            % {"size": f"{len(data) / 1e6:.1f}", "limit": f"{max_bytes / 1e6:g}"}
        )
    kind = _kind(data)
    if kind == "PDF" and not allow_pdf:
        raise ImageRefused(_("A PDF cannot be taken here. Send a photograph of each page instead."))
    if not kind:
        raise ImageRefused(_unknown(data))
    if _is_disguised(data, kind):
        raise ImageRefused(
            _("The file is a picture and something else at once. Send a new photograph, or a screenshot.")
        )
    if kind == "PDF":
        return Picture(data, "application/pdf")
    return Picture(_written_anew(data, kind, max_pixels), "image/jpeg")


def _kind(data: bytes) -> str:
    """What the content says it is: "JPEG", "PNG", "WEBP", "PDF" or ""."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    return "PDF" if data.startswith(b"%PDF-") else ""


def _unknown(data: bytes) -> str:
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif"):
        return _(
            "This kind of photograph (HEIC or AVIF) cannot be taken. Send a screenshot of it. On an iPhone "
            "you can also choose Settings, Camera, Formats, Most Compatible and take it again."
        )
    return _("This is not a photograph that can be taken. Send a JPEG, PNG or WebP picture.")


def _is_disguised(data: bytes, kind: str) -> bool:
    """Whether another program would take the same bytes for something else than a picture."""
    other = zipfile.is_zipfile(io.BytesIO(data)) or _ARCHIVE.search(data) is not None
    other = other or data[257:262] == b"ustar" or data[32769:32774] == b"CD001"
    if kind == "PDF":
        return other
    return other or b"%PDF-" in data[:1024] or _PAGE.search(data) is not None


def _written_anew(data: bytes, kind: str, max_pixels: int) -> bytes:
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            _measure(image.width, image.height, max_pixels)
            picture = _upright(_plain(image), image)
            picture.info.clear()  # Pillow would write a comment and a colour profile that stand there
            written = io.BytesIO()
            picture.save(written, "JPEG", quality=_QUALITY, subsampling=0)
    except ImageRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageRefused(_too_many(max_pixels)) from None
    except Exception:  # a parser fed with hostile bytes raises anything; the person needs one sentence
        raise ImageRefused(
            _("The picture is damaged and cannot be read. Send it again, or take a new photograph.")
        ) from None
    return written.getvalue()


def _measure(width: int, height: int, max_pixels: int) -> None:
    """Before anything is decoded: a small file may unfold to more than the memory holds."""
    if width * height > max_pixels or max(width, height) > MAX_SIDE:
        raise ImageRefused(_too_many(max_pixels))


def _too_many(max_pixels: int) -> str:
    return _(
        "The picture has too many pixels: at most %(limit)s million can be taken. Send a smaller one, for "
        "example a screenshot of it."
    ) % {"limit": f"{max_pixels / 1e6:g}"}


def _plain(image: Image.Image) -> Image.Image:
    """The first picture in 8-bit grey or RGB, on white where it was transparent."""
    if image.mode in ("L", "RGB") and not image.has_transparency_data:
        image.load()
        return image
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion cuts at 255 instead of scaling
        return image.point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        ground = Image.new("RGB", layer.size, "white")
        ground.paste(layer, mask=layer.getchannel("A"))
        return ground
    return image.convert("L" if image.mode == "1" else "RGB")


def _upright(picture: Image.Image, image: Image.Image) -> Image.Image:
    """The picture, turned as the camera's note says, before that note is dropped."""
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken EXIF is dropped with the rest; the picture is as good without
        turn = None
    return picture if turn is None else picture.transpose(turn)
