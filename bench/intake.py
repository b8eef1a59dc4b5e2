"""Generate referrals that wait for a supervisor, for measurements of the search for possible duplicates."""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from app.models import MatchingAllowance, Referral
from app.models.referrals import StoredReferralContent
from app.services.persons import person_details
from bench.caseload import RECORD_COLUMNS, InventedCase, Organisation, Row, generate_referral
from bench.search_tokens import shorten_tokens

REFERRAL_COUNT = 25
KNOWN_CHILD_INTERVAL = 5
"""Every fifth referral is about a child that has a case."""
REFERRAL_COLUMNS = (
    *RECORD_COLUMNS, "agency_id", "external_id", "tracking_number", "source", "urgency", "concern_kind", "status",
    "received_at", "updated_at", "province_code", "identity_changed_by_staff", "content_encrypted",
)  # fmt: skip


class PendingReferral(NamedTuple):
    """A referral without a case, and its content."""

    number: int
    id: UUID
    content: StoredReferralContent


async def fill_pending_referrals(
    connection: asyncpg.Connection, organisation: Organisation, cases: Sequence[InventedCase]
) -> list[UUID]:
    """Insert received referrals without a team, encrypted, as the administrator role, and return their ids."""
    referrals = list(_generate_pending_referrals(organisation, cases))
    now = datetime.now(UTC)
    rows = [_build_row(referral, organisation.agency_id, now) for referral in referrals]
    await connection.copy_records_to_table("referrals", columns=REFERRAL_COLUMNS, records=rows)
    await connection.copy_records_to_table(
        "matching_allowances",
        columns=("id", "referral_id", "allowed_by_id", "allowed_at", "reason_encrypted"),
        records=[_build_allowance(referral, organisation) for referral in referrals],
    )
    tokens = [row for referral in referrals for row in _build_tokens(referral)]
    await connection.copy_records_to_table(
        "name_tokens", columns=("owner_id", "token", "kind"), records=tokens
    )
    return [referral.id for referral in referrals]


def _generate_pending_referrals(
    organisation: Organisation, cases: Sequence[InventedCase]
) -> Iterator[PendingReferral]:
    rng = random.Random(11)  # noqa: S311 - must be reproducible, not secret
    for number in range(REFERRAL_COUNT):
        if number % KNOWN_CHILD_INTERVAL:
            content = generate_referral(rng, number)
        else:
            content = cases[len(cases) * number // REFERRAL_COUNT].referral
        yield PendingReferral(number, organisation.generate_id(), content)


def _build_row(referral: PendingReferral, agency_id: UUID, now: datetime) -> Row:
    content = referral.content
    return (
        referral.id, now, 1, agency_id, f"pending-{referral.number}", f"R-NEW-{referral.number:05d}", "api",
        content["urgency"], content["concern"]["kind"], "received", now, now, content["child"]["place_code"], False,
        Referral.content.encrypt(referral.id, content),
    )  # fmt: skip


def _build_allowance(referral: PendingReferral, organisation: Organisation) -> Row:
    """Allow all comparisons of a referral, so that the limit per day does not stop the measurement."""
    allowance_id = organisation.generate_id()
    reason = MatchingAllowance.reason.encrypt(allowance_id, "Measurement")
    end_of_time = datetime(9999, 1, 1, tzinfo=UTC)
    return (allowance_id, referral.id, organisation.manager_id, end_of_time, reason)


def _build_tokens(referral: PendingReferral) -> list[Row]:
    tokens = person_details.hash_referral_search_keys(referral.content)
    return [(referral.id, token, "referral") for token in shorten_tokens(tokens)]
