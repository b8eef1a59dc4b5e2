"""Create cases in any phase from assessment to exit over HTTP, with the acts of real users."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from app.kit.dates import today
from tests.support.responses import expect_json
from tests.support.scenario import STAFF, AuthenticatedClient, Scenario, id_of

INITIAL_ASSESSMENT_PAYLOAD = {"subject": "child", "kind": "initial"}
NO_NEED_PAYLOAD = {"status": "no_need", "reason": "Goes to school every day."}

AREAS = (
    "emotional_health",
    "physical_health",
    "shelter_safety",
    "behaviour",
    "relationships",
    "education",
    "legal",
)
ASSESSMENT_SECTIONS = {
    "current_situation": "Lives with the grandmother; goes to school again.",
    "personal_history": "The third of four children.",
    "family_home": "The mother works in Thailand and calls every Sunday.",
    "physical_state": "ធម្មតា",
    "emotional_state": "Sleeps badly.",
}


def assessment_payload(
    risk_level: str = "medium", weak_areas: Sequence[str] = ("emotional_health",)
) -> dict[str, Any]:
    """Return an assessment that passes the gate of submission. Weak areas have the rating 2, the others 3."""
    areas = {
        area: {
            "rating": 2 if area in weak_areas else 3,
            "need": f"What is missing: {area}.",
            "strengths": "A caring grandmother.",
            "risk": "Low while the grandmother is at home.",
            "source": "child",
        }
        for area in AREAS
    }
    return {
        "sections": dict(ASSESSMENT_SECTIONS),
        "areas": areas,
        "child_wishes": "To play football again.",
        "risk_level": risk_level,
    }


async def create_approved_assessment(
    scenario: Scenario,
    case: dict[str, Any],
    *,
    lead: str = "worker_north",
    subject: str = "child",
    kind: str = "initial",
    risk_level: str = "medium",
    weak_areas: Sequence[str] = ("emotional_health",),
    **changes: Any,
) -> dict[str, Any]:
    """Create an assessment, submit it as the lead worker and approve it as the supervisor of the team.

    An assessment of a supporter or family is about the first supporter of the case. `changes` replace fields of the
    content.
    """
    worker, supervisor = scenario.client_for(lead), scenario.client_for(f"supervisor_{STAFF[lead][1][0][0]}")
    case_path = f"/v1/cases/{case['id']}"
    payload = {"subject": subject, "kind": kind}
    if subject != "child":
        people = expect_json(await worker.get(f"{case_path}/people"))["items"]
        payload["person_id"] = next(person["id"] for person in people if person["role"] == "supporter")
    response = await worker.post(f"{case_path}/assessments", payload)
    path = f"/v1/assessments/{expect_json(response, 201)['id']}"
    content = {**assessment_payload(risk_level, weak_areas), **changes}
    expect_json(await worker.patch(path, content, etag=response.headers["etag"]))
    expect_json(await worker.act(path, "submit"))
    return expect_json(await supervisor.act(path, "approve"))


async def create_assessed_case(
    scenario: Scenario, lead: str = "worker_north", **options: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Open a case with an approved assessment, by default of the child. Return the case and the assessment."""
    case = await scenario.open_case(lead)
    assessment = await create_approved_assessment(scenario, case, lead=lead, **options)
    return expect_json(await scenario.client_for(lead).get(f"/v1/cases/{case['id']}")), assessment


CARE_PLAN_PAYLOADS: dict[str, dict[str, Any]] = {
    "child": {
        "safety_plan": "To the neighbour, who calls the worker.",
        "child_view": "ខ្ញុំចង់លេងបាល់ទាត់",
        "supporter_view": "He should sleep well again.",
    },
    "other": {
        "knowledge_gaps": "What abuse does to a child.",
        "capacity_gaps": "Time: she sells at the market until dark.",
        "needs_social_work": True,
    },
}
GOAL_PAYLOAD = {"statement": "Sleeps through the night.", "strengths_used": "Tells the grandmother."}
ACTION_PAYLOAD = {"what": "Play therapy on Tuesdays.", "by": "worker", "due_on": "2027-01-31"}


async def fill_care_plan(
    scenario: Scenario, plan: dict[str, Any], *, lead: str = "worker_north"
) -> dict[str, Any]:
    """Complete a draft so that it passes the gate: a goal with an action in weak areas, 'no need' in the others."""
    worker, path = scenario.client_for(lead), f"/v1/care-plans/{plan['id']}"
    for name, area in plan["areas"].items():
        if area["rating"] in {1, 2}:
            goal = expect_json(await worker.post(f"{path}/areas/{name}/goals", GOAL_PAYLOAD), 201)
            expect_json(await worker.post(f"/v1/goals/{goal['id']}/actions", ACTION_PAYLOAD), 201)
    content = CARE_PLAN_PAYLOADS["child" if plan["subject"] == "child" else "other"]
    plan = expect_json(await worker.patch(path, content, etag=(await worker.get(path)).headers["etag"]))
    for name, area in plan["areas"].items():
        if area["status"] is None:
            payload = {"status": "no_need", "reason": "Strong enough."}
            plan = expect_json(await worker.put(f"{path}/areas/{name}", payload, etag=f'"{plan["version"]}"'))
    return plan


async def create_approved_care_plan(
    scenario: Scenario, case: dict[str, Any], assessment: dict[str, Any], *, lead: str = "worker_north"
) -> dict[str, Any]:
    """Create a care plan for an assessment, submit it as the lead worker and approve it as the supervisor of the team."""
    worker, supervisor = scenario.client_for(lead), scenario.client_for(f"supervisor_{STAFF[lead][1][0][0]}")
    payload = care_plan_payload(assessment)
    plan = expect_json(await worker.post(f"/v1/cases/{case['id']}/care-plans", payload), 201)
    path = f"/v1/care-plans/{(await fill_care_plan(scenario, plan, lead=lead))['id']}"
    expect_json(await worker.act(path, "submit"))
    return expect_json(await supervisor.act(path, "approve"))


async def create_active_case(
    scenario: Scenario, lead: str = "worker_north", **options: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Open an active case with an approved care plan and a scheduled review. Return the case and the care plan."""
    case, assessment = await create_assessed_case(scenario, lead, **options)
    plan = await create_approved_care_plan(scenario, case, assessment, lead=lead)
    return expect_json(await scenario.client_for(lead).get(f"/v1/cases/{case['id']}")), plan


EXIT_CONDITIONS = ("in_school", "confident", "friends", "safe_home", "supporter_able", "self_protection")


def iso_day(days: int) -> str:
    """Return the date in a number of days."""
    return (today() + timedelta(days=days)).isoformat()


def exit_plan_payload() -> dict[str, Any]:
    return {
        "checklist": {condition: {"met": True} for condition in EXIT_CONDITIONS},
        "taper": [
            {"from": iso_day(30), "contacts_per_month": 4},
            {"from": iso_day(60), "contacts_per_month": 1},
        ],
        "ends_on": iso_day(85),
        "follow_up_months": [1, 3, 6],
    }


def reached_exit_dates() -> dict[str, Any]:
    """Return the dates of an exit plan with which a case can be closed on the day of the approval."""
    return {
        "taper": [{"from": iso_day(0), "contacts_per_month": 1}],
        "ends_on": iso_day(0),
        "note": "The family asked for an early end.",
    }


async def get_next_review(scenario: Scenario, case_id: str, *, lead: str = "worker_north") -> dict[str, Any]:
    """Return the scheduled review of a case."""
    reviews = expect_json(await scenario.client_for(lead).get(f"/v1/cases/{case_id}/reviews"))["items"]
    [scheduled] = [review for review in reviews if review["status"] == "scheduled"]
    return expect_json(await scenario.client_for(lead).get(f"/v1/reviews/{scheduled['id']}"))


async def fill_next_review(
    scenario: Scenario,
    case_id: str,
    decision: str = "continue",
    *,
    lead: str = "worker_north",
    rating: int = 3,
    **changes: Any,
) -> str:
    """Complete the scheduled review so that it passes the gate, with the decision to continue for every active area.

    Return the path of the review.
    """
    review = await get_next_review(scenario, case_id, lead=lead)
    area = {"rating": rating, "progress": "Tells of good days.", "decision": "continue"}
    content = {
        "areas": dict.fromkeys(review["active_areas"], area),
        "held_on": today().isoformat(),
        "decision": decision,
        **changes,
    }
    path = f"/v1/reviews/{review['id']}"
    expect_json(await scenario.client_for(lead).patch(path, content, etag=f'"{review["version"]}"'))
    return path


async def complete_next_review(
    scenario: Scenario,
    case_id: str,
    decision: str = "continue",
    *,
    lead: str = "worker_north",
    **changes: Any,
) -> dict[str, Any]:
    """Fill and complete the scheduled review of a case."""
    path = await fill_next_review(scenario, case_id, decision, lead=lead, **changes)
    return expect_json(await scenario.client_for(lead).act(path, "complete"))


async def create_exiting_case(
    scenario: Scenario, lead: str = "worker_north", **options: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Open a case with the status `exiting`. Return the case and the review that began the exit."""
    case, _ = await create_active_case(scenario, lead, **options)
    review = await complete_next_review(scenario, case["id"], "begin_exit", lead=lead)
    return expect_json(await scenario.client_for(lead).get(f"/v1/cases/{case['id']}")), review


async def create_approved_exit_plan(
    scenario: Scenario, case_id: str, *, lead: str = "worker_north", **changes: Any
) -> dict[str, Any]:
    """Write an exit plan that ends today as the lead worker, and approve it as the supervisor of the team."""
    worker, path = scenario.client_for(lead), f"/v1/cases/{case_id}/exit-plan"
    etag = (await worker.get(path)).headers.get("etag")
    expect_json(await worker.put(path, {**exit_plan_payload(), **reached_exit_dates(), **changes}, etag=etag))
    return expect_json(await scenario.client_for(f"supervisor_{STAFF[lead][1][0][0]}").act(path, "approve"))


async def create_closed_case(
    scenario: Scenario, lead: str = "worker_north", **options: Any
) -> dict[str, Any]:
    """Open a case and close it through a planned exit. Its follow-ups are due."""
    case, _ = await create_exiting_case(scenario, lead, **options)
    await create_approved_exit_plan(scenario, case["id"], lead=lead)
    payload = {"reason_code": "goals_met", "outcome": "Goes to school, sleeps well."}
    return expect_json(await scenario.client_for(lead).act(f"/v1/cases/{case['id']}", "close", payload))


async def create_case_path(scenario: Scenario, *co_workers: str) -> str:
    """Open a case of worker_north with co-workers, and return its path."""
    path = f"/v1/cases/{(await scenario.open_case())['id']}"
    if co_workers:
        payload = {
            "lead_worker_id": str(id_of("worker_north")),
            "co_worker_ids": [str(id_of(name)) for name in co_workers],
        }
        expect_json(await scenario.supervisor_north.act(path, "assign", payload))
    return path


async def list_timeline_lines(caller: AuthenticatedClient, path: str, kind: str) -> list[dict[str, Any]]:
    page = expect_json(await caller.get(f"{path}/timeline", params={"kind": kind}))
    return list(page["items"])


async def create_assessment_draft(
    scenario: Scenario, content: dict[str, Any] | None = None
) -> tuple[dict[str, Any], str]:
    """Open a case with a draft assessment of the child. Return the case and the path of the assessment."""
    case = await scenario.open_case()
    response = await scenario.worker_north.post(
        f"/v1/cases/{case['id']}/assessments", INITIAL_ASSESSMENT_PAYLOAD
    )
    path = f"/v1/assessments/{expect_json(response, 201)['id']}"
    if content is not None:
        expect_json(await scenario.worker_north.patch(path, content, etag='"1"'))
    return case, path


async def create_care_plan_draft(scenario: Scenario, **options: Any) -> tuple[str, dict[str, Any]]:
    """Open a case with a draft care plan of the child. Return the path and the content of the care plan."""
    case, assessment = await create_assessed_case(scenario, **options)
    response = await scenario.worker_north.post(
        f"/v1/cases/{case['id']}/care-plans", care_plan_payload(assessment)
    )
    return response.headers["location"], expect_json(response, 201)


async def list_timeline_kinds(scenario: Scenario, case_id: str) -> list[str]:
    entries = expect_json(await scenario.worker_north.get(f"/v1/cases/{case_id}/timeline"))["items"]
    return [entry["kind"] for entry in entries]


def care_plan_payload(assessment: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"subject": assessment["subject"], "assessment_id": assessment["id"], **changes}
