import hmac
import math
import os
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.blind_index import BlindIndex, recommend_token_bits

INDEX = BlindIndex(b"k" * 32)


def test_token_is_prefix_of_hmac_over_context_and_search_key() -> None:
    message = (len(b"child.name")).to_bytes(2, "big") + b"child.name" + "សុខា".encode()
    digest = hmac.new(b"k" * 32, message, "sha256").digest()
    assert INDEX.compute_tokens(["សុខា"], context="child.name", bits=12) == [digest[0] << 4 | digest[1] >> 4]


@given(st.lists(st.text()), st.integers(1, 31))
def test_tokens_are_in_range_sorted_unique_and_deterministic(keys: list[str], bits: int) -> None:
    tokens = INDEX.compute_tokens(keys, context="c", bits=bits)
    assert tokens == sorted(set(tokens)) == INDEX.compute_tokens(reversed(keys), context="c", bits=bits)
    assert all(0 <= token < 2**bits for token in tokens)
    assert len(tokens) <= len(set(keys))


def test_tokens_differ_between_contexts_and_between_keys() -> None:
    names = [f"name {i}" for i in range(200)]
    equal_tokens = sum(
        INDEX.compute_tokens([n], context="a", bits=24) == INDEX.compute_tokens([n], context="b", bits=24)
        for n in names
    )
    other = BlindIndex(os.urandom(32))
    equal_tokens += sum(
        INDEX.compute_tokens([n], context="a", bits=24) == other.compute_tokens([n], context="a", bits=24)
        for n in names
    )
    assert equal_tokens <= 1


def test_tokens_depend_on_boundary_between_context_and_search_key() -> None:
    assert INDEX.compute_tokens(["bc"], context="a", bits=31) != INDEX.compute_tokens(
        ["c"], context="ab", bits=31
    )


@given(st.text())
def test_shorter_token_is_prefix_of_longer_token(key: str) -> None:
    (short,), (long,) = (INDEX.compute_tokens([key], context="c", bits=bits) for bits in (8, 15))
    assert long >> 7 == short


@pytest.mark.parametrize("bits", [-1, 0, 32, 256])
def test_number_of_bits_out_of_range_is_rejected(bits: int) -> None:
    with pytest.raises(ValueError, match="bits"):
        INDEX.compute_tokens(["a"], context="c", bits=bits)


def test_median_token_is_shared_by_several_names() -> None:
    rows = 5000
    bits = recommend_token_bits(rows)
    names_per_token = Counter(
        INDEX.compute_tokens([f"name {i}"], context="c", bits=bits)[0] for i in range(rows)
    )
    assert sorted(names_per_token.values())[len(names_per_token) // 2] >= 2


@given(st.integers(8, 10_000_000))
def test_recommended_length_is_within_bounds(rows: int) -> None:
    assert 2 <= rows / 2 ** recommend_token_bits(rows) <= math.sqrt(rows)


@pytest.mark.parametrize(("rows", "bits"), [(0, 1), (1, 1), (2, 1), (7, 1), (8, 2), (50_000, 11)])
def test_recommended_length_for_number_of_people(rows: int, bits: int) -> None:
    assert recommend_token_bits(rows) == bits
