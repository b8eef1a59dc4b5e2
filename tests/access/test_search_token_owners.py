"""Hand-written SQL with the database password of the API cannot give search tokens to records of other callers."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.support.payloads import BREAK_GLASS_PAYLOAD
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json
from tests.support.scenario import Scenario

INSERT = "INSERT INTO name_tokens (owner_id, token, kind, child_id) VALUES ($1, 5000, $2, $3)"


async def test_tokens_can_be_inserted_only_for_records_of_the_caller(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: the triggers of name_tokens removed.
    case = await scenario.open_case("worker_north")
    child_id, referral_id = UUID(case["child_id"]), UUID(case["referral_id"])
    pending_id = UUID((await scenario.create_referral())["id"])
    permitted = {
        "worker_north": {(child_id, "child", child_id), (referral_id, "accepted_referral", child_id)},
        "supervisor_north": {
            (child_id, "child", child_id), (referral_id, "accepted_referral", child_id), (pending_id, "referral", None),
        },
        "worker_south": set(), "partner_one": {(pending_id, "referral", None)}, "partner_two": set(), "finance": set(),
    }  # fmt: skip
    rows = [
        (owner, kind, child)
        for owner in (child_id, referral_id, pending_id, uuid4())
        for kind in ("child", "referral", "accepted_referral", "other")
        for child in (child_id, owner, None)
    ]
    for caller, own_rows in permitted.items():
        inserted = set()
        for row in dict.fromkeys(rows):
            async with open_transaction_as(api_connection, caller, act="referral.accept"):
                try:
                    await api_connection.execute(INSERT, *row)
                except asyncpg.InsufficientPrivilegeError:
                    continue
            inserted.add(row)
        assert inserted == own_rows, caller


async def test_tokens_cannot_move_to_another_record(scenario: Scenario, api_connection: Any) -> None:
    # Catches: GRANT UPDATE on all columns; the trigger of updates removed.
    own = await scenario.open_case("worker_north")
    other = await scenario.open_case("worker_south")
    other_id = UUID(other["child_id"])
    changes: dict[str, object] = {
        "owner_id": other_id,
        "token": 5000,
        "child_id": other_id,
        "kind": "referral",
    }
    for column, value in changes.items():
        change = f"UPDATE name_tokens SET {column} = $1 WHERE owner_id = $2"  # noqa: S608 - columns of this test
        async with open_transaction_as(api_connection, "worker_north"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await api_connection.execute(change, value, UUID(own["child_id"]))


async def test_break_glass_reader_cannot_delete_the_tokens_of_a_child(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: the policy `delete_with_owner` without `access.is_case_staff`.
    case = await scenario.open_case("worker_north")
    expect_json(await scenario.worker_south.post(f"/v1/cases/{case['id']}/break-glass", BREAK_GLASS_PAYLOAD))
    delete = "DELETE FROM name_tokens WHERE owner_id = $1"
    for caller, is_deleted in (("worker_south", False), ("worker_north", True)):
        async with open_transaction_as(api_connection, caller):
            assert (await api_connection.execute(delete, UUID(case["child_id"])) != "DELETE 0") is is_deleted
