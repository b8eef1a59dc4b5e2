"""Search tokens of rows that are copied into a database with tokens of the initial length."""

from app.access.blind_index import MAX_TOKEN_BITS, MIN_TOKEN_BITS
from app.services.persons import person_details


def compute_stored_tokens(keys: set[str]) -> set[int]:
    """Return the tokens that `access.list_stored_tokens` of the database returns."""
    return {token >> (MAX_TOKEN_BITS - MIN_TOKEN_BITS) for token in person_details.hash_search_keys(keys)}
