"""Invent and encrypt the contents of cases. The content of a case depends on its seed only."""

import random
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import md5
from uuid import UUID

import asyncpg

from app.models import Case, Child, Person, Referral
from app.models.referrals import StoredCaregiver, StoredReferralContent
from app.services.persons import person_details
from bench.caseload import SUMMARY_TEXT, generate_referral

COLUMNS = {
    "number": "integer",
    "sex": "text",
    "province_code": "text",
    "kind": "text",
    "identity_encrypted": "bytea",
    "case_encrypted": "bytea",
    "referral_encrypted": "bytea",
    "person_encrypted": "bytea",
    "child_tokens": "integer[]",
    "referral_tokens": "integer[]",
}
"""Columns of the temporary table `case_contents` and their types."""

Seed = int
"""Cases with the same seed are about a child with the same name."""


def make_id(kind: str, number: int) -> UUID:
    """Return the id that the function growth.make_id of the database returns."""
    return UUID(bytes=md5(f"{kind} {number}".encode(), usedforsecurity=False).digest())


@lru_cache(maxsize=4096)
def invent_referral(seed: Seed) -> StoredReferralContent:
    """Return the content of a referral."""
    return generate_referral(random.Random(seed), seed)  # noqa: S311 - must be reproducible, not secret


def _get_caregiver(referral: StoredReferralContent) -> StoredCaregiver:
    """Return the caregiver of a generated referral, or raise LookupError if it has none."""
    if (caregiver := referral["caregiver"]) is None:
        raise LookupError
    return caregiver


@lru_cache(maxsize=4096)
def _compute_tokens(seed: Seed) -> tuple[list[int], list[int]]:
    """Return the search tokens of the child of a case, and those of its referral."""
    referral = invent_referral(seed)
    child_tokens = person_details.hash_child_search_keys(referral["child"], [_get_caregiver(referral)])
    return child_tokens, person_details.hash_referral_search_keys(referral)


def _build_row(number: int, seed: Seed) -> tuple[object, ...]:
    referral = invent_referral(seed)
    child = referral["child"]
    return (
        number,
        child["sex"],
        child["place_code"],
        referral["concern"]["kind"],
        Child.identity.encrypt(make_id("child", number), child),
        Case.content.encrypt(make_id("case", number), {"summary": SUMMARY_TEXT[number % 40 :]}),
        Referral.content.encrypt(make_id("referral", number), referral),
        Person.details.encrypt(make_id("person", number), _get_caregiver(referral)),  # type: ignore[arg-type]
        *_compute_tokens(seed),
    )


def _build_rows(seeds: Iterable[tuple[int, Seed]]) -> Iterator[tuple[object, ...]]:
    return (_build_row(number, seed) for number, seed in seeds)


async def copy_contents(connection: asyncpg.Connection, seeds: Iterable[tuple[int, Seed]]) -> None:
    """Create the temporary table `case_contents` with one row per pair of case number and seed.

    The table is dropped at the end of the transaction.
    """
    columns = ", ".join(f"{name} {column_type}" for name, column_type in COLUMNS.items())
    await connection.execute(f"CREATE TEMPORARY TABLE case_contents ({columns}) ON COMMIT DROP")
    await connection.copy_records_to_table(
        "case_contents", columns=tuple(COLUMNS), records=_build_rows(seeds)
    )
    await connection.execute("ANALYZE case_contents")
