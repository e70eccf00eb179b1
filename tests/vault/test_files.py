"""Sealed files: streamed whole, or refused. Somebody with the disk cuts, extends, reorders and swaps them."""

import io
import os
import stat
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vault.cells.models import Page
from vault import files
from vault.cipher import CannotOpen, Erased, Unreadable

CHUNK = files.CHUNK_BYTES
STORED = CHUNK + files.TAG_BYTES  # one chunk as it lies on the disk
DATA = CHUNK - 4
HEADER = 101
QUOTA = 8_000_000
THREE_CHUNKS = os.urandom(1000) * 150  # padded to 163,840 bytes: two whole chunks and a shorter one


def sealed(data, of, quota_bytes=QUOTA):
    """What lies on the disk after `data` was sealed for the row `of`."""
    target = io.BytesIO()
    files.seal_stream(io.BytesIO(data), target, of=of, quota_bytes=quota_bytes)
    return target.getvalue()


def opened(blob, of):
    return b"".join(files.open_stream(io.BytesIO(blob), of=of))


def chunks(blob):
    """The header and the stored chunks of a sealed file."""
    return blob[:HEADER], [blob[at : at + STORED] for at in range(HEADER, len(blob), STORED)]


class Dripping(io.BytesIO):
    """A source that gives what it likes, as sockets do."""

    def read(self, size=-1):
        return super().read(min(size, 1 + self.tell() % 7919))


class Endless:
    """Zeros until `size`, without holding them."""

    def __init__(self, size):
        self.left = size

    def read(self, size):
        given, self.left = min(size, self.left), self.left - min(size, self.left)
        return bytes(given)


# -- there and back


@pytest.mark.parametrize(
    "size", [0, 1, 31, 32, 33, 256, 257, 60_000, DATA - 1, DATA, DATA + 1, 2 * DATA, 2 * DATA + 1, 200_000]
)
def test_a_file_of_any_length_comes_back(page, fresh, size):
    data = os.urandom(size)
    assert opened(sealed(data, page), fresh(page)) == data


@given(data=st.binary(max_size=400), times=st.integers(0, 700))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_sealed_is_what_opens(page, data, times):
    whole = data * times
    assert opened(sealed(whole, page), page) == whole


def test_a_source_that_drips_gives_the_same_file(page):
    target = io.BytesIO()
    files.seal_stream(Dripping(THREE_CHUNKS), target, of=page, quota_bytes=QUOTA)
    assert b"".join(files.open_stream(Dripping(target.getvalue()), of=page)) == THREE_CHUNKS


def test_nothing_of_it_can_be_read_and_no_two_are_alike(page):
    first, second = sealed(b"passport scan" * 5000, page), sealed(b"passport scan" * 5000, page)
    assert b"passport" not in first
    assert first[:HEADER] != second[:HEADER]
    assert first[HEADER : HEADER + 64] != second[HEADER : HEADER + 64]


@given(size=st.integers(0, 3_000_000))
@settings(max_examples=200, deadline=None)
def test_the_length_shows_in_steps_of_at_most_an_eighth(size):
    """Sabotage: let `_padded_size` return its argument."""
    shown = files._padded_size(size)
    assert size <= shown <= max(32, size + 32, size * 1.125)
    assert files._padded_size(shown) == shown
    step = 32 if shown <= 256 else 1 << (shown.bit_length() - 5)
    assert shown % step == 0


def test_lengths_that_are_close_look_the_same(page):
    assert len({len(sealed(bytes(size), page)) for size in range(100_000, 106_000, 1000)}) == 1


def test_memory_stays_flat_both_ways(page, tmp_path):
    """20 MB pass with less than 1 MB held. Sabotage: read the source whole in `_frames`."""
    size = 20_000_000
    place = tmp_path / "large"
    tracemalloc.start()
    with place.open("wb") as target:
        files.seal_stream(Endless(size), target, of=page, quota_bytes=size)
    with place.open("rb") as source:
        assert sum(len(piece) for piece in files.open_stream(source, of=page)) == size
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


# -- attacks on the disk


def refused(blob, of):
    with pytest.raises(Unreadable, match="The file of cells.page cannot be opened: .* Restore it") as refusal:
        opened(blob, of)
    assert str(of.pk) not in str(refusal.value)
    return str(refusal.value)


@pytest.mark.parametrize("keep", [1, 2])
def test_a_file_cut_between_chunks_is_refused(page, keep):
    """Sabotage: leave the last flag out of `_nonce`."""
    header, parts = chunks(sealed(THREE_CHUNKS, page))
    assert len(parts) == 3
    assert "what followed it is gone" in refused(header + b"".join(parts[:keep]), page)


@pytest.mark.parametrize("keep", [0, 1, 50, HEADER - 1, HEADER, HEADER + 1, HEADER + 16, -1, -17])
def test_a_file_cut_anywhere_is_refused(page, keep):
    refused(sealed(THREE_CHUNKS, page)[:keep], page)


def test_no_piece_is_handed_out_before_it_was_checked(page):
    header, parts = chunks(sealed(THREE_CHUNKS, page))
    pieces = files.open_stream(io.BytesIO(header + parts[0] + parts[1]), of=page)
    assert next(pieces) == THREE_CHUNKS[:DATA]
    with pytest.raises(Unreadable, match="part 2 is damaged"):
        next(pieces)


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (0, 0, 1, 2), (0, 1, 1, 2), (2,), (1, 2), (0, 2)])
def test_a_file_with_chunks_reordered_doubled_or_dropped_is_refused(page, order):
    """Sabotage: leave the counter out of `_nonce`."""
    header, parts = chunks(sealed(THREE_CHUNKS, page))
    refused(header + b"".join(parts[n] for n in order), page)


@pytest.mark.parametrize("more", [b"\0", b"x" * 16, b"x" * STORED])
@pytest.mark.parametrize("size", [10, 65_536 - 4, 150_000])
def test_an_extended_file_is_refused(page, size, more):
    refused(sealed(bytes(size), page) + more, page)


def test_a_file_extended_by_the_chunks_of_another_is_refused(page):
    header, parts = chunks(sealed(THREE_CHUNKS, page))
    other = chunks(sealed(THREE_CHUNKS, page))[1]
    refused(header + b"".join(parts + other), page)
    refused(header + parts[0] + other[1] + parts[2], page)


def test_no_bit_can_be_turned(page):
    whole = sealed(b"x" * 100, page)
    for place in range(len(whole)):
        with pytest.raises(CannotOpen):
            opened(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :], page)


@given(place=st.integers(0, 2**20), bit=st.integers(0, 7))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bit_of_a_long_file_can_be_turned(page, place, bit):
    whole = bytearray(sealed(THREE_CHUNKS, page))
    whole[place % len(whole)] ^= 1 << bit
    with pytest.raises(Unreadable):
        opened(bytes(whole), page)


def test_a_file_put_in_the_place_of_another_of_the_same_case_is_refused(file, page):
    """Sabotage: leave the row out of `_Place.bound_to`."""
    neighbour = Page.objects.create(file=file, text="another page")
    refused(sealed(b"scan", neighbour), page)


def test_a_file_of_another_case_is_refused(page, other_file):
    stranger = Page.objects.create(file=other_file, text="a stranger's page")
    refused(sealed(b"scan", stranger), page)


def test_a_file_whose_row_was_pointed_at_another_case_is_refused(page, other_file, fresh):
    blob = sealed(b"scan", page)
    Page._base_manager.filter(pk=page.pk).update(file_id=other_file.pk)
    refused(blob, fresh(page))


def test_a_file_of_another_kind_of_row_is_refused(file, page):
    """The case itself and its page may have the same id; their labels differ."""
    twin = Page(pk=file.pk, file=file)
    refused(sealed(b"scan", file), twin)


@pytest.mark.parametrize("junk", [b"", b"plain text", b"\x01" * 500, b"\x02" * 500, bytes(70_000)])
def test_junk_is_refused(page, junk):
    refused(junk, page)


def test_the_files_of_the_erased_do_not_open_and_no_new_one_is_sealed(page, fresh, destroy):
    blob = sealed(b"scan", page)
    destroy(page.file)
    with pytest.raises(Erased, match="The file of cells.page stays closed: its record key was destroyed"):
        opened(blob, fresh(page))
    with pytest.raises(Erased):
        sealed(b"new scan", fresh(page))


def test_a_lost_record_key_is_named(page, fresh):
    from vault.models import RecordKey

    blob = sealed(b"scan", page)
    RecordKey.objects.filter(pk=page.file_id).delete()
    with pytest.raises(Unreadable, match="Restore the backup of the record keys"):
        opened(blob, fresh(page))


def test_a_worker_opens_no_file(page, fresh, ring_of):
    blob = sealed(b"scan", page)
    ring_of("calendar", "address")
    with pytest.raises(CannotOpen, match="this process holds no root key"):
        opened(blob, fresh(page))


# -- storing


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "files"


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


def store(data, folder, of, quota_bytes=QUOTA):
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    return files.store(source, folder, of=of, quota_bytes=quota_bytes)


def test_a_stored_file_is_fetched_removed_and_removed_again(page, fresh, folder):
    name = store(THREE_CHUNKS, folder, page)
    assert left_in(folder) == [name]
    assert b"".join(files.fetch(folder, name, of=fresh(page))) == THREE_CHUNKS
    assert files.remove(folder, name) is True
    assert files.remove(folder, name) is False
    assert left_in(folder) == []


def test_only_its_owner_reads_it_and_its_copy_has_no_time(page, folder):
    name = store(b"scan", folder, page)
    status = (folder / name).stat()
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert status.st_mtime == 0


def test_the_quota_ends_an_upload_early_and_leaves_nothing(page, folder):
    """The source is not read to its end. Sabotage: sum up the size after the loop of `_frames` only."""
    source = Endless(50_000_000)
    with pytest.raises(files.TooLarge, match="at most 0.1 MB can be kept"):
        store(source, folder, page, quota_bytes=100_000)
    assert source.left > 49_000_000
    assert left_in(folder) == []


@pytest.mark.parametrize("size", [0, 99_999, 100_000])
def test_the_quota_itself_is_allowed(page, folder, size):
    store(bytes(size), folder, page, quota_bytes=100_000)


def test_one_byte_more_than_the_quota_is_not(page, folder):
    with pytest.raises(files.TooLarge):
        store(bytes(100_001), folder, page, quota_bytes=100_000)


class Breaking(Endless):
    """A connection that breaks after `size` bytes."""

    def __init__(self, size, error):
        super().__init__(size)
        self.error = error

    def read(self, size):
        if not self.left:
            raise self.error
        return super().read(size)


@pytest.mark.parametrize("error", [OSError("the line broke"), KeyboardInterrupt(), SystemExit(1)])
def test_a_broken_upload_leaves_nothing_behind(page, folder, error):
    """Sabotage: `except Exception` in `store`."""
    with pytest.raises(type(error)):
        store(Breaking(200_000, error), folder, page)
    assert left_in(folder) == []


@pytest.mark.parametrize("call", ["write", "fsync", "utime"])
def test_a_full_disk_is_told_and_leaves_nothing_behind(page, folder, monkeypatch, call):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"vault.files.os.{call}", full)
    with pytest.raises(files.CannotStore, match="could not be kept: No space left on device. Tell the"):
        store(THREE_CHUNKS, folder, page)
    assert left_in(folder) == []


def test_nothing_clear_and_no_unfinished_name_is_seen_while_it_runs(page, folder):
    """While half of it is written, the folder holds one hidden 0600 file without a clear word."""
    seen = []

    class Watching(io.BytesIO):
        def read(self, size=-1):
            for path in folder.iterdir() if folder.exists() else ():
                seen.append((path.name, stat.S_IMODE(path.stat().st_mode), path.read_bytes()))
            return super().read(size)

    name = store(Watching(b"left in the night " * 20_000), folder, page)
    assert len(seen) > 3
    assert {entry[0] for entry in seen} == {f".{name}.part"}
    assert {entry[1] for entry in seen} == {0o600}
    assert not any(b"left in the night" in entry[2] for entry in seen)


def test_the_leftovers_of_a_killed_process_are_swept_and_nothing_else(page, folder):
    name = store(b"scan", folder, page)
    old, running = folder / ".0123.part", folder / ".4567.part"
    for path in (old, running):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    assert files.sweep(folder) == 1
    assert left_in(folder) == sorted([name, running.name])


def test_a_missing_file_is_told(page, folder):
    with pytest.raises(Unreadable, match="The file of cells.page is missing. Restore it from a backup"):
        files.fetch(folder, "0" * 32, of=page)


@pytest.mark.parametrize("name", ["", "../keys/root.key", "/etc/passwd", "0" * 31, "0" * 32 + "\n", "." * 32])
def test_no_other_path_is_reached(page, folder, name):
    for use in (lambda: files.fetch(folder, name, of=page), lambda: files.remove(folder, name)):
        with pytest.raises(ValueError, match="32 hexadecimal digits"):
            use()


def test_two_files_swapped_on_the_disk_are_refused(file, page, folder):
    neighbour = Page.objects.create(file=file, text="another page")
    mine, other = store(b"mine", folder, page), store(b"another", folder, neighbour)
    (folder / mine).rename(folder / "kept")
    (folder / other).rename(folder / mine)
    with pytest.raises(Unreadable, match="belongs to another row"):
        files.fetch(folder, mine, of=page)
