"""Signatures: an outsider with the public half finds every change, and needs nothing of ours."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine import need
from vault import signing
from vault.keyring import KeyProblem, reset


@pytest.fixture
def public(keys):
    return signing.public_keys("test")[0]


@given(text=st.binary(max_size=300))
def test_what_was_signed_is_recognised(text):
    public = signing.public_keys("test")[0]
    assert signing.is_signed_by(public, text, signing.sign("test", text))


@given(text=st.binary(max_size=100), place=st.integers(0, 1000), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(text, place, bit):
    """Sabotage: return True where is_signed_by() says False."""
    public, signature = signing.public_keys("test")[0], bytearray(signing.sign("test", text))
    changed = bytearray(text)
    target = changed + signature
    target[place % len(target)] ^= 1 << bit
    assert not signing.is_signed_by(public, bytes(target[: len(text)]), bytes(target[len(text) :]))


def test_each_purpose_has_a_key_of_its_own(public):
    """Sabotage: leave `purpose` out of the label."""
    assert signing.public_keys("other") != [public]
    assert not signing.is_signed_by(public, b"text", signing.sign("other", b"text"))


@pytest.mark.parametrize("nonsense", [b"", b"short", b"x" * 32, b"x" * 33])
def test_nonsense_is_no_signature(public, nonsense):
    assert not signing.is_signed_by(public, b"text", nonsense)
    assert not signing.is_signed_by(nonsense, b"text", signing.sign("test", b"text"))


def test_openssl_agrees(public, tmp_path):
    """The outsider may not have this program at all."""
    (tmp_path / "key.pem").write_text(signing.pem(public))
    (tmp_path / "text").write_bytes(b"a checkpoint\n")
    (tmp_path / "signature").write_bytes(signing.sign("test", b"a checkpoint\n"))
    command = [need("openssl"), "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin"]
    command += ["-in", "text", "-sigfile", "signature"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    (tmp_path / "text").write_bytes(b"another one\n")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode != 0


def test_who_does_not_hold_the_key_signs_nothing(settings, keys):
    settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"signing": None}
    reset()
    try:
        assert not signing.can_sign()
        with pytest.raises(KeyProblem, match="holds no signing key"):
            signing.sign("test", b"text")
    finally:
        settings.VAULT_KEY_FILES = settings.VAULT_KEY_FILES | {"signing": keys / "signing.key"}
        reset()
