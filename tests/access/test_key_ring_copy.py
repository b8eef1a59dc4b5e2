"""The encrypted copy of the key ring in backups."""

import json
from typing import Any

import pytest

from app.access.key_ring_copy import decrypt_key_ring, encrypt_key_ring
from app.access.keyring import KeyRing
from app.errors import Conflict

PASSPHRASE = "seven green boats on the Tonle Sap"


def test_copy_contains_the_key_ring_and_no_key_in_plain_text(key_ring: KeyRing) -> None:
    copies = [encrypt_key_ring(key_ring, PASSPHRASE) for _ in range(2)]
    assert copies[0] != copies[1], "the salt and the nonce are random"
    assert decrypt_key_ring(copies[0], PASSPHRASE).to_json() == key_ring.to_json()
    secrets = json.loads(key_ring.to_json())["encryption"]["keys"].values()
    assert not [secret for secret in secrets if secret in copies[0]]
    assert "PRIVATE KEY" not in copies[0]


def test_passphrase_may_be_typed_in_another_form_of_unicode(key_ring: KeyRing) -> None:
    copy = encrypt_key_ring(key_ring, "caf\u00e9 au lait")
    assert decrypt_key_ring(copy, "cafe\u0301 au lait").to_json() == key_ring.to_json()


def test_wrong_passphrase_is_explained(key_ring: KeyRing) -> None:
    with pytest.raises(Conflict, match="The passphrase is wrong"):
        decrypt_key_ring(encrypt_key_ring(key_ring, PASSPHRASE), PASSPHRASE.upper())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("nonce",), "AAAAAAAAAAAAAAAA"),
        (("encrypted",), "AAAA"),
        (("scrypt", "salt"), "A" * 22 + "=="),
        (("scrypt", "cost"), 2**16),
    ],
)
def test_changed_copy_is_rejected(key_ring: KeyRing, path: tuple[str, ...], value: Any) -> None:
    copy = json.loads(encrypt_key_ring(key_ring, PASSPHRASE))
    part = copy
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with pytest.raises(Conflict, match="was changed"):
        decrypt_key_ring(json.dumps(copy), PASSPHRASE)


@pytest.mark.parametrize("cost", [2**10, 2**30])
def test_cost_that_is_too_low_or_fills_the_memory_is_rejected(key_ring: KeyRing, cost: int) -> None:
    # Catches: the limits of the cost removed.
    copy = json.loads(encrypt_key_ring(key_ring, PASSPHRASE))
    copy["scrypt"]["cost"] = cost
    for text in (json.dumps(copy), json.dumps(copy)[:-100], "", "[]"):
        with pytest.raises(Conflict, match="incomplete, or is another file"):
            decrypt_key_ring(text, PASSPHRASE)
