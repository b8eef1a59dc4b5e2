"""Payloads of pending changes that SQL with the API's password tries to store."""

import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.access.permissions import Role
from app.access.roles import ROLE_BY_SCOPE
from tests.support.raw_sql import open_access, set_access
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of

REQUEST_QUERY = "SELECT access.request_change($1, $2, $3, $4)"
STAFF_ROLES = sorted(set(Role) - set(ROLE_BY_SCOPE.values()))
PERSON, CLIENT = id_of("worker_north"), id_of("partner_one")
RIGHTS: dict[str, Any] = {"roles": ["supervisor"], "supervised_team_ids": [str(id_of("north"))]}
LIMIT: dict[str, Any] = {
    "role": "supervisor", "act": "approve", "currency": "USD", "amount": 900000, "starts_on": "2030-01-01"
}  # fmt: skip
ACCESS: dict[str, Any] = {"scopes": ["referrals"], "public_key": None, "is_active": True}
ACCESS_CHANGE: dict[str, Any] = {**ACCESS, "current": ACCESS}
SECRET: dict[str, Any] = {"id": str(CLIENT), "digest": "00ff", "scopes": ["referrals"], "is_active": True}
RESET: dict[str, Any] = {"password_hash": "x", "remove_second_factor": False}
RATE: dict[str, Any] = {
    "on": "2026-11-02", "riel_hundredths": 450000, "source": "Bank", "published_hundredths": None,
    "disbursement_number": None,
}  # fmt: skip
PAYMENT_RATE: dict[str, Any] = {**RATE, "published_hundredths": 410000, "disbursement_number": "A-2026-00001"}
PAYMENT_DATE: dict[str, Any] = {"paid_on": "2026-11-02", "disbursement_number": "A-2026-00001"}
CALLERS = dict.fromkeys(("exchange_rate", "payment_rate", "payment_date"), "finance")
"""Requesters of the kinds that an administrator cannot request."""
ACTS = {
    "exchange_rate": "exchange_rate.record",
    "payment_rate": "disbursement.pay",
    "payment_date": "disbursement.pay",
    "approval_limit": "approval_limit.set",
    "api_client": "api_client.manage",
    "api_client_secret": "api_client.manage",
}
Change = tuple[str, UUID | None, UUID | None, Any]
VALID: list[Change] = [
    ("rights", PERSON, None, RIGHTS),
    ("rights", PERSON, None, {"roles": [], "supervised_team_ids": []}),
    ("rights", PERSON, None, {**RIGHTS, "roles": STAFF_ROLES}),
    ("reactivation", PERSON, None, {}),
    ("password_reset", PERSON, None, RESET),
    ("approval_limit", None, None, LIMIT),
    ("approval_limit", None, None, {**LIMIT, "amount": None}),
    ("approval_limit", None, None, {**LIMIT, "act": "approve_case_month"}),
    ("exchange_rate", None, None, RATE),
    ("payment_rate", None, CLIENT, PAYMENT_RATE),
    ("payment_date", None, CLIENT, PAYMENT_DATE),
    ("api_client", None, CLIENT, ACCESS_CHANGE),
    ("api_client_secret", None, CLIENT, SECRET),
]
MALFORMED: list[Change] = [
    ("rights", PERSON, None, {}),
    ("rights", PERSON, None, []),
    ("rights", PERSON, None, "text"),
    ("rights", None, None, RIGHTS),
    ("rights", PERSON, None, {**RIGHTS, "roles": "supervisor"}),
    ("rights", PERSON, None, {**RIGHTS, "roles": ["owner"]}),
    ("rights", PERSON, None, {**RIGHTS, "roles": [1]}),
    ("rights", PERSON, None, {**RIGHTS, "supervised_team_ids": [1]}),
    ("rights", PERSON, None, {**RIGHTS, "supervised_team_ids": ["north"]}),
    ("reactivation", None, None, {}),
    ("password_reset", PERSON, None, {**RESET, "remove_second_factor": "no"}),
    ("password_reset", PERSON, None, {"remove_second_factor": True}),
    ("approval_limit", None, None, {**LIMIT, "amount": "many"}),
    ("approval_limit", None, None, {**LIMIT, "amount": -1}),
    ("approval_limit", None, None, {**LIMIT, "amount": 1.5}),
    ("approval_limit", None, None, {**LIMIT, "currency": "EUR"}),
    ("approval_limit", None, None, {**LIMIT, "act": "pay"}),
    ("approval_limit", None, None, {**LIMIT, "starts_on": "2030-02-31"}),
    ("approval_limit", None, None, {**LIMIT, "starts_on": 2030}),
    ("approval_limit", None, None, {**LIMIT, "note": "x"}),
    ("approval_limit", None, None, {name: LIMIT[name] for name in ("role", "act", "currency", "starts_on")}),
    ("exchange_rate", None, CLIENT, RATE),
    ("exchange_rate", None, None, {**RATE, "riel_hundredths": "450000"}),
    ("exchange_rate", None, None, {**RATE, "riel_hundredths": 0}),
    ("exchange_rate", None, None, {**RATE, "on": "2026-02-30"}),
    ("exchange_rate", None, None, {**RATE, "source": None}),
    ("exchange_rate", None, None, {**RATE, "note": "x"}),
    ("exchange_rate", None, None, {}),
    ("payment_rate", None, None, PAYMENT_RATE),
    ("payment_rate", None, CLIENT, RATE),
    ("payment_date", None, None, PAYMENT_DATE),
    ("payment_date", None, CLIENT, {**PAYMENT_DATE, "paid_on": "2026-02-30"}),
    ("payment_date", None, CLIENT, {"paid_on": "2026-11-02"}),
    ("payment_date", None, CLIENT, {**PAYMENT_DATE, "note": "x"}),
    ("api_client", None, None, ACCESS_CHANGE),
    ("api_client", None, CLIENT, ACCESS),
    ("api_client", None, CLIENT, {**ACCESS_CHANGE, "scopes": ["cases"]}),
    ("api_client", None, CLIENT, {**ACCESS_CHANGE, "public_key": {}}),
    ("api_client", None, CLIENT, {**ACCESS_CHANGE, "current": None}),
    ("api_client_secret", None, CLIENT, {**SECRET, "digest": "no hex"}),
    ("api_client_secret", None, CLIENT, {**SECRET, "is_active": None}),
    ("api_client_secret", None, CLIENT, {}),
]


async def request_change(connection: Any, change: Change) -> None:
    kind, person_id, record_id, payload = change
    access = await open_access(connection, CALLERS.get(kind, "admin"), ACTS.get(kind, "user.manage"))
    async with connection.transaction():
        await set_access(connection, access)
        await connection.fetchval(REQUEST_QUERY, kind, person_id, record_id, json.dumps(payload))


@pytest.mark.parametrize("change", MALFORMED, ids=str)
async def test_malformed_payload_is_rejected(scenario: Scenario, api_connection: Any, change: Change) -> None:
    # Catches: the constraint ck_pending_changes_payload removed. The list of pending changes responded with 500.
    del scenario
    with pytest.raises((asyncpg.CheckViolationError, asyncpg.DataError)):
        await request_change(api_connection, change)


@pytest.mark.parametrize("change", VALID, ids=str)
async def test_well_formed_payload_is_listed(scenario: Scenario, api_connection: Any, change: Change) -> None:
    await request_change(api_connection, change)
    (listed,) = expect_json(await scenario.dpo.get("/v1/pending-changes"))["items"]
    assert listed["kind"] == change[0]
