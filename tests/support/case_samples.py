"""A case with a record of most kinds, for tests that name the records of two cases."""

from dataclasses import dataclass
from typing import Any

from tests.support.case_lifecycle import create_active_case
from tests.support.documents import upload_document
from tests.support.fund import create_disbursement
from tests.support.payloads import HELD_SESSION_PAYLOAD, POLICE_REPORT_PAYLOAD, feedback_payload
from tests.support.responses import expect_json
from tests.support.scenario import Scenario


@dataclass
class SampleCase:
    """A case, its care plan, and the ids of its records by kind."""

    case: dict[str, Any]
    plan: dict[str, Any]
    ids: dict[str, str]

    @property
    def path(self) -> str:
        return f"/v1/cases/{self.case['id']}"


async def create_case_with_records(scenario: Scenario, lead: str) -> SampleCase:
    case, plan = await create_active_case(scenario, lead)
    worker, path = scenario.client_for(lead), f"/v1/cases/{case['id']}"
    goal = plan["areas"]["emotional_health"]["goals"][0]
    ids = {
        "case": case["id"], "child": case["child_id"], "care_plan": plan["id"], "assessment": plan["assessment_id"],
        "goal": goal["id"], "action": goal["actions"][0]["id"], "referral": case["referral_id"],
        "document": (await upload_document(scenario, path, lead))["id"],
        "disbursement": (await create_disbursement(scenario, case, by=lead))["id"],
    }  # fmt: skip
    for kind, resource in (("person", "people"), ("consent", "consents"), ("review", "reviews")):
        ids[kind] = expect_json(await worker.get(f"{path}/{resource}"))["items"][0]["id"]
    for kind, resource, payload in (
        ("support_session", "support-sessions", HELD_SESSION_PAYLOAD),
        ("legal_step", "legal-steps", POLICE_REPORT_PAYLOAD),
        ("feedback", "feedback", feedback_payload()),
    ):
        ids[kind] = expect_json(await worker.post(f"{path}/{resource}", payload), 201)["id"]
    note = f"/v1/support-sessions/{ids['support_session']}/clinical-note"
    expect_json(await worker.put(note, {"text": "Quiet."}))
    addendum = await worker.post(f"/v1/support-sessions/{ids['support_session']}/addenda", {"text": "x"})
    return SampleCase(case, plan, {**ids, "addendum": expect_json(addendum, 201)["id"]})
