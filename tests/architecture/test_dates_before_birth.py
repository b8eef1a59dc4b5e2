"""Every date of a record of a child is rejected if it is before the birth of the child, in every request that contains one."""

from typing import Any

from tests.support.case_lifecycle import ACTION_PAYLOAD, GOAL_PAYLOAD, create_care_plan_draft
from tests.support.contract_dates import DOCUMENT, iter_dates
from tests.support.endpoint_samples import create_complete_case, fill_ids, write_payloads
from tests.support.payloads import VITAL_INTEREST_BASIS
from tests.support.referrals import create_referral_after_acts
from tests.support.responses import parse_unmet_pointers
from tests.support.scenario import Scenario, acceptance_payload
from tests.support.service_referrals import create_provider

# The child of a test referral is born on 4 May 2015.
DAY = "2015-05-03"
TIME = f"{DAY}T05:00:00Z"
BASIS = {**VITAL_INTEREST_BASIS, "on": DAY}
BEFORE_BIRTH: dict[str, dict[str, Any]] = {
    "POST /v1/cases/{case_id}/consents": {"on": DAY, "basis_without_consent": BASIS},
    "POST /v1/cases/{closed_case_id}/reopen": {"consent": {"basis_without_consent": BASIS}},
    "POST /v1/cases/{case_id}/service-referrals": {"basis_without_consent": BASIS},
    "PATCH /v1/service-referrals/{service_referral_id}": {"consent_id": None, "basis_without_consent": BASIS},
    "POST /v1/cases/{case_id}/support-sessions": {"held_at": TIME, "planned_at": TIME},
    "PATCH /v1/support-sessions/{support_session_id}": {"held_at": TIME, "planned_at": TIME},
    "POST /v1/cases/{case_id}/support-sessions/series": {"first_at": TIME},
    "POST /v1/cases/{case_id}/legal-steps": {"on": DAY},
    "PATCH /v1/legal-steps/{legal_step_id}": {"on": DAY},
    "PATCH /v1/reviews/{review_id}": {"held_on": DAY},
    "POST /v1/care-plans/{draft_plan_id}/areas/{area}/goals": {
        "actions": [{**ACTION_PAYLOAD, "due_on": DAY}]
    },
    "POST /v1/goals/{draft_goal_id}/actions": {"due_on": DAY},
    "PATCH /v1/actions/{action_id}": {"due_on": DAY, "done_on": DAY, "status": "done"},
    "PUT /v1/cases/{case_id}/exit-plan": {"ends_on": DAY, "taper": [{"from": DAY, "contacts_per_month": 1}]},
}
"""The requests with dates of a record of a child, with the fields that replace those of a valid payload."""
STRICTER_RULES = {
    "POST /v1/cases/{case_id}/extend": "after the end of the 24 months",
    "POST /v1/cases/{case_id}/feedback": "on or after the opening of the case",
    "POST /v1/cases/{case_id}/follow-ups": "on or after the closing of the case",
    "PATCH /v1/follow-ups/{follow_up_id}": "on or after the closing of the case",
    "POST /v1/cases/{case_id}/reviews": "today or later",
    "POST /v1/disbursements": "today or later",
    "POST /v1/disbursements/{disbursement_id}/pay": "on or after the request",
    "POST /v1/disbursements/{disbursement_id}/request-payment-date": "on or after the request",
    "POST /v1/referrals": "the intake warns, and the acceptance checks again",
    "PATCH /v1/referrals/{referral_id}": "as for a new referral",
    "PATCH /v1/children/{child_id}": "the birth itself",
    "POST /v1/cases/{case_id}/people": "the birth of another person",
    "PATCH /v1/people/{person_id}": "the birth of another person",
}
NOT_ABOUT_A_CHILD = (
    "approval-limits", "books-closings", "exchange-rates", "funds", "outreach-activities", "providers", "report-runs",
    "supervision-actions", "supervision-meetings",
)  # fmt: skip
PLACEHOLDERS = {"closed_case_id": "case_id", "draft_plan_id": "plan_id", "draft_goal_id": "goal_id"}


def list_dated_requests() -> set[str]:
    """Return the requests whose body can contain a date of a record of a child."""
    return {
        f"{method.upper()} {path}"
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
        for media in operation.get("requestBody", {}).get("content", {}).values()
        if path.split("/")[2] not in NOT_ABOUT_A_CHILD and [*iter_dates(media["schema"], "", set())]
    }


def list_date_pointers(value: Any, pointer: str = "") -> set[str]:
    """Return the pointers of the dates before the birth in a payload."""
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {found for key, item in items for found in list_date_pointers(item, f"{pointer}/{key}")}
    return {pointer} if value in {DAY, TIME} else set()


def replace_fields(payload: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return the payload with other values. The fields of `consent` are replaced one by one."""
    nested = {"consent": {**payload["consent"], **changes["consent"]}} if "consent" in changes else {}
    return {**payload, **changes, **nested}


def test_every_request_with_a_date_is_known() -> None:
    names = {name: f"{{{generic}}}" for name, generic in PLACEHOLDERS.items()}
    endpoints = set(BEFORE_BIRTH)
    for special, generic in names.items():
        endpoints = {endpoint.replace(f"{{{special}}}", generic) for endpoint in endpoints}
    assert endpoints | set(STRICTER_RULES) == list_dated_requests()


async def test_date_before_the_birth_is_rejected_in_every_request(scenario: Scenario) -> None:
    # Catches: each call of validate_after_birth() removed.
    ids = await create_complete_case(scenario)
    _, draft = await create_care_plan_draft(scenario)
    worker, area = scenario.worker_north, "emotional_health"
    goal = await worker.post(f"/v1/care-plans/{draft['id']}/areas/{area}/goals", GOAL_PAYLOAD)
    ids |= {"draft_plan_id": draft["id"], "draft_goal_id": goal.json()["id"], "area": area}
    ids |= {"closed_case_id": ids["closed_case"]["id"], "provider_id": await create_provider(scenario)}
    for endpoint, changes in BEFORE_BIRTH.items():
        method, _, template = endpoint.partition(" ")
        generic = endpoint
        for special, name in PLACEHOLDERS.items():
            generic = generic.replace(f"{{{special}}}", f"{{{name}}}")
        payload = replace_fields(fill_ids(write_payloads()[generic], ids), changes)
        caller = scenario.manager if template.endswith("/reopen") else worker
        path = template.format(**ids)
        etag = None
        if method != "POST" or template.endswith("/reopen"):
            etag = (await caller.get(path.removesuffix("/reopen"))).headers["etag"]
        response = await caller.request(method, path, etag=etag, json=payload)
        assert response.status_code == 422, (endpoint, response.text)
        faults = {(fault["pointer"], fault["code"]) for fault in response.json()["errors"]}
        assert faults == {(found, "date_before_birth") for found in list_date_pointers(payload)}, endpoint


async def test_referral_with_a_consent_before_the_birth_is_not_accepted(scenario: Scenario) -> None:
    supervisor = scenario.supervisor_north
    consent = {
        "given_by": ["child", "caregiver"],
        "method": "oral",
        "on": DAY,
        "scope": ["services", "share_with_fsc"],
    }
    path = await create_referral_after_acts(scenario, "acknowledge", consent=consent)
    await supervisor.open_matches(path)
    refused = parse_unmet_pointers(await supervisor.act(path, "accept", dict(acceptance_payload())))
    assert refused == {"date_before_birth": "/consent/on"}
