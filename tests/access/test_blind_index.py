import hmac
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.blind_index import MAX_TOKEN_BITS, MIN_TOKEN_BITS, BlindIndex, recommend_token_bits

INDEX = BlindIndex(b"k" * 32)


def test_token_is_a_one_bit_followed_by_the_first_bits_of_the_hmac() -> None:
    # HKDF-Expand (RFC 5869) of one block: HMAC(key, info || 0x01).
    token_key = hmac.new(b"k" * 32, b"search tokens of child\x01", "sha256").digest()
    digest = hmac.new(token_key, "សុខា".encode(), "sha256").digest()
    prefix = digest[0] << 10 | digest[1] << 2 | digest[2] >> 6
    assert INDEX.compute_tokens(["សុខា"], context="child") == [1 << 18 | prefix]


@given(st.lists(st.text()))
def test_tokens_do_not_depend_on_the_order_of_the_keys(keys: list[str]) -> None:
    tokens = INDEX.compute_tokens(keys, context="c")
    assert tokens == INDEX.compute_tokens(reversed(keys), context="c")


@given(st.lists(st.text()))
def test_tokens_are_sorted_and_distinct(keys: list[str]) -> None:
    tokens = INDEX.compute_tokens(keys, context="c")
    assert tokens == sorted(set(tokens))
    assert len(tokens) <= len(set(keys))


@given(st.text())
def test_computed_token_has_the_maximum_length(key: str) -> None:
    (token,) = INDEX.compute_tokens([key], context="c")
    assert token >> MAX_TOKEN_BITS == 1


def test_tokens_differ_between_contexts_and_between_keys() -> None:
    names = [f"name {i}" for i in range(200)]
    other = BlindIndex(os.urandom(32))
    equal_tokens = sum(
        INDEX.compute_tokens([n], context="a")
        in (INDEX.compute_tokens([n], context="b"), other.compute_tokens([n], context="a"))
        for n in names
    )
    assert equal_tokens <= 1


def test_tokens_depend_on_boundary_between_context_and_search_key() -> None:
    assert INDEX.compute_tokens(["bc"], context="a") != INDEX.compute_tokens(["c"], context="ab")


@pytest.mark.parametrize(
    ("people", "bits"),
    [
        (0, 12),
        (8_191, 12),
        (10_000, 12),
        (16_383, 12),
        (16_384, 13),
        (100_000, 15),
        (1_000_000, 18),
        (10**8, 18),
    ],
)
def test_recommended_token_length_depends_on_the_number_of_people(people: int, bits: int) -> None:
    assert recommend_token_bits(people) == bits


async def test_database_shortens_tokens_to_the_current_length(superuser_connection: Any) -> None:
    # Catches: `access.shorten_tokens_to_store` shifts by 17 bits less the length.
    (token,) = INDEX.compute_tokens(["a"], context="c")
    for bits in range(MIN_TOKEN_BITS, MAX_TOKEN_BITS + 1):
        await superuser_connection.execute("UPDATE name_token_lengths SET bits = $1", bits)
        expected = {token >> (MAX_TOKEN_BITS - bits), (token ^ 1) >> (MAX_TOKEN_BITS - bits)}
        for function in ("shorten_tokens_to_store", "shorten_tokens_to_search"):
            rows = await superuser_connection.fetch(f"SELECT access.{function}($1)", [token, token ^ 1])
            assert sorted(row[0] for row in rows) == sorted(expected)
