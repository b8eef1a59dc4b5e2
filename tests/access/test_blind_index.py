import hmac
import math
import os
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.blind_index import BlindIndex, recommended_token_bits

INDEX = BlindIndex(b"k" * 32)


def test_a_token_is_the_beginning_of_an_hmac_over_context_and_key() -> None:
    message = (len(b"child.name")).to_bytes(2, "big") + b"child.name" + "សុខា".encode()
    digest = hmac.new(b"k" * 32, message, "sha256").digest()
    assert INDEX.compute_tokens(["សុខា"], context="child.name", bits=12) == [digest[0] << 4 | digest[1] >> 4]


@given(st.lists(st.text()), st.integers(1, 31))
def test_tokens_are_short_sorted_unique_and_repeatable(keys: list[str], bits: int) -> None:
    tokens = INDEX.compute_tokens(keys, context="c", bits=bits)
    assert tokens == sorted(set(tokens)) == INDEX.compute_tokens(reversed(keys), context="c", bits=bits)
    assert all(0 <= token < 2**bits for token in tokens)
    assert len(tokens) <= len(set(keys))


def test_other_contexts_and_other_keys_give_unrelated_tokens() -> None:
    names = [f"name {i}" for i in range(200)]
    same = sum(
        INDEX.compute_tokens([n], context="a", bits=24) == INDEX.compute_tokens([n], context="b", bits=24)
        for n in names
    )
    other = BlindIndex(os.urandom(32))
    same += sum(
        INDEX.compute_tokens([n], context="a", bits=24) == other.compute_tokens([n], context="a", bits=24)
        for n in names
    )
    assert same <= 1


def test_context_and_key_cannot_be_shifted_into_each_other() -> None:
    assert INDEX.compute_tokens(["bc"], context="a", bits=31) != INDEX.compute_tokens(
        ["c"], context="ab", bits=31
    )


@given(st.text())
def test_a_longer_token_begins_with_the_shorter_one(key: str) -> None:
    (short,), (long,) = (INDEX.compute_tokens([key], context="c", bits=bits) for bits in (8, 15))
    assert long >> 7 == short


@pytest.mark.parametrize("bits", [-1, 0, 32, 256])
def test_tokens_that_would_name_a_person_are_refused(bits: int) -> None:
    with pytest.raises(ValueError, match="bits"):
        INDEX.compute_tokens(["a"], context="c", bits=bits)


def test_every_token_is_shared_by_several_people() -> None:
    rows = 5000
    bits = recommended_token_bits(rows)
    shared = Counter(INDEX.compute_tokens([f"name {i}"], context="c", bits=bits)[0] for i in range(rows))
    assert sorted(shared.values())[len(shared) // 2] >= 2


@given(st.integers(8, 10_000_000))
def test_the_length_keeps_the_planning_formula(rows: int) -> None:
    assert 2 <= rows / 2 ** recommended_token_bits(rows) <= math.sqrt(rows)


@pytest.mark.parametrize(("rows", "bits"), [(0, 1), (1, 1), (2, 1), (7, 1), (8, 2), (50_000, 11)])
def test_the_length_for_few_and_many_people(rows: int, bits: int) -> None:
    assert recommended_token_bits(rows) == bits
