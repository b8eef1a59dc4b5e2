"""A 409 `already-exists` names the existing record that the caller can see. Records of a child are in `test_hidden_references`."""

import itertools
import uuid
from typing import Any

import httpx
from fastapi import FastAPI

from app.http.existing_records import NATURAL_KEYS
from app.kit.dates import today
from tests.support.endpoints import list_endpoints
from tests.support.fund import create_fund, usd
from tests.support.outreach import ATTACHMENT_PAYLOAD, AWARENESS_PAYLOAD, create_activity
from tests.support.payloads import HOSPITAL_PAYLOAD
from tests.support.record_references import list_body_id_fields
from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario, id_of, referral_payload
from tests.support.supervision import AGREED_ACTION_PAYLOAD, MEETINGS, create_meeting, meeting_payload

FUND_PAYLOAD = {
    "name": "Winter fund", "donor": "Friends", "currency": "USD", "starts_on": "2026-01-01", "categories": ["transport"],
}  # fmt: skip
USER_PAYLOAD = {"name": "Sok Dara", "roles": ["me_officer"], "email": "Sok.Dara@fsc.example"}
LIMIT_PAYLOAD = {
    "role": "supervisor", "act": "approve", "currency": "USD", "amount": usd("1.00"), "starts_on": "2027-01-01",
}  # fmt: skip
IDS_WITHOUT_PATH = {
    "POST /v1/me/calendar-feeds",  # a feed has no path of its own: the client knows the id, and the list contains the feed
}


PERIODS = (f"{year}-Q1" for year in itertools.count(2001))


def expect_existing_record(response: httpx.Response, record_id: str, path: str | None) -> None:
    problem = expect_json(response, 409)
    assert problem["type"] == "urn:firststep:problem:already-exists"
    assert (problem.get("id"), response.headers.get("location")) == (record_id, path)


def list_creations(
    fund: dict[str, Any], activity: dict[str, Any], meeting: dict[str, Any], scenario: Scenario
) -> dict[str, tuple[AuthenticatedClient, str, dict[str, Any]]]:
    """Return client, path and payload of every creation of a record without a child whose id the client can choose."""
    admin, finance, fund_path = scenario.admin, scenario.finance, f"/v1/funds/{fund['id']}"
    question = {"id": "joy", "text": {"en": "Joy", "km": "រីករាយ"}, "options": [
        {"value": value, "label": {"en": f"Option {value}", "km": "ជម្រើស"}} for value in (0, 1)
    ]}  # fmt: skip
    definition = {
        "title": {"en": "Mood", "km": "អារម្មណ៍"}, "rule": "sum", "items": [question], "bands": [], "subscales": [],
    }  # fmt: skip
    transfer = {"from_line": "general", "to_line": "transport", "amount": usd("1.00"), "reason": "Buses."}
    api_client = {"agency_id": str(id_of("Safe Steps")), "name": "CMS", "scopes": ["referrals"]}
    deposit = {"amount": usd("5.00"), "received_on": today().isoformat(), "reference": str(uuid.uuid4())}
    return {
        "POST /v1/agencies": (admin, "/v1/agencies", {"name": str(uuid.uuid4()), "kind": "partner"}),
        "POST /v1/api-clients": (admin, "/v1/api-clients", api_client),
        "POST /v1/donor-grants": (
            finance,
            "/v1/donor-grants",
            {"code": uuid.uuid4().hex, "name": "Recovery", "donor": "Foundation"},
        ),
        "POST /v1/funds": (finance, "/v1/funds", {**FUND_PAYLOAD, "name": str(uuid.uuid4())}),
        "POST /v1/funds/{fund_id}/deposits": (finance, f"{fund_path}/deposits", deposit),
        "POST /v1/funds/{fund_id}/transfers": (finance, f"{fund_path}/transfers", transfer),
        "POST /v1/instruments": (admin, "/v1/instruments", {"code": "mood", "definition": definition}),
        "POST /v1/outreach-activities": (scenario.worker_north, "/v1/outreach-activities", AWARENESS_PAYLOAD),
        "POST /v1/outreach-activities/{outreach_activity_id}/attachments": (
            scenario.worker_north,
            f"/v1/outreach-activities/{activity['id']}/attachments",
            ATTACHMENT_PAYLOAD,
        ),
        "POST /v1/providers": (admin, "/v1/providers", HOSPITAL_PAYLOAD),
        "POST /v1/report-runs": (
            finance,
            "/v1/report-runs",
            {"reports": [{"name": "fund_use"}], "first_day": "2026-01-01", "last_day": "2026-03-31"},
        ),
        "POST /v1/releases": (
            scenario.me_officer,
            "/v1/releases",
            {"period": next(PERIODS), "tables": ["exits"]},
        ),
        "POST /v1/supervision-meetings": (scenario.supervisor_north, MEETINGS, meeting_payload()),
        "POST /v1/supervision-meetings/{supervision_meeting_id}/actions": (
            scenario.supervisor_north,
            f"{MEETINGS}/{meeting['id']}/actions",
            AGREED_ACTION_PAYLOAD,
        ),
        "POST /v1/teams": (admin, "/v1/teams", {"name": str(uuid.uuid4())}),
        "POST /v1/users": (admin, "/v1/users", {**USER_PAYLOAD, "email": f"{uuid.uuid4()}@fsc.example"}),
    }


async def test_taken_id_of_a_record_without_a_child_returns_the_existing_record(
    scenario: Scenario, app: FastAPI
) -> None:
    # Catches: `add_existing_record` for referrals only, and no creation of providers in the list of this test.
    fund = await create_fund(scenario, lines=[{"category": "transport", "budget": usd("50.00")}])
    activity = await create_activity(scenario)
    meeting = await create_meeting(scenario)
    first, second = [list_creations(fund, activity, meeting, scenario) for _ in range(2)]
    for endpoint, (client, path, payload) in first.items():
        created = await client.post(path, {**payload, "id": str(uuid.uuid4())})
        record_id = expect_json(created, 202 if "report-runs" in endpoint else 201)["id"]
        assert created.headers["location"].rpartition("/")[2] == record_id, endpoint
        again = await client.post(path, {**second[endpoint][2], "id": record_id})
        expect_existing_record(again, record_id, created.headers["location"])
        expect_json(await client.get(again.headers["location"]))
    choosable = {
        str(endpoint)
        for endpoint in list_endpoints(app)
        if endpoint.method == "POST" and "/id" in list_body_id_fields(app, endpoint)
    }
    about_children = {name for name in choosable if " /v1/cases/" in name or " /v1/support-sessions/" in name}
    about_children |= {
        "POST /v1/care-plans/{plan_id}/areas/{area}/goals", "POST /v1/disbursements", "POST /v1/goals/{goal_id}/actions",
        "POST /v1/referrals",
    }  # fmt: skip
    assert choosable - about_children - IDS_WITHOUT_PATH == set(first)


async def test_conflict_with_an_existing_record_returns_its_id(scenario: Scenario) -> None:
    # Catches: the email address compared as it is typed, and `NATURAL_KEYS` without the exchange rates.
    admin, finance = scenario.admin, scenario.finance
    rate = {"on": today().isoformat(), "rate": "4100", "source": "National Bank"}
    creations: dict[str, tuple[AuthenticatedClient, dict[str, Any], dict[str, Any]]] = {
        "agencies": (admin, {"name": "Light", "kind": "partner"}, {"name": "  LIGHT\u200b ", "kind": "provider"}),
        "approval-limits": (admin, LIMIT_PAYLOAD, {**LIMIT_PAYLOAD, "amount": usd("2.00")}),
        "donor-grants": (
            finance, {"code": "EF-1", "name": "One", "donor": "A"}, {"code": "EF-1", "name": "Two", "donor": "B"},
        ),
        "exchange-rates": (finance, rate, {**rate, "rate": "4101"}),
        "funds": (finance, FUND_PAYLOAD, {**FUND_PAYLOAD, "name": "winter  Fund", "donor": "Others"}),
        "referrals": (
            scenario.partner_one, referral_payload(external_id="B/1"), referral_payload(external_id=" B/1\u200b"),
        ),
        "teams": (admin, {"name": "West"}, {"name": "west\u200b", "id": str(uuid.uuid4())}),
        "users": (admin, USER_PAYLOAD, {**USER_PAYLOAD, "email": "sok.dara@FSC.example"}),
    }  # fmt: skip
    assert set(creations) == set(NATURAL_KEYS)
    for segment, (client, payload, repeated) in creations.items():
        created = await client.post(f"/v1/{segment}", payload)
        body = expect_json(created, created.status_code)
        assert created.is_success, segment
        record_id = (body.get("effective") or body)["id"]
        response = await client.post(f"/v1/{segment}", repeated)
        expect_existing_record(response, record_id, created.headers.get("location"))


async def test_error_for_a_taken_name_contains_the_existing_record(scenario: Scenario) -> None:
    # Catches: `add_existing_record` for POST only.
    taken, renamed = [
        await scenario.admin.post("/v1/teams", {"name": name}) for name in ("West", "Upper West")
    ]
    response = await scenario.admin.patch(
        renamed.headers["location"], {"name": "West"}, etag=renamed.headers["etag"]
    )
    expect_existing_record(response, taken.json()["id"], taken.headers["location"])


async def test_existing_record_that_the_caller_cannot_see_is_not_named(scenario: Scenario) -> None:
    # Catches: the agency of the natural key taken from the body instead of the caller.
    first = referral_payload(external_id="C/1", id=str(uuid.uuid4()))
    expect_json(await scenario.partner_one.post("/v1/referrals", first), 201)
    hidden = await scenario.partner_two.post("/v1/referrals", {**first, "external_id": "C/2"})
    problem = expect_json(hidden, 409)
    assert ("id" in problem, "location" in hidden.headers) == (False, False)
