"""A valid payload for every endpoint that writes records of a case, and a case with a record of each kind."""

from datetime import timedelta
from typing import Any

from app.kit.dates import today
from tests.support.case_lifecycle import (
    ACTION_PAYLOAD,
    GOAL_PAYLOAD,
    create_active_case,
    create_closed_case,
    exit_plan_payload,
    get_next_review,
)
from tests.support.documents import letter_payload, upload_document
from tests.support.fund import create_disbursement, disbursement_payload, payment_payload, usd
from tests.support.payloads import (
    ASSIGNMENT_PAYLOAD,
    CHILD_MERGE_PAYLOAD,
    HELD_SESSION_PAYLOAD,
    PERSON_PAYLOAD,
    PLANNED_VISIT_PAYLOAD,
    POLICE_REPORT_PAYLOAD,
    REASON_PAYLOAD,
    SERVICES_CONSENT_PAYLOAD,
    TRANSFER_PAYLOAD,
    VITAL_INTEREST_BASIS,
    feedback_payload,
    reopening_consent_payload,
)
from tests.support.responses import expect_json
from tests.support.scenario import Scenario
from tests.support.service_referrals import create_service_referral
from tests.support.supervision import AGREED_ACTION_PAYLOAD, create_meeting, meeting_payload


def write_payloads() -> dict[str, Any]:
    """Return a payload that is valid for staff of the case, at least in one status of the record, by endpoint."""
    return {
        "PATCH /v1/actions/{action_id}": {"status": "done"},
        "PATCH /v1/assessments/{assessment_id}": {"risk_level": "low"},
        "POST /v1/assessments/{assessment_id}/approve": {},
        "POST /v1/assessments/{assessment_id}/return": {"comment": "Once more."},
        "POST /v1/assessments/{assessment_id}/submit": None,
        "PATCH /v1/care-plans/{plan_id}": {"child_view": "x"},
        "POST /v1/care-plans/{plan_id}/approve": {},
        "PUT /v1/care-plans/{plan_id}/areas/{area}": {"status": "no_need", "reason": "x"},
        "POST /v1/care-plans/{plan_id}/areas/{area}/goals": GOAL_PAYLOAD,
        "POST /v1/care-plans/{plan_id}/return": {"comment": "Once more."},
        "POST /v1/care-plans/{plan_id}/submit": None,
        "PATCH /v1/cases/{case_id}": {"summary": "x"},
        "POST /v1/cases/{case_id}/assessments": {"subject": "child", "kind": "reassessment"},
        "POST /v1/cases/{case_id}/assign": ASSIGNMENT_PAYLOAD,
        "POST /v1/cases/{case_id}/care-plans": {"subject": "child", "assessment_id": "{assessment_id}"},
        "POST /v1/cases/{case_id}/close": {"reason_code": "moved_away", "outcome": "x"},
        "POST /v1/cases/{case_id}/clinical-handover": REASON_PAYLOAD,
        "POST /v1/cases/{case_id}/consents": SERVICES_CONSENT_PAYLOAD,
        "POST /v1/cases/{case_id}/documents": letter_payload(),
        "PUT /v1/cases/{case_id}/exit-plan": exit_plan_payload(),
        "POST /v1/cases/{case_id}/exit-plan/approve": {},
        "POST /v1/cases/{case_id}/extend": {"until": "2030-01-01", "reason": "x"},
        "POST /v1/cases/{case_id}/feedback": feedback_payload(),
        "POST /v1/cases/{case_id}/follow-ups": {"held_on": today().isoformat(), "wellbeing": "well"},
        "POST /v1/cases/{case_id}/legal-steps": POLICE_REPORT_PAYLOAD,
        "POST /v1/cases/{case_id}/links": {"linked_case_id": "{south_id}", "reason": "Brothers."},
        "POST /v1/cases/{case_id}/people": PERSON_PAYLOAD,
        "POST /v1/cases/{case_id}/siblings": {"sibling_case_id": "{south_id}"},
        "POST /v1/cases/{case_id}/reopen": {**TRANSFER_PAYLOAD, "consent": reopening_consent_payload()},
        "POST /v1/cases/{case_id}/reviews": {"due_on": (today() + timedelta(days=1)).isoformat(), "reason": "x"},
        "POST /v1/cases/{case_id}/service-referrals": {
            "provider_id": "{provider_id}", "service": "medical", "need": "x", "shared_fields": ["age"],
            "basis_without_consent": VITAL_INTEREST_BASIS,
        },
        "POST /v1/cases/{case_id}/support-sessions": PLANNED_VISIT_PAYLOAD,
        "POST /v1/cases/{case_id}/support-sessions/series": {
            "kind": "home_visit", "first_at": "2026-12-01T02:00:00Z", "count": 2,
        },
        "POST /v1/cases/{case_id}/transfer": TRANSFER_PAYLOAD,
        "PATCH /v1/children/{child_id}": {"sex": "female"},
        "POST /v1/children/{child_id}/merge": CHILD_MERGE_PAYLOAD,
        "POST /v1/children/{child_id}/unmerge": CHILD_MERGE_PAYLOAD,
        "POST /v1/consents/{consent_id}/enter-in-error": REASON_PAYLOAD,
        "POST /v1/consents/{consent_id}/withdraw": REASON_PAYLOAD,
        "POST /v1/disbursements": disbursement_payload({"id": "{case_id}"}),
        "POST /v1/disbursements/{disbursement_id}/approve": {"fund_id": "{fund_id}"},
        "POST /v1/disbursements/{disbursement_id}/cancel": REASON_PAYLOAD,
        "PUT /v1/disbursements/{disbursement_id}/finance-documents": {
            "document_ids": [], "shows_no_name_or_diagnosis": True,
        },
        "POST /v1/disbursements/{disbursement_id}/request-rate": {"rate": "5000"},
        "POST /v1/disbursements/{disbursement_id}/request-payment-date": {"paid_on": "2026-10-01"},
        "POST /v1/disbursements/{disbursement_id}/pay": payment_payload(),
        "POST /v1/disbursements/{disbursement_id}/reconcile": {"spent": usd("1.00"), "receipt_document_ids": []},
        "POST /v1/disbursements/{disbursement_id}/reject": REASON_PAYLOAD,
        "POST /v1/disbursements/{disbursement_id}/reverse": REASON_PAYLOAD,
        "POST /v1/documents/{document_id}/enter-in-error": REASON_PAYLOAD,
        "POST /v1/feedback/{feedback_id}/enter-in-error": REASON_PAYLOAD,
        "PATCH /v1/follow-ups/{follow_up_id}": {"held_on": today().isoformat(), "wellbeing": "well"},
        "PATCH /v1/goals/{goal_id}": {"status": "achieved"},
        "POST /v1/goals/{goal_id}/actions": ACTION_PAYLOAD,
        "PATCH /v1/legal-steps/{legal_step_id}": {"status": "done"},
        "POST /v1/legal-steps/{legal_step_id}/enter-in-error": REASON_PAYLOAD,
        "PATCH /v1/people/{person_id}": {"relationship": "aunt"},
        "POST /v1/people/{person_id}/confirm": None,
        "POST /v1/people/{person_id}/enter-in-error": REASON_PAYLOAD,
        "PATCH /v1/reviews/{review_id}": {"held_on": today().isoformat()},
        "POST /v1/reviews/{review_id}/complete": None,
        "PATCH /v1/service-referrals/{service_referral_id}": {"need": "x"},
        "POST /v1/service-referrals/{service_referral_id}/accept": {},
        "POST /v1/service-referrals/{service_referral_id}/cancel": REASON_PAYLOAD,
        "POST /v1/service-referrals/{service_referral_id}/complete": {"outcome": "need_met"},
        "POST /v1/service-referrals/{service_referral_id}/decline": REASON_PAYLOAD,
        "POST /v1/service-referrals/{service_referral_id}/recall": {"note": "Deleted."},
        "POST /v1/service-referrals/{service_referral_id}/send": None,
        "PATCH /v1/support-sessions/{support_session_id}": {"summary": "x"},
        "POST /v1/support-sessions/{support_session_id}/addenda": {"text": "x"},
        "POST /v1/support-sessions/{support_session_id}/cancel": REASON_PAYLOAD,
        "POST /v1/support-sessions/{support_session_id}/enter-in-error": REASON_PAYLOAD,
        "PUT /v1/support-sessions/{support_session_id}/clinical-note": {"text": "x"},
    }  # fmt: skip


def supervision_payloads() -> dict[str, Any]:
    """Return valid payloads of the endpoints of supervision meetings, which change no case."""
    return {
        "PATCH /v1/supervision-actions/{supervision_action_id}": {"done_on": today().isoformat()},
        "POST /v1/supervision-meetings": meeting_payload(),
        "PATCH /v1/supervision-meetings/{supervision_meeting_id}": {"next_on": today().isoformat()},
        "POST /v1/supervision-meetings/{supervision_meeting_id}/actions": AGREED_ACTION_PAYLOAD,
        "POST /v1/supervision-meetings/{supervision_meeting_id}/enter-in-error": REASON_PAYLOAD,
    }


async def create_alert(scenario: Scenario) -> str:
    """Raise an alert about another case of the team north, and return the id of the alert to its supervisors."""
    case = await scenario.open_case()
    reason = {"reason": "The child called the on-call number."}
    expect_json(await scenario.worker_south.post(f"/v1/cases/{case['id']}/break-glass", reason))
    (alert,) = expect_json(await scenario.supervisor_north.get("/v1/alerts"))["items"]
    return str(alert["id"])


async def create_complete_case(scenario: Scenario) -> dict[str, Any]:
    """Create a case with a record of each kind, and return the ids by the names of path parameters."""
    case, plan = await create_active_case(scenario)
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    people, consents, assessments = [
        expect_json(await worker.get(f"{path}/{resource}"))["items"]
        for resource in ("people", "consents", "assessments")
    ]
    support_session = expect_json(await worker.post(f"{path}/support-sessions", HELD_SESSION_PAYLOAD), 201)
    note_path = f"/v1/support-sessions/{support_session['id']}/clinical-note"
    expect_json(await worker.put(note_path, {"text": "Quiet."}))
    goal = plan["areas"]["emotional_health"]["goals"][0]
    closed_case = await create_closed_case(scenario)
    follow_ups = expect_json(await worker.get(f"/v1/cases/{closed_case['id']}/follow-ups"))["items"]
    expect_json(await worker.put(f"{path}/exit-plan", exit_plan_payload()))
    meeting = await create_meeting(scenario, case_numbers=[case["number"]], actions=[AGREED_ACTION_PAYLOAD])
    return {
        "case": case, "closed_case": closed_case,
        "case_id": case["id"], "child_id": case["child_id"], "referral_id": case["referral_id"],
        "person_id": people[0]["id"], "consent_id": consents[0]["id"], "assessment_id": assessments[0]["id"],
        "plan_id": plan["id"], "goal_id": goal["id"], "action_id": goal["actions"][0]["id"],
        "review_id": (await get_next_review(scenario, case["id"]))["id"], "support_session_id": support_session["id"],
        "legal_step_id": expect_json(await worker.post(f"{path}/legal-steps", POLICE_REPORT_PAYLOAD), 201)["id"],
        "feedback_id": expect_json(await worker.post(f"{path}/feedback", feedback_payload()), 201)["id"],
        "service_referral_id": (await create_service_referral(scenario, path)).rpartition("/")[2],
        "disbursement_id": (await create_disbursement(scenario, case))["id"],
        "document_id": (await upload_document(scenario, path))["id"], "follow_up_id": follow_ups[0]["id"],
        "supervision_meeting_id": meeting["id"], "supervision_action_id": meeting["actions"][0]["id"],
    }  # fmt: skip


def fill_ids(payload: Any, ids: dict[str, str]) -> Any:
    """Return a payload whose strings contain ids instead of the placeholders `{name}`."""
    if isinstance(payload, dict):
        return {field: fill_ids(value, ids) for field, value in payload.items()}
    return payload.format(**ids) if isinstance(payload, str) else payload
