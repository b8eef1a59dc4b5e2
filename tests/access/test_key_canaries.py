"""The comparison of a key ring with the canaries of a database."""

from dataclasses import replace

import pytest

from app.access.key_canaries import BLIND_INDEX_ID, Canary, create_canary, find_key_ring_problem
from app.access.key_canaries import _list_materials as list_materials
from app.access.keyring import KeyRing


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.generate()


def create_canaries(ring: KeyRing) -> list[Canary]:
    return [create_canary(material) for material in list_materials(ring)]


def test_key_ring_matches_its_own_canaries(ring: KeyRing) -> None:
    canaries = create_canaries(ring)
    assert {canary.purpose for canary in canaries} == {"encryption", "blind_index", "release_draw", "signing"}
    assert find_key_ring_problem(ring, canaries) is None


def test_other_key_ring_is_rejected(ring: KeyRing) -> None:
    problem = find_key_ring_problem(KeyRing.generate(), create_canaries(ring))
    assert problem is not None
    assert "belongs to another database" in problem


def test_key_with_a_known_id_and_other_bytes_is_rejected(ring: KeyRing) -> None:
    # Catches: `_matches` that returns True.
    other = b"o" * 32
    for changed in (
        replace(ring, encryption_keys={ring.encryption_active: other}),
        replace(ring, blind_index=other),
        replace(ring, release_draw=other),
    ):
        problem = find_key_ring_problem(changed, create_canaries(ring))
        assert problem is not None
        assert "belongs to another database" in problem


def test_missing_key_is_named(ring: KeyRing) -> None:
    extended = replace(ring, encryption_keys={**ring.encryption_keys, "later": b"k" * 32})
    problem = find_key_ring_problem(ring, create_canaries(extended))
    assert problem is not None
    assert "it has no key later" in problem


def test_active_key_must_be_registered_and_inactive_keys_need_not(ring: KeyRing) -> None:
    extended = replace(ring, encryption_keys={**ring.encryption_keys, "later": b"k" * 32})
    assert find_key_ring_problem(extended, create_canaries(ring)) is None
    problem = find_key_ring_problem(replace(extended, encryption_active="later"), create_canaries(ring))
    assert problem is not None
    assert "active key later" in problem


def test_database_without_canaries_is_rejected(ring: KeyRing) -> None:
    problem = find_key_ring_problem(ring, [])
    assert problem is not None
    assert "Run `migrate`" in problem


def test_canary_contains_no_key(ring: KeyRing) -> None:
    stored = b"".join(canary.fingerprint + canary.canary for canary in create_canaries(ring))
    assert all(material.secret not in stored for material in list_materials(ring))
    assert BLIND_INDEX_ID in {canary.key_id for canary in create_canaries(ring)}
