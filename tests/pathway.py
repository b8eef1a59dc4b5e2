"""Arrangement over HTTP, for everybody: a case on its way from assessment to exit, by the same acts as in life."""

from collections.abc import Sequence
from typing import Any

import httpx

from app.kit.dates import today
from tests.world import STAFF, World

AREAS = (
    "emotional_health",
    "physical_health",
    "shelter_safety",
    "behaviour",
    "relationships",
    "education",
    "legal",
)
SECTIONS = {
    "current_situation": "Lives with the grandmother; goes to school again.",
    "personal_history": "The third of four children.",
    "family_home": "The mother works in Thailand and calls every Sunday.",
    "physical_state": "ធម្មតា",
    "emotional_state": "Sleeps badly.",
}


def done(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """What an answer says, once it is the one expected."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def assessment_words(
    risk_level: str = "medium", weak: Sequence[str] = ("emotional_health",)
) -> dict[str, Any]:
    """Everything that the gate of an assessment asks for; `weak` areas are rated 2, the others 3."""
    areas = {
        area: {
            "rating": 2 if area in weak else 3,
            "need": f"What is missing: {area}.",
            "strengths": "A caring grandmother.",
            "risk": "Low while the grandmother is at home.",
            "source": "child",
        }
        for area in AREAS
    }
    return {
        "sections": dict(SECTIONS),
        "areas": areas,
        "child_wishes": "To play football again.",
        "risk_level": risk_level,
    }


async def assess(
    world: World,
    case: dict[str, Any],
    *,
    lead: str = "worker_north",
    subject: str = "child",
    kind: str = "initial",
    risk_level: str = "medium",
    weak: Sequence[str] = ("emotional_health",),
    **changes: Any,
) -> dict[str, Any]:
    """An approved assessment of a subject of this case: drafted, filled and submitted by the lead, approved by their supervisor.

    Of a supporter or a family it is about the case's first supporter. `changes` replace fields of the words.
    """
    worker, supervisor = world.as_(lead), world.as_(f"supervisor_{STAFF[lead][1][0][0]}")
    here = f"/v1/cases/{case['id']}"
    told = {"subject": subject, "kind": kind}
    if subject != "child":
        people = done(await worker.get(f"{here}/people"))["items"]
        told["person_id"] = next(person["id"] for person in people if person["role"] == "supporter")
    made = await worker.post(f"{here}/assessments", told)
    path = f"/v1/assessments/{done(made, 201)['id']}"
    words = {**assessment_words(risk_level, weak), **changes}
    done(await worker.patch(path, words, etag=made.headers["etag"]))
    done(await worker.act(path, "submit"))
    return done(await supervisor.act(path, "approve"))


async def assessed(
    world: World, lead: str = "worker_north", **options: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A new case with an approved assessment (of the child, unless told otherwise): the case as it is now, and the assessment."""
    case = await world.case(lead)
    assessment = await assess(world, case, lead=lead, **options)
    return done(await world.as_(lead).get(f"/v1/cases/{case['id']}")), assessment


PLAN_WORDS: dict[str, dict[str, Any]] = {
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
GOAL = {"statement": "Sleeps through the night.", "strengths_used": "Tells the grandmother."}
ACTION = {"what": "Play therapy on Tuesdays.", "by": "worker", "due_on": "2027-01-31"}


async def fill_plan(world: World, plan: dict[str, Any], *, lead: str = "worker_north") -> dict[str, Any]:
    """A draft with everything that its gate asks for: a goal with an action in weak areas, elsewhere no need."""
    worker, path = world.as_(lead), f"/v1/care-plans/{plan['id']}"
    for area, found in plan["areas"].items():
        if found["rating"] in {1, 2}:
            goal = done(await worker.post(f"{path}/areas/{area}/goals", GOAL), 201)
            done(await worker.post(f"/v1/goals/{goal['id']}/actions", ACTION), 201)
    words = PLAN_WORDS["child" if plan["subject"] == "child" else "other"]
    plan = done(await worker.patch(path, words, etag=(await worker.get(path)).headers["etag"]))
    for area, found in plan["areas"].items():
        if found["status"] is None:
            told = {"status": "no_need", "reason": "Strong enough."}
            plan = done(await worker.put(f"{path}/areas/{area}", told, etag=f'"{plan["version"]}"'))
    return plan


async def plan_for(
    world: World, case: dict[str, Any], assessment: dict[str, Any], *, lead: str = "worker_north"
) -> dict[str, Any]:
    """An approved plan that rests on this assessment: written and submitted by the lead, approved by their supervisor."""
    worker, supervisor = world.as_(lead), world.as_(f"supervisor_{STAFF[lead][1][0][0]}")
    told = {"subject": assessment["subject"], "assessment_id": assessment["id"]}
    plan = done(await worker.post(f"/v1/cases/{case['id']}/care-plans", told), 201)
    path = f"/v1/care-plans/{(await fill_plan(world, plan, lead=lead))['id']}"
    done(await worker.act(path, "submit"))
    return done(await supervisor.act(path, "approve"))


async def active(
    world: World, lead: str = "worker_north", **options: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A new case with an approved child care plan: the case, active and with its first review scheduled, and the plan."""
    case, assessment = await assessed(world, lead, **options)
    plan = await plan_for(world, case, assessment, lead=lead)
    return done(await world.as_(lead).get(f"/v1/cases/{case['id']}")), plan


EXIT_PLAN = {
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


async def next_review(world: World, case_id: str, *, lead: str = "worker_north") -> dict[str, Any]:
    """The review of a case that is still to be held."""
    listed = done(await world.as_(lead).get(f"/v1/cases/{case_id}/reviews"))["items"]
    [waiting] = [review for review in listed if review["status"] == "scheduled"]
    return done(await world.as_(lead).get(f"/v1/reviews/{waiting['id']}"))


async def write_review(
    world: World,
    case_id: str,
    decision: str = "continue",
    *,
    lead: str = "worker_north",
    rating: int = 3,
    **changes: Any,
) -> str:
    """The path of the next review, with everything in it that its gate asks for: held today, each active area going on."""
    review = await next_review(world, case_id, lead=lead)
    area = {"rating": rating, "progress": "Tells of good days.", "decision": "continue"}
    words = {
        "areas": dict.fromkeys(review["active_areas"], area),
        "held_on": today().isoformat(),
        "decision": decision,
        **changes,
    }
    path = f"/v1/reviews/{review['id']}"
    done(await world.as_(lead).patch(path, words, etag=f'"{review["version"]}"'))
    return path


async def reviewed(
    world: World, case_id: str, decision: str = "continue", *, lead: str = "worker_north", **changes: Any
) -> dict[str, Any]:
    """The next review of a case, written and completed by the lead."""
    path = await write_review(world, case_id, decision, lead=lead, **changes)
    return done(await world.as_(lead).act(path, "complete"))


async def exiting(
    world: World, lead: str = "worker_north", **options: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A new case whose last review began the exit: the case, and that review."""
    case, _ = await active(world, lead, **options)
    review = await reviewed(world, case["id"], "begin_exit", lead=lead)
    return done(await world.as_(lead).get(f"/v1/cases/{case['id']}")), review


async def exit_plan_for(
    world: World, case_id: str, *, lead: str = "worker_north", **changes: Any
) -> dict[str, Any]:
    """An approved exit plan of a case: written by the lead, approved by their supervisor."""
    worker, path = world.as_(lead), f"/v1/cases/{case_id}/exit-plan"
    seen = (await worker.get(path)).headers.get("etag")
    done(await worker.put(path, {**EXIT_PLAN, **changes}, etag=seen))
    return done(await world.as_(f"supervisor_{STAFF[lead][1][0][0]}").act(path, "approve"))


async def closed(world: World, lead: str = "worker_north", **options: Any) -> dict[str, Any]:
    """A new case that went all the way: closed as planned, its follow-ups due."""
    case, _ = await exiting(world, lead, **options)
    await exit_plan_for(world, case["id"], lead=lead)
    told = {"reason_code": "goals_met", "outcome": "Goes to school, sleeps well."}
    return done(await world.as_(lead).act(f"/v1/cases/{case['id']}", "close", told))
