"""Tables for the test models, and hands that tamper with what is stored."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings

from tests.vault.cells.models import File, Ledger, Mark, Page, Ring, Setting
from vault import keyfiles, keyring
from vault.models import RecordKey

TABLES = (File, Page, Ring, Ledger, Mark, Setting)


@pytest.fixture(autouse=True)
def _tables_where_needed(request):
    """Before the test's transaction begins; tests without a database get none."""
    if "db" in request.fixturenames:
        request.getfixturevalue("_tables")


@pytest.fixture(scope="package")
def _tables(django_db_setup, django_db_blocker):
    from django.conf import settings

    with (
        override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "tests.vault.cells"]),
        django_db_blocker.unblock(),
    ):
        with connection.schema_editor() as editor:
            for model in TABLES:
                editor.create_model(model)
        yield
        with connection.schema_editor() as editor:
            for model in reversed(TABLES):
                editor.delete_model(model)


@pytest.fixture
def file(db):
    """A stored case file with a summary and a phone."""
    return File.objects.create(summary="left in the night", phone="+77010000001")


@pytest.fixture
def other_file(db):
    """Somebody else's case file."""
    return File.objects.create(code_name="small otter 3", summary="not yours", phone="+77010000002")


@pytest.fixture
def page(file):
    return Page.objects.create(file=file, text="was in Oral", due_on="2026-03-31")


class Cell:
    """One stored cell, as somebody with the database but without keys sees it."""

    def __init__(self, row, column):
        self.table = type(row)._base_manager.filter(pk=row.pk)
        self.column = column

    @property
    def bytes(self):
        value = self.table.values_list(self.column, flat=True).get()
        return None if value is None else bytes(value)

    @bytes.setter
    def bytes(self, blob):
        with connection.cursor() as cursor:
            table = connection.ops.quote_name(self.table.model._meta.db_table)
            pk = self.table.model._meta.pk
            key = pk.get_db_prep_value(self.table.values_list("pk", flat=True).get(), connection)
            # Column and table names are ours; the values travel as parameters.
            cursor.execute(
                f"UPDATE {table} SET {self.column} = %s WHERE {pk.column} = %s",
                [None if blob is None else connection.Database.Binary(blob), key],
            )


@pytest.fixture
def cell():
    """cell(row, "column").bytes reads and writes the stored bytes."""
    return Cell


@pytest.fixture
def queries():
    """`with queries() as made:` counts the queries in len(made)."""
    return lambda: CaptureQueriesContext(connection)


@pytest.fixture
def fresh(db):
    """fresh(row): the row as another process would read it."""
    return lambda row: type(row).objects.get(pk=row.pk)


@pytest.fixture
def ring_of(keys, settings):
    """ring_of("calendar", "address"): this process holds these keys only, as a worker does."""

    def hold(*names):
        files = {name: keys / f"{name}.key" for name in names}
        settings.VAULT_KEY_FILES = dict.fromkeys(settings.VAULT_KEY_FILES) | files
        keyring.reset()

    yield hold
    keyring.reset()


@pytest.fixture
def own_keys(tmp_path, settings):
    """A folder of fresh key files for one test, which it may change as it likes."""
    folder = tmp_path / "keys"
    for name in keyring.NAMES:
        keyfiles.make(folder / f"{name}.key")
    settings.VAULT_KEY_FILES = {name: folder / f"{name}.key" for name in keyring.NAMES}
    keyring.reset()
    yield folder
    keyring.reset()


@pytest.fixture
def destroy():
    """destroy(owner): what erasure does to a record key."""
    return lambda owner: RecordKey.objects.filter(owner=owner.pk).update(wrapped=None)
