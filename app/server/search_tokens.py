"""Rebuild the search tokens with another length or by new rules. The server can keep running.

While tokens of several lengths exist, every search uses all of them, and new tokens have the new length. After a change of
the rules, a search finds a record whose keys changed only when its tokens were computed again.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg
from rich.progress import Progress

from app.access.accessed_records import AccessedRecord
from app.access.acts import ActWithoutPermission
from app.access.blind_index import recommend_token_bits
from app.access.key_canaries import validate_key_ring
from app.access.keyring import KeyRing
from app.access.log import open_custodian_transaction
from app.config import Settings
from app.database.connections import connect
from app.database.errors import translate_database_errors
from app.database.urls import get_owner_url
from app.models import Child, Person, Referral
from app.models.people import StoredPersonDetails
from app.services.persons import person_details
from app.services.persons.name_matching import SEARCH_KEY_RULES

BATCH_SIZE = 200

# The lock waits for transactions that have stored tokens of the old length. A statement that waits for the lock reads the
# length afterwards, so that all later tokens have the new length.
LOCK_TOKENS_SQL = "LOCK TABLE name_tokens IN SHARE MODE"
UNSET_LENGTH_SQL = "UPDATE name_token_lengths SET is_current = false"
SET_LENGTH_SQL = """
    INSERT INTO name_token_lengths (bits, is_current, rules) VALUES ($1, true, 0)
    ON CONFLICT (bits) DO UPDATE SET is_current = true
"""
SET_RULES_SQL = "UPDATE name_token_lengths SET rules = $1 WHERE is_current"
# The row locks wait for changes of the names, and later changes wait until the tokens are replaced.
CHILDREN_SQL = """
    SELECT id, merged_into_id, identity_encrypted FROM children WHERE id > $1 ORDER BY id LIMIT $2 FOR NO KEY UPDATE
"""
MERGED_SQL = """
    SELECT id, merged_into_id, identity_encrypted FROM children WHERE merged_into_id = ANY ($1)
"""
CONTACTS_SQL = """
    SELECT id, child_id, details_encrypted FROM people WHERE child_id = ANY ($1) AND role <> 'other' AND entered_in_error_at IS NULL
"""
REFERRALS_SQL = """
    SELECT id, child_id, content_encrypted FROM referrals WHERE id > $1 ORDER BY id LIMIT $2 FOR NO KEY UPDATE
"""
STORED_TOKENS_SQL = "SELECT owner_id, token FROM name_tokens WHERE kind = ANY ($1) AND owner_id = ANY ($2)"
# Delete only tokens that existed before the names and phones were read: a concurrent request may have stored others.
DELETE_OLD_TOKENS_SQL = """
    DELETE FROM name_tokens
     WHERE owner_id = $1 AND kind = $2 AND token = ANY ($3::integer[])
       AND token NOT IN (SELECT access.shorten_tokens_to_store($4))
"""
DELETE_UNUSED_LENGTHS_SQL = """
    DELETE FROM name_token_lengths l
     WHERE NOT is_current
       AND NOT EXISTS (SELECT FROM name_tokens t WHERE t.token >= 1 << l.bits AND t.token < 2 << l.bits)
"""


class OwnerTokens(NamedTuple):
    """The computed search tokens of a child or a referral, and its stored search tokens."""

    owner_id: UUID
    kind: str
    child_id: UUID | None
    tokens: Sequence[int]
    stored_tokens: Sequence[int]


LoadTokens = Callable[[asyncpg.Connection, UUID], Awaitable[list[OwnerTokens]]]
"""Computes the tokens of the next children or referrals after an id."""


async def rebuild_search_tokens(
    settings: Settings, bits: int | None = None, *, show_progress: bool
) -> tuple[int, int]:
    """Replace all search tokens by tokens of `bits` bits, by default the recommended length for the number of children.

    If they have this length and were computed by the current rules, no token is computed. A call after an interrupted one
    starts again and completes it.

    Returns:
        The length, and the number of children and referrals whose tokens were computed.
    """
    total = 0
    with translate_database_errors(), Progress(disable=not show_progress) as progress:
        async with connect(get_owner_url(settings)) as owner:
            await validate_key_ring(owner, KeyRing.load_configured(settings))
            bits = bits or recommend_token_bits(await _count_rows(owner, "children"))
            if await _list_lengths(owner) == [(bits, SEARCH_KEY_RULES)]:
                return bits, 0
            await _set_current_length(owner, bits)
            sources = (("children", _load_children), ("referrals", _load_referrals))
            for table, load_tokens in sources:
                task = progress.add_task(table, total=await _count_rows(owner, table))
                last_id = UUID(int=0)
                while batch := await _rebuild_batch(owner, load_tokens, last_id):
                    last_id = batch[-1].owner_id
                    total += len(batch)
                    progress.advance(task, len(batch))
            async with open_custodian_transaction(owner, ActWithoutPermission.search_tokens_rebuild):
                await owner.execute(DELETE_UNUSED_LENGTHS_SQL)
                await owner.execute(SET_RULES_SQL, SEARCH_KEY_RULES)
    return bits, total


async def _count_rows(owner: asyncpg.Connection, table: str) -> int:
    async with open_custodian_transaction(owner, ActWithoutPermission.search_tokens_rebuild):
        return int(await owner.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 - names from this module


async def _list_lengths(owner: asyncpg.Connection) -> list[tuple[int, int]]:
    """Return the lengths in use, each with the version of the rules of its tokens."""
    return [tuple(row) for row in await owner.fetch("SELECT bits, rules FROM name_token_lengths")]


async def _set_current_length(owner: asyncpg.Connection, bits: int) -> None:
    async with owner.transaction():
        await owner.execute(LOCK_TOKENS_SQL)
        await owner.execute(UNSET_LENGTH_SQL)
        await owner.execute(SET_LENGTH_SQL, bits)


async def _rebuild_batch(
    owner: asyncpg.Connection, load_tokens: LoadTokens, last_id: UUID
) -> list[OwnerTokens]:
    async with open_custodian_transaction(owner, ActWithoutPermission.search_tokens_rebuild) as records:
        batch = await load_tokens(owner, last_id)
        await owner.executemany(
            DELETE_OLD_TOKENS_SQL, [(row.owner_id, row.kind, row.stored_tokens, row.tokens) for row in batch]
        )
        await owner.executemany(
            person_details.INSERT_TOKENS_SQL,
            [(row.owner_id, row.kind, row.child_id, row.tokens) for row in batch],
        )
        for row in batch:
            kind = "child" if row.kind == "child" else "referral"
            child_id = str(row.child_id) if row.child_id else None
            records.append(AccessedRecord(child_id, None, kind, str(row.owner_id)))
    return batch


async def _fetch_stored_tokens(
    owner: asyncpg.Connection, kinds: Sequence[str], rows: Sequence[asyncpg.Record]
) -> Mapping[UUID, Sequence[int]]:
    tokens: defaultdict[UUID, list[int]] = defaultdict(list)
    for row in await owner.fetch(STORED_TOKENS_SQL, kinds, [row["id"] for row in rows]):
        tokens[row["owner_id"]].append(row["token"])
    return tokens


async def _load_children(owner: asyncpg.Connection, last_id: UUID) -> list[OwnerTokens]:
    children = await owner.fetch(CHILDREN_SQL, last_id, BATCH_SIZE)
    stored_tokens = await _fetch_stored_tokens(owner, ["child"], children)
    contacts: defaultdict[UUID, list[StoredPersonDetails]] = defaultdict(list)
    for row in await owner.fetch(CONTACTS_SQL, [child["id"] for child in children]):
        contacts[row["child_id"]].append(Person.details.decrypt(row["id"], row["details_encrypted"]))
    merged_tokens: defaultdict[UUID, set[int]] = defaultdict(set)
    for row in await owner.fetch(MERGED_SQL, [child["id"] for child in children]):
        merged_tokens[row["merged_into_id"]].update(_hash_identity(row, ()))
    return [
        OwnerTokens(
            child["id"],
            "child",
            child["id"],
            # A merged child has no tokens: a search finds the child into which it was merged.
            []
            if child["merged_into_id"]
            else sorted(merged_tokens[child["id"]] | _hash_identity(child, contacts[child["id"]])),
            stored_tokens[child["id"]],
        )
        for child in children
    ]


def _hash_identity(row: asyncpg.Record, contacts: Sequence[StoredPersonDetails]) -> set[int]:
    identity = Child.identity.decrypt(row["id"], row["identity_encrypted"])
    return set(person_details.hash_child_search_keys(identity, contacts))


async def _load_referrals(owner: asyncpg.Connection, last_id: UUID) -> list[OwnerTokens]:
    batch = []
    referrals = await owner.fetch(REFERRALS_SQL, last_id, BATCH_SIZE)
    stored_tokens = await _fetch_stored_tokens(owner, ["referral", "accepted_referral"], referrals)
    for referral in referrals:
        content = Referral.content.decrypt(referral["id"], referral["content_encrypted"])
        tokens = person_details.hash_referral_search_keys(content)
        kind = "accepted_referral" if referral["child_id"] else "referral"
        stored = stored_tokens[referral["id"]]
        batch.append(OwnerTokens(referral["id"], kind, referral["child_id"], tokens, stored))
    return batch
