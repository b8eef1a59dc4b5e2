"""A request body with the id of a hidden record gets the same response as if the record did not exist."""

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.kit.dates import today
from tests.support.case_lifecycle import (
    GOAL_PAYLOAD,
    care_plan_payload,
    create_approved_assessment,
    create_assessed_case,
    create_closed_case,
)
from tests.support.case_samples import SampleCase, create_case_with_records
from tests.support.documents import letter_payload
from tests.support.endpoint_samples import write_payloads
from tests.support.endpoints import list_endpoints
from tests.support.fund import (
    create_approved_disbursement,
    create_fund,
    create_paid_disbursement,
    disbursement_payload,
    payment_payload,
    usd,
)
from tests.support.payloads import (
    HELD_SESSION_PAYLOAD,
    POLICE_REPORT_PAYLOAD,
    SERVICES_CONSENT_PAYLOAD,
    feedback_payload,
    reopening_consent_payload,
)
from tests.support.record_references import list_body_id_fields, set_field
from tests.support.referrals import create_referral_after_acts
from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload, id_of, referral_payload
from tests.support.service_referrals import build_service_referral_payload, create_service_referral

FIELDS_WITHOUT_CHILD = re.compile(
    r"/(team_id|to_user_id|lead_worker_id|worker_id|handed_to_id|(actions/-/)?owner_id|co_worker_ids/-|agency_id|(consent/)?recipient_agency_id|fund_id|provider_id"
    r"|rest_to_fund_id|teams/-/team_id|partner_ids/-|facilitator_ids/-)"
)
"""Fields with the id of a user, team, agency, fund or provider."""
TABLES_WITHOUT_CHILD = re.compile(
    r"/v1/(agencies|api-clients|donor-grants|me|funds|instruments|outreach-activities|providers|releases|report-runs|supervision-meetings|teams|users)\b"
)
"""Paths under which a client chooses ids of records that belong to no child."""
WITHOUT_PATH = ("/support-sessions/series", "/addenda")
"""Ends of the paths under which a client chooses the id of a record that has no path of its own."""
VOLATILE_HEADERS = {"date", "x-request-id", "ratelimit", "content-length"}


@dataclass
class Reference:
    """A request with a field that takes the id of a record of a child."""

    caller: AuthenticatedClient
    method: str
    path: str
    payload: dict[str, Any]
    pointer: str
    kinds: tuple[str, ...]
    """Kinds of the hidden records that the field could name."""
    endpoint: str = field(init=False)

    def __post_init__(self) -> None:
        names = {
            "cases": "case_id", "care-plans": "plan_id", "referrals": "referral_id", "goals": "goal_id",
            "disbursements": "disbursement_id", "support-sessions": "support_session_id",
            "service-referrals": "service_referral_id", "users": "user_id", "children": "child_id",
        }  # fmt: skip
        template = re.sub(
            r"/([a-z-]+)/[0-9a-f-]{36}", lambda match: f"/{match[1]}/{{{names[match[1]]}}}", self.path
        )
        self.endpoint = f"{self.method} {template.replace('/areas/emotional_health', '/areas/{area}')}"

    async def send(self, record_id: str) -> httpx.Response:
        payload = set_field(self.payload, self.pointer, record_id)
        etag = None
        if (
            self.method == "PATCH"
            or "/disbursements/" in self.path
            or self.path.endswith(("/accept", "/handover", "/merge", "/reopen", "/unmerge"))
        ):
            record_path = re.sub(r"/[a-z-]+$", "", self.path)
            etag = (await self.caller.get(record_path)).headers["etag"]
        return await self.caller.request(self.method, self.path, json=payload, etag=etag)


@pytest.fixture
async def own(scenario: Scenario) -> SampleCase:
    return await create_case_with_records(scenario, "worker_north")


@pytest.fixture
async def hidden(scenario: Scenario) -> SampleCase:
    return await create_case_with_records(scenario, "worker_south")


async def create_references(scenario: Scenario, own: SampleCase, hidden: SampleCase) -> list[Reference]:
    """Return a request for each field. It would succeed with a suitable record of the caller's case."""
    worker, supervisor, finance, path = (
        scenario.worker_north,
        scenario.supervisor_north,
        scenario.finance,
        own.path,
    )
    fund = await create_fund(scenario)
    approved = await create_approved_disbursement(scenario, own.case, fund)
    paid = await create_paid_disbursement(scenario, own.case, fund)
    reassessment = await create_approved_assessment(scenario, own.case, kind="reassessment")
    draft = expect_json(await worker.post(f"{path}/care-plans", care_plan_payload(reassessment)), 201)
    service_referral = await create_service_referral(scenario, path)
    service_payload = await build_service_referral_payload(scenario, path)
    session_path = f"/v1/support-sessions/{own.ids['support_session']}"
    visit = {"kind": "home_visit", "planned_at": "2027-01-20T02:00:00Z"}
    series = {"kind": "home_visit", "first_at": "2026-12-01T02:00:00Z", "count": 2}
    # A duplicate of the hidden child, so that `/matches` contains the child.
    child = expect_json(await scenario.worker_south.get(f"/v1/children/{hidden.ids['child']}"))
    duplicate = {**referral_payload()["child"], "names": child["names"]}
    referral = await create_referral_after_acts(scenario, "acknowledge", child=duplicate)
    expect_json(await supervisor.get(f"{referral}/matches"))
    reconciliation = {"spent": usd("12.50"), "receipt_document_ids": []}
    linked = {"linked_case_id": own.case["id"], "reason": "Brothers."}
    family = {"subject": "family", "kind": "initial"}
    spending = disbursement_payload(own.case)
    child_path = f"/v1/children/{own.ids['child']}"
    merge = {"merged_child_version": 1, "reason": "Referred twice."}
    handover = {"to_user_id": str(id_of("worker_north_2")), "reason": "Leaves for another job."}
    return [
        Reference(worker, "POST", f"{path}/assessments", family, "/person_id", ("person",)),
        Reference(worker, "POST", f"{path}/care-plans", {"subject": "family"}, "/assessment_id", ("assessment",)),
        Reference(worker, "POST", f"{path}/care-plans", {"subject": "family", "assessment_id": reassessment["id"]},
                  "/person_id", ("person",)),
        Reference(worker, "PATCH", f"/v1/care-plans/{draft['id']}", {}, "/assessment_id", ("assessment",)),
        Reference(supervisor, "POST", f"/v1/users/{id_of('worker_north')}/handover", handover, "/case_ids/-", ("case",)),
        Reference(worker, "POST", f"{path}/feedback", feedback_payload(), "/review_id", ("review",)),
        Reference(supervisor, "POST", f"{path}/links", linked, "/linked_case_id", ("case",)),
        Reference(worker, "POST", f"{path}/siblings", {}, "/sibling_case_id", ("case",)),
        Reference(supervisor, "POST", f"{child_path}/merge", merge, "/merged_child_id", ("child",)),
        Reference(supervisor, "POST", f"{child_path}/unmerge", merge, "/merged_child_id", ("child",)),
        Reference(supervisor, "POST", f"{referral}/accept", dict(acceptance_payload()), "/child_id", ("child",)),
        Reference(worker, "POST", "/v1/disbursements", spending, "/case_id", ("case",)),
        Reference(worker, "POST", "/v1/disbursements", spending, "/goal_id", ("goal",)),
        Reference(finance, "POST", f"/v1/disbursements/{approved['id']}/pay", payment_payload(approved["amount"]),
                  "/acknowledgement_document_id", ("document",)),
        Reference(finance, "POST", f"/v1/disbursements/{paid['id']}/reconcile", reconciliation,
                  "/receipt_document_ids/-", ("document",)),
        Reference(worker, "PUT", f"/v1/disbursements/{paid['id']}/finance-documents", {"shows_no_name_or_diagnosis": True},
                  "/document_ids/-", ("document",)),
        *(Reference(worker, "POST", f"{path}/documents", letter_payload(about={"kind": kind}), "/about/id", (kind,))
          for kind in ("assessment", "care_plan", "consent", "disbursement", "goal", "person", "review", "support_session",
                       "document", "legal_step", "action")),
        Reference(worker, "POST", f"{path}/service-referrals", service_payload, "/consent_id", ("consent",)),
        Reference(worker, "POST", f"{path}/service-referrals", service_payload, "/goal_id", ("goal",)),
        Reference(worker, "PATCH", service_referral, {}, "/consent_id", ("consent",)),
        Reference(worker, "PATCH", service_referral, {}, "/goal_id", ("goal",)),
        Reference(worker, "POST", f"{path}/support-sessions", visit, "/goal_ids/-", ("goal",)),
        Reference(worker, "POST", f"{path}/support-sessions/series", series, "/goal_ids/-", ("goal",)),
        Reference(worker, "PATCH", session_path, {}, "/goal_ids/-", ("goal",)),
    ]  # fmt: skip


def normalize(response: httpx.Response, *record_ids: str) -> tuple[int, Any, Any]:
    """Return status, headers and body without ids."""
    text = response.text.replace(response.headers["x-request-id"], "?")
    for record_id in record_ids:
        text = text.replace(record_id, "?")
    headers = {name: value for name, value in response.headers.items() if name not in VOLATILE_HEADERS}
    return response.status_code, headers, text


async def test_hidden_record_in_a_body_gets_the_response_of_a_missing_record(
    scenario: Scenario, app: FastAPI, own: SampleCase, hidden: SampleCase
) -> None:
    # Catches: the query of `validate_case_goals` without the case, as the owner; `check_known_child` that answers for
    # an
    # open case before it compares the matches.
    references = await create_references(scenario, own, hidden)
    fields = {
        (str(endpoint), pointer)
        for endpoint in list_endpoints(app)
        for pointer in list_body_id_fields(app, endpoint)
        if not FIELDS_WITHOUT_CHILD.fullmatch(pointer) and not pointer.endswith("/id")
        if "/oauth/" not in endpoint.path
    } | {("POST /v1/cases/{case_id}/documents", "/about/id")}
    assert {(reference.endpoint, reference.pointer) for reference in references} == fields
    for reference in references:
        for kind in (*reference.kinds, "child", "case", "person"):
            where = (reference.endpoint, reference.pointer, kind)
            missing_id = str(uuid.uuid4())
            missing = await reference.send(missing_id)
            response = await reference.send(hidden.ids[kind])
            assert response.status_code in {404, 409, 422}, (where, response.text)
            assert normalize(response, hidden.ids[kind]) == normalize(missing, missing_id), where
            entries = await scenario.list_access_entries(response.headers["x-request-id"])
            assert hidden.ids["child"] in {entry["child_id"] for entry in entries}, where


async def test_response_to_a_taken_id_contains_only_a_visible_record(
    scenario: Scenario, app: FastAPI, own: SampleCase, hidden: SampleCase
) -> None:
    # Catches: a SELECT for the id before the INSERT in `create_case_person`, which answers 422 for a visible record.
    worker, path = scenario.worker_north, own.path
    follow_up = {"held_on": today().isoformat(), "wellbeing": "well"}
    series = write_payloads()["POST /v1/cases/{case_id}/support-sessions/series"]
    new_consent = {**reopening_consent_payload(), "on": today().isoformat()}
    reopening = {"reason": "She is afraid again.", "consent": new_consent}
    session_path = f"/v1/support-sessions/{own.ids['support_session']}"
    closed_cases = [await create_closed_case(scenario, f"worker_{team}") for team in ("north", "south")]
    for case, owner, client in zip(closed_cases, (own, hidden), (worker, scenario.worker_south), strict=True):
        response = await scenario.manager.get(f"/v1/cases/{case['id']}/follow-ups")
        # Record the planned follow-up first. The next POST then creates an additional one with a chosen id.
        expect_json(await client.post(f"/v1/cases/{case['id']}/follow-ups", follow_up), 201)
        owner.ids["follow_up"] = expect_json(response)["items"][0]["id"]
    for client, owner in ((worker, own), (scenario.worker_south, hidden)):
        owner.ids["series"] = str(uuid.uuid4())
        created = await client.post(
            f"{owner.path}/support-sessions/series", {**series, "id": owner.ids["series"]}
        )
        expect_json(created, 201)
    draft_area = await create_draft_area(scenario, own)
    new_case, assessment = await create_assessed_case(scenario)
    goal_path = f"/v1/goals/{own.ids['goal']}"
    partner_referrals = (
        await scenario.create_referral("partner_one"),
        await scenario.create_referral("partner_two"),
    )
    service_referrals = [
        (await create_service_referral(scenario, path)).rpartition("/")[2],
        await create_hidden_service_referral(scenario, hidden),
    ]
    own.ids["service_referral"], hidden.ids["service_referral"] = service_referrals
    own.ids["partner_referral"], hidden.ids["partner_referral"] = [item["id"] for item in partner_referrals]
    creations = [
        Reference(worker, "POST", f"{path}/assessments", {"subject": "child", "kind": "reassessment"}, "/id", ("assessment",)),
        Reference(worker, "POST", f"{path}/consents", SERVICES_CONSENT_PAYLOAD, "/id", ("consent",)),
        Reference(worker, "POST", f"{path}/documents", letter_payload(), "/id", ("document",)),
        Reference(worker, "POST", f"{path}/feedback", feedback_payload(), "/id", ("feedback",)),
        Reference(worker, "POST", f"{path}/legal-steps", POLICE_REPORT_PAYLOAD, "/id", ("legal_step",)),
        Reference(worker, "POST", f"{path}/people", write_payloads()["POST /v1/cases/{case_id}/people"], "/id", ("person",)),
        Reference(worker, "POST", f"{path}/service-referrals", await build_service_referral_payload(scenario, path), "/id",
                  ("service_referral",)),
        Reference(worker, "POST", f"{path}/support-sessions", HELD_SESSION_PAYLOAD, "/id", ("support_session",)),
        Reference(worker, "POST", f"{path}/support-sessions/series", series, "/id", ("series",)),
        Reference(worker, "POST", f"{session_path}/addenda", {"text": "x"}, "/id", ("addendum",)),
        Reference(worker, "POST", draft_area, GOAL_PAYLOAD, "/id", ("goal",)),
        Reference(worker, "POST", draft_area, {**GOAL_PAYLOAD, "actions": [write_payloads()["POST /v1/goals/{goal_id}/actions"]]},
                  "/actions/-/id", ("action",)),
        Reference(worker, "POST", goal_path + "/actions", write_payloads()["POST /v1/goals/{goal_id}/actions"], "/id", ("action",)),
        Reference(worker, "POST", "/v1/disbursements", disbursement_payload(own.case), "/id", ("disbursement",)),
        Reference(scenario.supervisor_north, "POST", f"/v1/cases/{closed_cases[0]['id']}/reopen", reopening, "/consent/id",
                  ("consent",)),
        Reference(worker, "POST", f"/v1/cases/{closed_cases[0]['id']}/follow-ups", follow_up, "/id", ("follow_up",)),
        Reference(worker, "POST", f"/v1/cases/{new_case['id']}/care-plans", care_plan_payload(assessment), "/id", ("care_plan",)),
        Reference(scenario.partner_one, "POST", "/v1/referrals", referral_payload(), "/id", ("partner_referral", "referral")),
        Reference(scenario.worker_north, "POST", "/v1/referrals", referral_payload(), "/id", ("partner_referral",)),
    ]  # fmt: skip
    for creation in creations:
        for kind in creation.kinds:
            where = (creation.endpoint, creation.pointer, kind)
            taken = await creation.send(own.ids[kind])
            assert expect_json(taken, 409)["type"] == "urn:firststep:problem:already-exists", where
            response = await creation.send(hidden.ids[kind])
            has_path = creation.pointer == "/id" and not creation.endpoint.endswith(WITHOUT_PATH)
            # Not every referral of the test is visible to its caller.
            if has_path and kind != "partner_referral":
                assert taken.json()["id"] == own.ids[kind], where
                assert taken.headers["location"].endswith(f"/{own.ids[kind]}"), where
            status, headers, text = normalize(taken, own.ids[kind])
            visible = (status, {**headers, "location": None}, text.replace(',"id":"?"', ""))
            if "id" in response.json():  # a referral of the partner whose case is hidden from the worker
                assert (await creation.caller.get(response.headers["location"])).status_code == 200, where
                continue
            status, headers, text = normalize(response, hidden.ids[kind])
            assert (status, {**headers, "location": None}, text) == visible, where
            assert "location" not in response.headers, where
    fields = {
        (str(endpoint), pointer)
        for endpoint in list_endpoints(app)
        for pointer in list_body_id_fields(app, endpoint)
        if pointer.endswith("/id")
        and pointer != "/about/id"
        and not TABLES_WITHOUT_CHILD.match(endpoint.path)
    }
    assert fields - {(creation.endpoint, creation.pointer) for creation in creations} == set()


async def create_draft_area(scenario: Scenario, own: SampleCase) -> str:
    """Create a draft care plan of the case, and return the path of the goals of one of its areas."""
    assessment = await create_approved_assessment(scenario, own.case, kind="reassessment")
    path = f"{own.path}/care-plans"
    draft = expect_json(await scenario.worker_north.post(path, care_plan_payload(assessment)), 201)
    own.ids["goal"] = next(goal["id"] for area in draft["areas"].values() for goal in area["goals"])
    return f"/v1/care-plans/{draft['id']}/areas/emotional_health/goals"


async def create_hidden_service_referral(scenario: Scenario, hidden: SampleCase) -> str:
    payload = {
        **write_payloads()["POST /v1/cases/{case_id}/service-referrals"],
        "provider_id": (await build_service_referral_payload(scenario, "", consent_id="x"))["provider_id"],
    }
    response = await scenario.worker_south.post(f"{hidden.path}/service-referrals", payload)
    service_referral_id: str = expect_json(response, 201)["id"]
    return service_referral_id
