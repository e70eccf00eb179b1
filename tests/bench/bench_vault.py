"""The vault beside plain columns, django-cryptography-5, Fernet and bare AES-GCM, all in one run.

    python -m tests.bench.bench_vault [rows]

Works in a throw-away database: SQLite in a temporary folder, or the server of DATABASE_URL. Everything is CPU
time of this process, except the rotation (wall clock); what is compared takes turns, and the shortest counts.
Prints the table of docs/PERFORMANCE.md.
"""

from __future__ import annotations

import io
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

SMALL, LARGE = 10_000, 100_000
PAGE = 100
FIELD_ROWS, FIELD_COLUMNS = 1_000, 25
FILE_BYTES = 64 * 1024 * 1024
# With fewer rows than this it is tried out, not measured.
ENOUGH_ROWS = 2_000
ROUNDS: int | None = None  # None: as many as each measure needs
NAMES = ("Щербаков", "Хасанов", "Цыденов", "Иванов", "Садыкова", "Ёлкин", "Оюун", "Гаджиев")


def shortest(rounds: int, **work: Callable[[], object]) -> dict[str, float]:
    """The shortest CPU time of each of `work` in milliseconds; they take turns, so that noise hits all."""
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds if ROUNDS is None else ROUNDS):
        for name, run in work.items():
            began = time.process_time()
            run()
            found[name].append((time.process_time() - began) * 1000)
    return {name: min(times) for name, times in found.items()}


def row(what: str, value: str, beside: str = "") -> None:
    """One line of the table."""
    print(f"| {what} | {value} | {beside} |", flush=True)


# -- one field


def measure_field() -> None:
    """Opening 1,000 × 25 texts: ours through the model's own field, the others through their library."""
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from django_cryptography.core.signing import FernetSigner  # noqa: F401 (that the peer is the right one)
    from django_cryptography.fields import encrypt  # noqa: F401

    from tests.bench.twins.models import PickledPerson, SealedPerson
    from vault.cipher import Sealed

    rng = random.Random(1)
    texts = [person(rng)["address"] for _ in range(FIELD_ROWS)]
    people = [SealedPerson(**person(rng)) for _ in range(FIELD_ROWS)]
    SealedPerson.objects.bulk_create(people)
    people = list(SealedPerson.objects.filter(pk__in=[each.pk for each in people]).with_keys())
    ours = SealedPerson._meta.get_field("address")
    cells = [(each, each.__dict__["address"]) for each in people]
    theirs = PickledPerson._meta.get_field("address")
    pickled = [theirs.get_db_prep_save(text, _connection()) for text in texts]
    fernet = Fernet(Fernet.generate_key())
    tokens = [fernet.encrypt(text.encode()) for text in texts]
    ciphers = [AESGCM(AESGCM.generate_key(256)) for _ in texts]
    nonce, bound = os.urandom(12), os.urandom(60)
    raw = [cipher.encrypt(nonce, text.encode(), bound) for cipher, text in zip(ciphers, texts, strict=True)]
    times = shortest(
        9,
        ours=lambda: [ours.open(cell, each) for _ in range(FIELD_COLUMNS) for each, cell in cells],
        pickled=lambda: [
            theirs.from_db_value(blob, None, None) for _ in range(FIELD_COLUMNS) for blob in pickled
        ],
        fernet=lambda: [fernet.decrypt(token).decode() for _ in range(FIELD_COLUMNS) for token in tokens],
        raw=lambda: [
            cipher.decrypt(nonce, blob, bound).decode()
            for _ in range(FIELD_COLUMNS)
            for cipher, blob in zip(ciphers, raw, strict=True)
        ],
    )
    micro = {name: ms * 1000 / FIELD_ROWS / FIELD_COLUMNS for name, ms in times.items()}
    assert all(isinstance(cell, Sealed) for _each, cell in cells)
    row("open a field: bare AES-256-GCM", f"{micro['raw']:.2f} µs", "× 1")
    for name, what in (("ours", "**vault**"), ("fernet", "Fernet"), ("pickled", "django-cryptography-5")):
        row(f"open a field: {what}", f"{micro[name]:.2f} µs", f"× {micro[name] / micro['raw']:.1f} of bare")
    row("django-cryptography-5 ÷ vault", f"× {micro['pickled'] / micro['ours']:.1f}", "wanted ≥ 5")
    length = sum(len(text.encode()) for text in texts) / len(texts)
    added = {
        "vault": sum(len(cell) for _each, cell in cells) / len(cells) - length,
        "Fernet": sum(len(token) for token in tokens) / len(tokens) - length,
        "django-cryptography-5": sum(len(bytes(blob)) for blob in pickled) / len(pickled) - length,
    }
    row(f"bytes added to a text of {length:.0f}", ", ".join(f"{k} {v:.0f}" for k, v in added.items()))


# -- a list of the admin


def person(rng: random.Random) -> dict[str, str]:
    """Eleven invented texts."""
    number = rng.randrange(10**9)
    return {
        "surname": rng.choice(NAMES),
        "given_name": "Юрий",
        "patronymic": "Ильич",
        "surname_latin": "Shcherbakov",
        "given_name_latin": "Yuri",
        "phone": f"+7701{number % 10**7:07d}",
        "handle": f"@quiet{number}",
        "passport": f"45 {number % 100:02d} {number % 10**6:06d}",
        "address": f"Алматы, ул. Абая {number % 200}, кв. {number % 90}",
        "unit": f"в/ч {number % 99999}",
        "remark": "left in the night, wants to go on to Germany",
    }


def fill(count: int) -> None:
    """The same people in all four tables."""
    from django.db import transaction

    from tests.bench.twins.models import TWINS, SealedDay, SealedPerson

    rng = random.Random(2)
    for start in range(0, count, 2_000):
        people = [person(rng) for _ in range(min(2_000, count - start))]
        with transaction.atomic():
            for model in TWINS:
                rows = model._default_manager.bulk_create([model(**each) for each in people])
                if model is SealedPerson:
                    days = [date(2026, 1, 1) + timedelta(rng.randrange(700)) for _ in rows]
                    SealedDay.objects.bulk_create(
                        [SealedDay(person=each, due_on=day) for each, day in zip(rows, days, strict=True)]
                    )


def changelists() -> dict[str, Callable[[], object]]:
    """For each twin, a call that answers and renders the first page of its list in Django's own admin."""
    from django.contrib import admin
    from django.contrib.auth.models import AnonymousUser
    from django.test import RequestFactory

    from tests.bench.twins.models import COLUMNS, TWINS
    from vault.show import shown_column

    class Everybody(AnonymousUser):
        is_active = is_staff = True

        def has_perm(self, *_args: Any) -> bool:
            return True

        has_module_perms = has_perm

    site = admin.AdminSite()

    class PersonAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
        # The same columns for all: what is compared is the table, not the header.
        list_display = tuple(shown_column(name) for name in COLUMNS)
        list_display_links = None
        list_per_page = PAGE
        show_full_result_count = False
        actions = None

        def get_queryset(self, request: Any) -> Any:
            rows = super().get_queryset(request)
            return rows.with_keys(*COLUMNS) if hasattr(rows, "with_keys") else rows

    request = RequestFactory().get("/")
    request.user = Everybody()  # type: ignore[assignment]
    calls = {}
    for model in TWINS:
        page = PersonAdmin(model, site)
        calls[model.__name__] = lambda page=page: page.changelist_view(request).render()
    return calls


def measure_list(rows: int) -> None:
    """CPU of the first page of 100 rows with eleven columns."""
    calls = changelists()
    for call in calls.values():
        call()
    times = shortest(25, **calls)
    plain = times["PlainPerson"]
    names = {
        "PlainPerson": "plain",
        "SealedPerson": "**vault**",
        "FernetPerson": "Fernet",
        "PickledPerson": "django-cryptography-5",
    }
    for model, what in names.items():
        row(
            f"admin list, 100 of {rows:,} rows × 11: {what}",
            f"{times[model]:.1f} ms",
            f"× {times[model] / plain:.2f}",
        )


# -- search, rotation, files


def measure_search(rows: int) -> None:
    """One person among all by the phone: by the blind index, and by opening every row."""
    from tests.bench.twins.models import SealedPerson
    from vault.fields import find

    wanted = SealedPerson.objects.order_by("pk")[rows // 2].phone
    index = shortest(50, find=lambda: find(SealedPerson.objects.all(), "phone_index", wanted))["find"]

    def open_all() -> int:
        people = SealedPerson.objects.only("id", "phone").with_keys().iterator(chunk_size=5000)
        return sum(each.phone == wanted for each in people)

    assert len(find(SealedPerson.objects.all(), "phone_index", wanted)) == open_all() >= 1
    every = shortest(3, all=open_all)["all"]
    row(f"search {rows:,} rows: blind index", f"{index:.2f} ms", "× 1")
    row(f"search {rows:,} rows: open all", f"{every:,.0f} ms", f"× {every / index:,.0f}; wanted ≥ 500")


def measure_rotation(rows: int) -> None:
    """Wall clock per 1,000 people, all three steps apart from restarting the processes."""
    from vault import rotation
    from vault.integrity import Count, verify

    for name in ("root", "index", "calendar"):
        rotation.add(name)
        began = time.perf_counter()
        moved = rotation.rotate(name)
        took = time.perf_counter() - began
        rotation.retire(name)
        assert not moved.unreadable
        assert moved.cells + moved.indexes >= rows, name
        row(f"rotate {name}, per 1,000 people of {rows:,}", f"{took * 1e6 / rows:.0f} ms")
    count = Count()
    began = time.perf_counter()
    assert not list(verify(count))
    row("verify, per 100,000 cells", f"{(time.perf_counter() - began) * 1e5 / count.cells:.2f} s")


class Sink:
    """Takes bytes and keeps nothing."""

    def write(self, data: bytes, /) -> int:
        return len(data)


def measure_files(size: int) -> None:
    """`size` bytes through the sealed file format, beside bare AES-GCM of the same chunks and Fernet."""
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from tests.bench.twins.models import SealedPerson
    from vault.files import CHUNK_BYTES, open_stream, seal_stream

    of = SealedPerson.objects.first()
    data = os.urandom(size)
    cipher, fernet = AESGCM(AESGCM.generate_key(256)), Fernet(Fernet.generate_key())
    kept = io.BytesIO()
    seal_stream(io.BytesIO(data), kept, of=of, quota_bytes=size)
    token = fernet.encrypt(data)
    nonce = os.urandom(12)

    def bare() -> None:
        for start in range(0, size, CHUNK_BYTES):
            cipher.encrypt(nonce, data[start : start + CHUNK_BYTES], b"")

    times = shortest(
        3,
        bare=bare,
        seal=lambda: seal_stream(io.BytesIO(data), Sink(), of=of, quota_bytes=size),
        open=lambda: [None for _ in open_stream(io.BytesIO(kept.getvalue()), of=of)],
        fernet=lambda: fernet.encrypt(data),
        unfernet=lambda: fernet.decrypt(token),
    )
    speed = {name: size / 1e3 / ms for name, ms in times.items()}
    row("files: bare AES-256-GCM in 64 KiB", f"{speed['bare']:,.0f} MB/s", "× 1")
    for name, what in (("seal", "seal a file"), ("open", "open a file")):
        row(f"files: {what}", f"{speed[name]:,.0f} MB/s", f"× {speed['bare'] / speed[name]:.1f} of bare")
    row("files: Fernet, seal / open", f"{speed['fernet']:,.0f} / {speed['unfernet']:,.0f} MB/s")


def _connection() -> Any:
    from django.db import connection

    return connection


def measure(sizes: Iterable[int]) -> None:
    """All of it, in the order of the table."""
    from tests.bench.twins.models import SealedPerson

    print("| what | measured | beside |\n|---|---|---|")
    measure_field()
    SealedPerson.objects.all().delete()
    have = 0
    for size in sizes:
        fill(size - have)
        have = size
        measure_list(size)
        measure_search(size)
        if size == min(sizes):
            measure_rotation(size)
    measure_files(FILE_BYTES if have >= ENOUGH_ROWS else FILE_BYTES // 64)


def main() -> None:
    """Make the database, fill it, measure."""
    import django
    from django.conf import settings

    global ROUNDS
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else LARGE
    ROUNDS = 1 if largest < ENOUGH_ROWS else None
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        os.environ["DESK_VAR"] = folder
        (Path(folder) / "keys").mkdir(mode=0o700)
        settings.INSTALLED_APPS += ["tests.bench.twins"]
        settings.MIGRATION_MODULES = {"twins": None}
        django.setup()
        from django.core.management import call_command

        call_command("migrate", run_syncdb=True, verbosity=0)
        call_command("vault", "init", stdout=io.StringIO())
        measure(sorted({min(SMALL, largest), largest}))


if __name__ == "__main__":
    main()
