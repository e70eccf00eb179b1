"""What strangers send as photographs: only pixels get through."""

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from vault import images
from vault.images import ImageRefused, clean

SECRET = b"Oral 51.2333N 51.3667E"


def gradient(size=(60, 40), mode="RGB"):
    """Red to the right, green downwards: every turn of it looks different."""
    picture = Image.new("RGB", size)
    for x in range(size[0]):
        for y in range(size[1]):
            picture.putpixel((x, y), (255 * x // size[0], 255 * y // size[1], 0))
    return picture.convert(mode)


def saved(picture, kind, **how):
    out = io.BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


def png_chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def exif(orientation=1):
    notes = Image.Exif()
    notes[0x0112] = orientation
    notes[0x010F] = "Telephone maker"
    notes[0x9286] = SECRET.decode()
    notes.get_ifd(0x8825)[2] = (51.0, 14.0, 0.0)
    return notes


def reopened(picture):
    image = Image.open(io.BytesIO(picture.content))
    image.load()
    return image


def close(one, other, by=12):
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


# -- what is taken


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_comes_out_as_a_jpeg_that_looks_the_same(kind):
    original = gradient()
    picture = clean(saved(original, kind))
    image = reopened(picture)
    assert picture.kind == "image/jpeg"
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (60, 40))
    for place in [(5, 5), (55, 5), (5, 35), (55, 35)]:
        assert close(image.getpixel(place), original.getpixel(place))


def test_the_type_is_read_from_the_content_and_not_from_a_name():
    """There is no argument for a name or for what the browser claims."""
    with pytest.raises(TypeError):
        clean(saved(gradient(), "PNG"), name="passport.exe")


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("L", "JPEG"), ("CMYK", "JPEG"), ("1", "PNG"), ("P", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP")],
)
def test_every_kind_of_colour_is_understood(mode, kind):
    image = reopened(clean(saved(gradient(mode=mode), kind)))
    assert image.size == (60, 40)
    assert image.mode in ("L", "RGB")


def test_grey_in_16_bits_is_scaled_and_not_cut():
    """Sabotage: leave the line on mode I out of `_plain`."""
    image = reopened(clean(saved(Image.new("I;16", (20, 20), 128 * 256), "PNG")))
    assert close([image.getpixel((9, 9))], [128], by=2)


def test_what_is_transparent_becomes_white():
    see_through = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    assert close(reopened(clean(saved(see_through, "PNG"))).getpixel((9, 9)), (255, 255, 255), by=2)
    palette = Image.new("P", (20, 20), 0)
    assert close(reopened(clean(saved(palette, "PNG", transparency=0))).getpixel((9, 9)), (255,) * 3, by=2)


def test_of_an_animation_the_first_picture_is_kept():
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    for kind in ("PNG", "WEBP"):
        moving = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
        assert close(reopened(clean(moving)).getpixel((9, 9)), (254, 0, 0), by=8)


# -- nothing but pixels


def segments(data):
    """The markers of a JPEG up to its pixels."""
    found, at = [], 2
    while data[at] == 0xFF and data[at + 1] != 0xDA:
        found.append(data[at + 1])
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return found


def pictures_with_notes():
    notes = exif()
    profile = SECRET * 20
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", SECRET.decode())
    texts.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    xmp = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    base = gradient()
    jpeg = saved(base, "JPEG", exif=notes, icc_profile=profile, comment=SECRET, xmp=xmp, dpi=(311, 311))
    png = saved(base, "PNG", exif=notes, icc_profile=profile, pnginfo=texts, dpi=(311, 311))
    webp = saved(base, "WEBP", exif=notes, icc_profile=profile, xmp=xmp)
    return {"JPEG": jpeg, "PNG": png, "WEBP": webp}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_no_place_camera_author_profile_or_comment_stays(kind):
    """Only tables and pixels are left: no APP1, APP2, COM. Sabotage: drop `picture.info.clear()`."""
    data = pictures_with_notes()[kind]
    assert SECRET in data or kind == "PNG"  # PNG keeps its profile compressed
    cleaned = clean(data).content
    assert set(segments(cleaned)) <= {0xE0, 0xDB, 0xC0, 0xC4}
    assert SECRET not in cleaned
    assert b"Telephone" not in cleaned
    image = Image.open(io.BytesIO(cleaned))
    assert dict(image.getexif()) == {}
    assert set(image.info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert image.info["jfif_density"] in ((0, 0), (1, 1))


def test_the_clip_behind_a_live_photograph_stays_out():
    """Telephones append seconds of video with sound; the photograph itself is still taken."""
    clip = b"\0\0\0\x18ftypmp42" + SECRET * 100
    assert SECRET not in clean(saved(gradient(), "JPEG") + clip).content


def test_a_second_picture_inside_stays_out():
    pair = saved(gradient(), "MPO", save_all=True, append_images=[Image.new("RGB", (60, 40), "blue")])
    assert close(reopened(clean(pair)).getpixel((55, 5)), gradient().getpixel((55, 5)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_picture_is_turned_before_the_cameras_note_is_dropped(orientation, kind):
    """Sabotage: swap 6 and 8 in `_TURNS`."""
    upright = gradient()
    back = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    lying = upright if back == 1 else upright.transpose(images._TURNS[back])
    image = reopened(clean(saved(lying, kind, exif=exif(orientation))))
    assert image.size == (60, 40)
    for place in [(5, 5), (55, 5), (5, 35), (55, 35)]:
        assert close(image.getpixel(place), upright.getpixel(place), by=20)


def test_the_turns_are_those_of_the_standard():
    """EXIF 6: the camera was turned so that the stored top is the right side of the scene."""
    stored = Image.new("RGB", (40, 20), "white")
    stored.paste("red", (0, 0, 40, 10))  # the stored top half
    image = reopened(clean(saved(stored, "PNG", exif=exif(6))))
    assert image.size == (20, 40)
    assert close(image.getpixel((17, 20)), (254, 0, 0))
    assert close(image.getpixel((2, 20)), (255, 255, 255))


@pytest.mark.parametrize(
    "junk",
    [b"", b"II*\0", b"no note at all", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40],
)
def test_broken_notes_do_not_refuse_the_picture(junk):
    block = b"Exif\0\0" + junk
    jpeg = saved(gradient(), "JPEG")
    broken = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]
    assert reopened(clean(broken)).size == (60, 40)


@pytest.mark.parametrize("junk", [b"no note at all", b"MM\0*\0\0\0", b"MM"])
def test_broken_notes_in_a_png_do_not_refuse_it_either(junk):
    """Sabotage: catch OSError only in `_upright`."""
    png = saved(gradient(), "PNG")
    assert reopened(clean(png[:33] + png_chunk(b"eXIf", junk) + png[33:])).size == (60, 40)


# -- limits


def test_a_file_too_large_is_refused_with_its_size():
    with pytest.raises(ImageRefused, match=r"has 0\.3 MB; at most 0\.2 MB can be taken"):
        clean(b"\xff\xd8\xff" + bytes(300_000), max_bytes=200_000)


def test_a_picture_with_too_many_pixels_is_refused():
    data = saved(Image.new("RGB", (1001, 1000)), "PNG")
    with pytest.raises(ImageRefused, match="at most 1 million can be taken. Send a smaller one"):
        clean(data, max_pixels=1_000_000)
    clean(saved(Image.new("RGB", (1000, 1000)), "PNG"), max_pixels=1_000_000)


def png_bomb(width, height):
    """A PNG of a few kB that claims `width` x `height` pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000), 9)
    parts = (png_chunk(b"IHDR", head), png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("width", "height"),
    [(7000, 7000), (11_000, 11_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1), (65_535, 2)],
)
def test_a_decompression_bomb_is_refused_before_it_unfolds(width, height, monkeypatch):
    """Sabotage: move `_measure` behind `_plain`."""

    def unfolding(_self):
        raise AssertionError("the pixels were read")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", unfolding)
    with pytest.raises(ImageRefused, match="too many pixels"):
        clean(png_bomb(width, height))


def test_a_bomb_in_a_compressed_note_is_refused_or_dropped():
    texts = PngImagePlugin.PngInfo()
    for _n in range(8):
        texts.add_text("Comment", "x" * 900_000, zip=True)
    data = saved(gradient(), "PNG", pnginfo=texts)
    assert len(data) < 20_000
    assert reopened(clean(data)).size == (60, 40)
    texts.add_text("Comment", "x" * 2_000_000, zip=True)
    with pytest.raises(ImageRefused, match="damaged"):
        clean(saved(gradient(), "PNG", pnginfo=texts))


# -- what is not a picture, or not only


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"MZ\x90\0" + bytes(100),
        b"PK\x03\x04" + bytes(100),
        b"<html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"RIFF\0\0\0\0AVI " + bytes(100),
        saved(gradient(), "GIF"),
        saved(gradient(), "BMP"),
        saved(gradient(), "TIFF"),
        b" \xff\xd8\xff",
    ],
)
def test_anything_else_is_refused_and_told_what_to_send(data):
    with pytest.raises(ImageRefused, match="Send a JPEG, PNG or WebP picture"):
        clean(data)


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif"])
def test_the_telephones_own_format_is_named(brand):
    with pytest.raises(ImageRefused, match="HEIC or AVIF.* Send a screenshot"):
        clean(b"\0\0\0\x18ftyp" + brand + bytes(100))


def archive():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("run.class", "x")
    return out.getvalue()


def with_comment(comment):
    return saved(gradient(), "JPEG", comment=comment)


POLYGLOTS = {
    "zip behind a JPEG": saved(gradient(), "JPEG") + archive(),
    "zip behind a PNG": saved(gradient(), "PNG") + archive(),
    "zip behind a WebP": saved(gradient(), "WEBP") + archive(),
    "zip with a remark behind it": saved(gradient(), "JPEG") + archive()[:-2] + b"\x05\0words",
    "rar behind a JPEG": saved(gradient(), "JPEG") + b"Rar!\x1a\x07\x01\0" + bytes(50),
    "7z behind a JPEG": saved(gradient(), "JPEG") + b"7z\xbc\xaf\x27\x1c" + bytes(50),
    "PDF in a comment": with_comment(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj"),
    "page in a comment": with_comment(b"<HTML ><body onload=alert(1)>"),
    "script in a comment": with_comment(b"*/=1/*<script>alert(1)</script>"),
    "PHP in a comment": with_comment(b"<?php system($_GET[0]); ?>"),
    "page behind a PNG": saved(gradient(), "PNG") + b"<!DOCTYPE html><p>",
    "tar": saved(gradient(), "JPEG", comment=b"x" * 400)[:257] + b"ustar" + bytes(500),
    "disk image": (saved(gradient(), "JPEG") + bytes(40_000))[:32_769] + b"CD001" + bytes(50),
}


@pytest.mark.parametrize("name", POLYGLOTS)
def test_a_polyglot_is_refused(name):
    with pytest.raises(ImageRefused, match="a picture and something else at once"):
        clean(POLYGLOTS[name])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_damaged_picture_is_refused(kind):
    data = saved(gradient((200, 200)), kind)
    with pytest.raises(ImageRefused, match="damaged and cannot be read"):
        clean(data[: len(data) // 2])


SMALL = {kind: saved(gradient((16, 16)), kind) for kind in ("JPEG", "PNG", "WEBP")}


@given(data=st.data(), kind=st.sampled_from(sorted(SMALL)))
@settings(max_examples=300, deadline=None)
def test_hostile_bytes_give_a_plain_picture_or_a_refusal_and_nothing_else(data, kind):
    """Sabotage: catch OSError only in `_written_anew`."""
    blob = bytearray(SMALL[kind])
    for _n in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(blob) - 1))
        blob[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    try:
        picture = clean(bytes(blob), max_pixels=100_000)
    except ImageRefused:
        return
    assert reopened(picture).format == "JPEG"
    assert set(segments(picture.content)) <= {0xE0, 0xDB, 0xC0, 0xC4}


# -- PDF


PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


def test_a_pdf_is_refused_from_strangers():
    with pytest.raises(ImageRefused, match="Send a photograph of each page"):
        clean(PDF)


def test_a_pdf_is_taken_as_it_is_where_the_caller_allows_it():
    picture = clean(PDF, allow_pdf=True)
    assert (picture.content, picture.kind) == (PDF, "application/pdf")


def test_a_pdf_that_is_an_archive_too_is_refused():
    with pytest.raises(ImageRefused, match="something else at once"):
        clean(PDF + archive(), allow_pdf=True)


# -- nothing leaks


def test_no_file_is_made(monkeypatch):
    """Everything happens in memory. Sabotage: open the picture through a NamedTemporaryFile."""
    notes = pictures_with_notes()

    def refuse(*_arguments, **_named):
        raise AssertionError("a file was opened")

    for opening in ("builtins.open", "io.open", "os.open", "tempfile.mkstemp"):
        monkeypatch.setattr(opening, refuse)
    assert [clean(data).kind for data in notes.values()] == ["image/jpeg"] * 3


def test_a_picture_shows_nothing_of_itself_in_a_log():
    assert repr(clean(SMALL["PNG"])).startswith("<Picture image/jpeg, ")


def test_errors_carry_no_cause_with_the_content():
    with pytest.raises(ImageRefused) as refusal:
        clean(SMALL["PNG"][:40])
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__
