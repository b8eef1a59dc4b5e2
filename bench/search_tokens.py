"""Search tokens of rows that are copied into a database with tokens of the initial length."""

from collections.abc import Iterable

from app.access.blind_index import MAX_TOKEN_BITS, MIN_TOKEN_BITS


def shorten_tokens(tokens: Iterable[int]) -> set[int]:
    """Return the tokens that `access.shorten_tokens_to_store` of the database returns."""
    return {token >> (MAX_TOKEN_BITS - MIN_TOKEN_BITS) for token in tokens}
