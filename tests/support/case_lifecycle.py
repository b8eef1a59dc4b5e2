"""Arrangement over HTTP, for everybody: a case on its way from assessment to exit, by the same acts as in life."""

from collections.abc import Sequence
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
    """Everything that the gate of an assessment asks for; `weak` areas are rated 2, the others 3."""
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
    """An approved assessment of a subject of this case: drafted, filled and submitted by the lead, approved by their supervisor.

    Of a supporter or a family it is about the case's first supporter. `changes` replace fields of the words.
    """
    worker, supervisor = scenario.client_for(lead), scenario.client_for(f"supervisor_{STAFF[lead][1][0][0]}")
    here = f"/v1/cases/{case['id']}"
    told = {"subject": subject, "kind": kind}
    if subject != "child":
        people = expect_json(await worker.get(f"{here}/people"))["items"]
        told["person_id"] = next(person["id"] for person in people if person["role"] == "supporter")
    made = await worker.post(f"{here}/assessments", told)
    path = f"/v1/assessments/{expect_json(made, 201)['id']}"
    words = {**assessment_payload(risk_level, weak_areas), **changes}
    expect_json(await worker.patch(path, words, etag=made.headers["etag"]))
    expect_json(await worker.act(path, "submit"))
    return expect_json(await supervisor.act(path, "approve"))


async def create_assessed_case(
    scenario: Scenario, lead: str = "worker_north", **options: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A new case with an approved assessment (of the child, unless told otherwise): the case as it is now, and the assessment."""
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
    """A draft with everything that its gate asks for: a goal with an action in weak areas, elsewhere no need."""
    worker, path = scenario.client_for(lead), f"/v1/care-plans/{plan['id']}"
    for area, found in plan["areas"].items():
        if found["rating"] in {1, 2}:
            goal = expect_json(await worker.post(f"{path}/areas/{area}/goals", GOAL_PAYLOAD), 201)
            expect_json(await worker.post(f"/v1/goals/{goal['id']}/actions", ACTION_PAYLOAD), 201)
    words = CARE_PLAN_PAYLOADS["child" if plan["subject"] == "child" else "other"]
    plan = expect_json(await worker.patch(path, words, etag=(await worker.get(path)).headers["etag"]))
    for area, found in plan["areas"].items():
        if found["status"] is None:
            told = {"status": "no_need", "reason": "Strong enough."}
            plan = expect_json(await worker.put(f"{path}/areas/{area}", told, etag=f'"{plan["version"]}"'))
    return plan


async def create_approved_care_plan(
    scenario: Scenario, case: dict[str, Any], assessment: dict[str, Any], *, lead: str = "worker_north"
) -> dict[str, Any]:
    """An approved plan that rests on this assessment: written and submitted by the lead, approved by their supervisor."""
    worker, supervisor = scenario.client_for(lead), scenario.client_for(f"supervisor_{STAFF[lead][1][0][0]}")
    told = {"subject": assessment["subject"], "assessment_id": assessment["id"]}
    plan = expect_json(await worker.post(f"/v1/cases/{case['id']}/care-plans", told), 201)
    path = f"/v1/care-plans/{(await fill_care_plan(scenario, plan, lead=lead))['id']}"
    expect_json(await worker.act(path, "submit"))
    return expect_json(await supervisor.act(path, "approve"))


async def create_active_case(
    scenario: Scenario, lead: str = "worker_north", **options: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A new case with an approved child care plan: the case, active and with its first review scheduled, and the plan."""
    case, assessment = await create_assessed_case(scenario, lead, **options)
    plan = await create_approved_care_plan(scenario, case, assessment, lead=lead)
    return expect_json(await scenario.client_for(lead).get(f"/v1/cases/{case['id']}")), plan


EXIT_PLAN_PAYLOAD = {
    "checklist": {
        "in_school": {"met": True},
        "confident": {"met": True},
        "friends": {"met": True},
        "safe_home": {"met": True},
        "supporter_able": {"met": False, "note": "The aunt helps the grandmother."},
        "self_protection": {"met": True},
    },
    "taper": [
        {"from": "2027-01-01", "contacts_per_month": 4},
        {"from": "2027-02-01", "contacts_per_month": 1},
    ],
    "ends_on": "2027-02-26",
    "follow_up_months": [1, 3, 6],
}


async def get_next_review(scenario: Scenario, case_id: str, *, lead: str = "worker_north") -> dict[str, Any]:
    """The review of a case that is still to be held."""
    listed = expect_json(await scenario.client_for(lead).get(f"/v1/cases/{case_id}/reviews"))["items"]
    [waiting] = [review for review in listed if review["status"] == "scheduled"]
    return expect_json(await scenario.client_for(lead).get(f"/v1/reviews/{waiting['id']}"))


async def fill_next_review(
    scenario: Scenario,
    case_id: str,
    decision: str = "continue",
    *,
    lead: str = "worker_north",
    rating: int = 3,
    **changes: Any,
) -> str:
    """The path of the next review, with everything in it that its gate asks for: held today, each active area going on."""
    review = await get_next_review(scenario, case_id, lead=lead)
    area = {"rating": rating, "progress": "Tells of good days.", "decision": "continue"}
    words = {
        "areas": dict.fromkeys(review["active_areas"], area),
        "held_on": today().isoformat(),
        "decision": decision,
        **changes,
    }
    path = f"/v1/reviews/{review['id']}"
    expect_json(await scenario.client_for(lead).patch(path, words, etag=f'"{review["version"]}"'))
    return path


async def complete_next_review(
    scenario: Scenario,
    case_id: str,
    decision: str = "continue",
    *,
    lead: str = "worker_north",
    **changes: Any,
) -> dict[str, Any]:
    """The next review of a case, written and completed by the lead."""
    path = await fill_next_review(scenario, case_id, decision, lead=lead, **changes)
    return expect_json(await scenario.client_for(lead).act(path, "complete"))


async def create_exiting_case(
    scenario: Scenario, lead: str = "worker_north", **options: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A new case whose last review began the exit: the case, and that review."""
    case, _ = await create_active_case(scenario, lead, **options)
    review = await complete_next_review(scenario, case["id"], "begin_exit", lead=lead)
    return expect_json(await scenario.client_for(lead).get(f"/v1/cases/{case['id']}")), review


async def create_approved_exit_plan(
    scenario: Scenario, case_id: str, *, lead: str = "worker_north", **changes: Any
) -> dict[str, Any]:
    """An approved exit plan of a case: written by the lead, approved by their supervisor."""
    worker, path = scenario.client_for(lead), f"/v1/cases/{case_id}/exit-plan"
    seen = (await worker.get(path)).headers.get("etag")
    expect_json(await worker.put(path, {**EXIT_PLAN_PAYLOAD, **changes}, etag=seen))
    return expect_json(await scenario.client_for(f"supervisor_{STAFF[lead][1][0][0]}").act(path, "approve"))


async def create_closed_case(
    scenario: Scenario, lead: str = "worker_north", **options: Any
) -> dict[str, Any]:
    """A new case that went all the way: closed as planned, its follow-ups due."""
    case, _ = await create_exiting_case(scenario, lead, **options)
    await create_approved_exit_plan(scenario, case["id"], lead=lead)
    told = {"reason_code": "goals_met", "outcome": "Goes to school, sleeps well."}
    return expect_json(await scenario.client_for(lead).act(f"/v1/cases/{case['id']}", "close", told))


async def create_case_path(scenario: Scenario, *beside: str) -> str:
    """Return the path of a northern case, with co-workers."""
    path = f"/v1/cases/{(await scenario.open_case())['id']}"
    if beside:
        staff = {
            "lead_worker_id": str(id_of("worker_north")),
            "co_worker_ids": [str(id_of(n)) for n in beside],
        }
        expect_json(await scenario.supervisor_north.act(path, "assign", staff))
    return path


async def list_timeline_lines(caller: AuthenticatedClient, path: str, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = expect_json(await caller.get(f"{path}/timeline", params={"kind": kind}))[
        "items"
    ]
    return found


async def create_assessment_draft(
    scenario: Scenario, words: dict[str, Any] | None = None
) -> tuple[dict[str, Any], str]:
    """A case, and the path of a draft about its child."""
    case = await scenario.open_case()
    made = await scenario.worker_north.post(f"/v1/cases/{case['id']}/assessments", INITIAL_ASSESSMENT_PAYLOAD)
    path = f"/v1/assessments/{expect_json(made, 201)['id']}"
    if words is not None:
        expect_json(await scenario.worker_north.patch(path, words, etag='"1"'))
    return case, path


async def create_care_plan_draft(scenario: Scenario, **options: Any) -> tuple[str, dict[str, Any]]:
    """The path of a new draft, and the draft."""
    case, assessment = await create_assessed_case(scenario, **options)
    made = await scenario.worker_north.post(
        f"/v1/cases/{case['id']}/care-plans", care_plan_payload(assessment)
    )
    return made.headers["location"], expect_json(made, 201)


async def list_timeline_kinds(scenario: Scenario, case_id: str) -> list[str]:
    lines = expect_json(await scenario.worker_north.get(f"/v1/cases/{case_id}/timeline"))["items"]
    return [line["kind"] for line in lines]


def care_plan_payload(assessment: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"subject": assessment["subject"], "assessment_id": assessment["id"], **changes}
