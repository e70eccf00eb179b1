"""What several tests of cases start from."""

import pytest

from vault import canaries, keyfiles, keyring


@pytest.fixture
def own_key(tmp_path, settings, keys):
    """`own_key("index")`: from here on a key of that name of one's own, beside the others."""

    def make(name):
        path = tmp_path / "keys" / f"{name}.key"
        keyfiles.make(path)
        settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {name: path}
        keyring.reset()
        canaries.place(name)

    yield make
    keyring.reset()
