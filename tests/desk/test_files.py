"""Files of a case: kept sealed, given back to those who may see the case, and nothing else anywhere."""

import io
import os
import signal
import subprocess
import sys
import tempfile
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from cases.models import Attachment, Case
from cases.models import attachment as attachments
from desk import files as sweeping
from staff.models import TrailRow
from staff.trail import Refused, Verb
from tests.databases import ROOT
from vault import files as vault_files

pytestmark = pytest.mark.django_db
SECRET = b"%PDF-1.7 decision about Ivan Petrov " + b"x" * 70_000 + b"%%EOF"


@pytest.fixture
def store(settings, tmp_path):
    """An empty folder for files."""
    settings.FILES_DIR = tmp_path / "files"
    return settings.FILES_DIR


@pytest.fixture(autouse=True)
def _store(store):
    """No test of this module writes elsewhere."""


@pytest.fixture
def kept(case, olga, django_capture_on_commit_callbacks):
    """A function: keep these bytes in Olga's case."""

    def keep(data=SECRET, *, name="решение Петров.pdf", by=olga, into=case):
        with django_capture_on_commit_callbacks(execute=True):
            return Attachment.objects.keep(into, data, name=name, kind="decision", remark="page 1", by=by)

    return keep


def photograph(kind="JPEG", **extra):
    target = io.BytesIO()
    Image.effect_noise((300, 200), 60).save(target, kind, **extra)
    return target.getvalue()


def page(case):
    return f"/desk/case/{case.pk}/files/"


def address(row):
    return f"/desk/file/{row.pk}/"


def send(desk, case, data, name="scan.pdf", **more):
    fields = {"kind": "decision", "remark": "", "file": SimpleUploadedFile(name, data)} | more
    return desk.post(page(case), fields)


def lying_in(folder):
    return {path.name: path.read_bytes() for path in folder.glob("**/*")} if folder.exists() else {}


# -- there and back


def test_a_file_goes_in_and_comes_back_and_lies_sealed(
    case, olga, at_desk, store, django_capture_on_commit_callbacks
):
    """Sabotage: write `sent.read()` itself into the folder."""
    desk = at_desk(olga)
    with django_capture_on_commit_callbacks(execute=True):
        assert send(desk, case, SECRET, "решение Петров.pdf").status_code == 302
    row = Attachment.objects.get()
    answer = desk.get(address(row))
    assert b"".join(answer.streaming_content) == SECRET
    assert int(answer["Content-Length"]) == len(SECRET)
    [(name, stored)] = lying_in(store).items()
    assert name == row.stored
    assert b"Petrov" not in stored
    text = desk.get(page(case)).content.decode()
    assert "решение Петров.pdf" in text
    assert [r.verb for r in TrailRow.objects.of_case(case.pk)][:2] == [Verb.FILE_READ, Verb.FILE_ADDED]


def test_a_download_is_never_shown_in_place_and_names_nobody(case, olga, at_desk, kept):
    """Sabotage: drop FILE_POLICY from HeadersMiddleware; put the original name into the disposition."""
    kept(photograph(), name="a.jpg")
    row = kept()
    answer = at_desk(olga).get(address(row))
    assert answer["Content-Disposition"] == 'attachment; filename="file-2.pdf"'
    assert answer["Content-Type"] == "application/pdf"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert answer["Cache-Control"] == "no-store"
    assert case.code_name not in str(answer.headers)


def test_a_photograph_loses_what_the_camera_wrote(kept):
    """Sabotage: keep `data` instead of `cleaned.content`."""
    exif = Image.Exif()
    exif[0x010F] = "PlaceAndCamera"
    row = kept(photograph(exif=exif), name="IMG_1.jpg")
    content = b"".join(row.pieces())
    assert content.startswith(b"\xff\xd8\xff")
    assert b"PlaceAndCamera" not in content
    assert (row.media, row.size) == ("image/jpeg", len(content))


def test_the_type_is_what_the_content_is(case, olga, at_desk, store):
    """A page called .pdf, and a PDF that is an archive too. Sabotage: trust the file's name."""
    desk = at_desk(olga)
    for data in (b"<html><script>1</script></html>", b"%PDF-1.7" + b"Rar!\x1a\x07" + b"0" * 100, b""):
        answer = send(desk, case, data)
        assert answer.status_code == 422
        assert "errorlist" in answer.content.decode()
    assert lying_in(store) == {}
    assert not Attachment.objects.exists()


def test_no_byte_of_an_upload_is_written_in_clear(case, olga, at_desk, monkeypatch):
    """Django would put a large one into a temporary file. Sabotage: drop FILE_UPLOAD_HANDLERS."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("a temporary file")

    for name in ("NamedTemporaryFile", "TemporaryFile", "mkstemp", "SpooledTemporaryFile"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr("django.core.files.uploadedfile.tempfile.NamedTemporaryFile", refuse)
    assert send(at_desk(olga), case, b"%PDF-" + os.urandom(4_000_000)).status_code == 302
    assert Attachment.objects.get().size == 4_000_005


# -- who


@pytest.mark.parametrize("who", ["oskar", "mark", "anton"])
def test_others_get_the_same_page_as_for_a_file_that_never_was(case, who, kept, at_desk, request):
    """Sabotage: `Attachment.objects.filter(pk=key)` without visible_to in download()."""
    row, person = kept(), request.getfixturevalue(who)
    desk = at_desk(person)
    for mine, nobodys in (
        (address(row), f"/desk/file/{uuid4()}/"),
        (page(case), f"/desk/case/{uuid4()}/files/"),
    ):
        real, unknown = desk.get(mine), desk.get(nobodys)
        assert real.status_code == unknown.status_code
        assert real.status_code != 200
        assert real.content == unknown.content
    posted = send(desk, case, SECRET)
    assert posted.status_code in (403, 404)
    assert Attachment.objects.count() == 1


def test_a_colleagues_look_is_on_the_trail(case, oskar, kept, at_desk):
    """Sabotage: leave the trail out of not_found()."""
    row = kept()
    at_desk(oskar).get(address(row))
    assert TrailRow.objects.get(verb=Verb.REFUSED, actor=oskar).case == case.pk


@pytest.mark.parametrize("who", ["oskar", "mark", "anton"])
def test_nobody_without_the_case_keeps_or_reads_a_file(case, who, kept, request, store):
    """Sabotage: take require_visible_to out of keep() or read_by()."""
    row, person = kept(), request.getfixturevalue(who)
    with pytest.raises(Refused):
        Attachment.objects.keep(case, SECRET, name="a.pdf", kind="other", remark="", by=person)
    with pytest.raises(Refused):
        row.read_by(person)
    assert len(lying_in(store)) == 1


# -- quotas, each with a sentence


def test_a_file_that_is_too_large_is_refused_with_its_size(case, olga, at_desk, store):
    """Sabotage: drop clean_file()."""
    answer = send(at_desk(olga), case, b"%PDF-" + bytes(27_000_000))
    assert answer.status_code == 422
    assert "The file has 27.0 MB; at most 25 MB can be taken" in answer.content.decode()
    assert lying_in(store) == {}


def test_the_quotas_of_a_case_and_of_the_desk(case, olga, at_desk, kept, monkeypatch, settings):
    """Sabotage: drop _require_room()."""
    kept()
    desk = at_desk(olga)
    monkeypatch.setattr(attachments, "MOST_FILES", 1)
    assert "holds 1 files already" in send(desk, case, SECRET).content.decode()
    monkeypatch.setattr(attachments, "MOST_FILES", 9)
    monkeypatch.setattr(attachments, "MOST_CASE_BYTES", 100_000)
    assert "would pass 0 MB" in send(desk, case, SECRET).content.decode()
    monkeypatch.setattr(attachments, "MOST_CASE_BYTES", 10_000_000)
    settings.FILES_QUOTA_MB = 0.1
    assert "room for files is used up" in send(desk, case, SECRET).content.decode()
    assert Attachment.objects.count() == 1


# -- what breaks


def test_a_full_disk_is_told_and_nothing_is_lost(case, olga, at_desk, kept, store, monkeypatch):
    """Sabotage: let begin() leave its beginning behind."""
    first, before = kept(), lying_in(store)
    write = os.write

    def full(descriptor, data):
        if len(data) > 60_000:
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr("vault.files.os.write", full)
    answer = send(at_desk(olga), case, SECRET)
    monkeypatch.undo()
    assert answer.status_code == 422
    assert "No space left on device" in answer.content.decode()
    assert (lying_in(store), Attachment.objects.get()) == (before, first)
    assert b"".join(first.pieces()) == SECRET


def test_a_row_that_cannot_be_stored_takes_its_file_with_it(case, olga, store, monkeypatch):
    """Sabotage: drop files.abandon() from keep()."""
    monkeypatch.setattr("cases.models.attachment.trail.append", lambda *_a, **_k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Attachment.objects.keep(case, SECRET, name="a.pdf", kind="other", remark="", by=olga)
    assert lying_in(store) == {}
    assert not Attachment.objects.exists()


@pytest.mark.parametrize("harm", ["cut", "change", "end", "remove"])
def test_a_damaged_file_is_a_calm_page(case, olga, at_desk, kept, store, harm):
    """Also where only its last byte is wrong: nothing is sent. Sabotage: stream without the first pass."""
    row = kept()
    path = store / row.stored
    data = bytearray(path.read_bytes())
    if harm == "cut":
        path.write_bytes(data[:70_000])
    elif harm == "remove":
        path.unlink()
    else:
        data[-1 if harm == "end" else 300] ^= 1
        path.write_bytes(data)
    answer = at_desk(olga).get(address(row))
    assert answer.status_code == 409
    assert not answer.streaming
    assert "missing or damaged" in answer.content.decode()
    assert f"/desk/case/{case.pk}/files/" in answer.content.decode()


def test_a_file_moved_to_another_row_or_case_does_not_open(case, olga, at_desk, kept, store):
    """Sabotage: leave row and owner out of vault.files._Place.bound_to."""
    other = Case.objects.open_case(by=olga, country="AM")
    mine, theirs = kept(), kept(photograph(), into=other)
    (store / mine.stored).write_bytes((store / theirs.stored).read_bytes())
    assert at_desk(olga).get(address(mine)).status_code == 409


def test_the_list_of_an_unreadable_file_is_a_page_too(case, olga, at_desk, kept):
    """Sabotage: read `row.kind` instead of display_value() in files._line."""
    from django.db import connection

    row = kept()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_attachment SET kind = %s, added_at = %s WHERE stored = %s",
            [b"\x01broken" * 9, b"\x01broken" * 9, row.stored],
        )
    desk = at_desk(olga)
    for path in (page(case), f"/desk/cases/case/{case.pk}/change/"):
        answer = desk.get(path)
        assert answer.status_code == 200
        assert "⚠ unreadable" in answer.content.decode()


# -- killed half way


def test_an_upload_killed_before_its_commit_is_swept(case, store):
    store.mkdir()
    left = store / f".{'a' * 32}.part"
    left.write_bytes(b"sealed beginning")
    assert (sweeping.sweep(), left.exists()) == (0, True)
    os.utime(left, (timezone.now().timestamp() - 90_000,) * 2)
    assert (sweeping.sweep(), left.exists()) == (1, False)


def test_one_killed_right_after_its_commit_is_whole(case, olga, at_desk, store):
    """Its row stands, its file waits for its name. Sabotage: drop finish() from files.sweep()."""
    row = Attachment.objects.keep(case, SECRET, name="a.pdf", kind="other", remark="", by=olga)
    assert list(lying_in(store)) == [f".{row.stored}.part"]
    os.utime(store / f".{row.stored}.part", (0, 0))
    assert sweeping.sweep() == 1
    assert list(lying_in(store)) == [row.stored]
    assert b"".join(row.pieces()) == SECRET


KILLED = """
import os, signal
from unittest import mock
from cases.models import Attachment, Case
from staff.models import User
from vault import files
case, olga = Case.objects.get(), User.objects.get(username="olga")
point = os.environ["KILL_AT"]
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
real, count = os.write, [0]
def dying(descriptor, data):
    count[0] += 1
    if count[0] == 3:
        die()
    return real(descriptor, data)
places = {"writing": ("vault.files.os.write", dying), "syncing": ("vault.files.os.fsync", die),
          "committing": ("cases.models.attachment.trail.append", die), "naming": ("vault.files.finish", die)}
with mock.patch(*places[point]):
    Attachment.objects.keep(case, b"%PDF-" + b"y" * 300_000, name="a.pdf", kind="other", remark="", by=olga)
"""


@pytest.mark.processes
@pytest.mark.parametrize("point", ["writing", "syncing", "committing", "naming"])
def test_a_killed_upload_leaves_a_whole_file_or_nothing(live_database, tmp_path, settings, point):
    """Sabotage: rename before the commit; drop the sweep."""
    from staff.models import Team, User

    settings.FILES_DIR = tmp_path / "store"
    team = Team.objects.create(name="Astana")
    olga = User.objects.create_user("olga", "olga-long-password-1", role="caseworker", team=team)
    case = Case.objects.open_case(by=olga, country="KZ")
    env = live_database.env | {"KILL_AT": point, "FILES_DIR": str(settings.FILES_DIR)}
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", KILLED],
        env=env, cwd=ROOT, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    for left in settings.FILES_DIR.glob(".*.part"):
        os.utime(left, (0, 0))
    sweeping.sweep()
    rows = list(Attachment.objects.all())
    assert len(rows) == (point == "naming")
    assert [path.name for path in settings.FILES_DIR.iterdir()] == [row.stored for row in rows]
    for row in rows:
        assert len(b"".join(row.pieces())) == 300_005
    assert len(TrailRow.objects.filter(verb=Verb.FILE_ADDED, case=case.pk)) == len(rows)


def test_a_file_is_never_changed_or_deleted(kept):
    from staff.append_only import KeptForGood

    row = kept()
    for act in (row.delete, lambda: row.save(by=None), Attachment.objects.all().delete):
        with pytest.raises(KeptForGood):
            act()


def test_the_pages_cost_the_same_with_one_file_and_with_many(case, olga, at_desk, kept):
    """Sabotage: leave select_related or with_keys out of AttachmentQuerySet.of."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    desk, counts = at_desk(olga), []
    for _round in range(2):
        kept()
        desk.get(page(case))
        with CaptureQueriesContext(connection) as made:
            desk.get(page(case))
        counts.append(len(made))
        for _more in range(4):
            kept()
    assert counts[0] == counts[1]


def test_the_store_measures_its_room(kept, store):
    row = kept()
    assert vault_files.stored_bytes(store, row.stored) == vault_files.total_bytes(store) > len(SECRET)
    assert vault_files.stored_bytes(store, "0" * 32) == 0
    assert vault_files.total_bytes(store / "elsewhere") == 0
