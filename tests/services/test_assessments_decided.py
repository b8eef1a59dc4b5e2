"""An assessment handed in and decided on: nothing missing, frozen meanwhile, decided by somebody else."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from tests.access.intrusion import acting
from tests.pathway import AREAS, SECTIONS, assess, assessment_words, done
from tests.services.test_assessments import drafted, unmet
from tests.services.test_referral_life import faults
from tests.world import World

ASKED = ("rating", "need", "strengths", "risk")


async def submitted(world: World) -> tuple[dict[str, Any], str]:
    case, path = await drafted(world, assessment_words())
    done(await world.worker_north.act(path, "submit"))
    return case, path


async def lines(world: World, case: dict[str, Any]) -> Sequence[dict[str, Any]]:
    items = done(await world.worker_north.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    return [line for line in reversed(items) if line["kind"].startswith("assessment")]


async def test_a_submission_lists_everything_that_is_missing_one_by_one(world: World) -> None:
    _, path = await drafted(world)
    worker = world.worker_north
    everything = {
        *((f"/sections/{name}", "section_missing") for name in SECTIONS),
        *((f"/areas/{area}/{field}", f"{field}_missing") for area in AREAS for field in ASKED),
        ("/child_wishes", "child_wishes_missing"),
        ("/risk_level", "risk_level_missing"),
    }
    assert unmet(await worker.act(path, "submit")) == everything
    words = assessment_words()
    del words["sections"]["family_home"], words["areas"]["legal"]["risk"], words["child_wishes"]
    words["areas"]["education"] = {"rating": 4}
    words["areas"]["behaviour"]["source"] = None  # who said so need not be told
    done(await worker.patch(path, words, etag='"1"'))
    left = {
        ("/sections/family_home", "section_missing"),
        ("/areas/legal/risk", "risk_missing"),
        *((f"/areas/education/{field}", f"{field}_missing") for field in ASKED[1:]),
        ("/child_wishes", "child_wishes_missing"),
    }
    assert unmet(await worker.act(path, "submit")) == left
    rest = {
        "sections": {"family_home": "A quiet home."},
        "areas": {name: assessment_words()["areas"][name] for name in ("legal", "education")},
        "no_wishes_reason": "The child does not speak yet.",
    }
    done(await worker.patch(path, rest, etag='"2"'))
    handed_in = done(await worker.act(path, "submit"))
    assert (handed_in["status"], handed_in["submitted_by_id"]) == ("submitted", str(worker.id))
    assert unmet(await worker.act(path, "submit")) == {("/status", "status")}


async def test_what_is_submitted_is_frozen_until_it_is_returned(world: World) -> None:
    case, path = await submitted(world)
    worker, supervisor = world.worker_north, world.supervisor_north
    whole = done(await worker.get(path))
    for caller in (worker, supervisor):
        refused = await caller.patch(path, {"risk_level": "low"}, etag=f'"{whole["version"]}"')
        assert unmet(refused) == {("/status", "frozen")}
    assert faults(await supervisor.act(path, "return", {})) == {("/comment", "missing")}
    returned = done(await supervisor.act(path, "return", {"comment": "Ask the school too."}))
    assert (returned["status"], returned["decision_comment"]) == ("returned", "Ask the school too.")
    assert returned["decided_by_id"] == str(supervisor.id)
    assert unmet(await supervisor.act(path, "approve", {})) == {("/status", "status")}

    seen = (await worker.get(path)).headers["etag"]
    done(await worker.patch(path, {"areas": {"education": {"source": "school"}}}, etag=seen))
    again = done(await worker.act(path, "submit"))
    assert (again["decided_at"], again["decided_by_id"], again["decision_comment"]) == (None, None, None)
    approved = done(await supervisor.act(path, "approve", {"comment": "Thorough."}))
    assert (approved["status"], approved["decision_comment"]) == ("approved", "Thorough.")
    assert approved["sections"] == whole["sections"]
    seen = f'"{approved["version"]}"'
    assert unmet(await worker.patch(path, {"risk_level": "low"}, etag=seen)) == {("/status", "frozen")}
    assert unmet(await supervisor.act(path, "return", {"comment": "x"})) == {("/status", "status")}
    told = [(line["kind"], line["by_id"]) for line in await lines(world, case)]
    assert told == [
        ("assessment_started", str(worker.id)),
        ("assessment_submitted", str(worker.id)),
        ("assessment_returned", str(supervisor.id)),
        ("assessment_submitted", str(worker.id)),
        ("assessment_approved", str(supervisor.id)),
    ]
    assert (await lines(world, case))[0]["detail"] == {"subject": "child", "kind": "initial"}


async def test_nobody_decides_on_their_own_work_or_for_another_team(world: World) -> None:
    case, path = await submitted(world)
    for caller, status in (
        (world.worker_north, 403),
        (world.manager, 403),
        (world.admin, 403),
        (world.supervisor_south, 404),
    ):
        for act, body in (("approve", {}), ("return", {"comment": "x"})):
            answer = await caller.post(f"{path}/{act}", body, etag='"3"')
            assert answer.status_code == status, (caller.name, act)
    why = {"reason": "The team's supervisor cannot be reached."}
    done(await world.supervisor_south.post(f"/v1/cases/{case['id']}/break-glass", why))
    assert unmet(await world.supervisor_south.act(path, "approve", {})) == {(None, "not_your_team")}
    done(await world.supervisor_both.act(path, "return", {"comment": "x"}))
    done(await world.supervisor_north.act(path, "submit"))
    own = await world.supervisor_north.act(path, "approve", {})
    assert unmet(own) == {(None, "own_work")}
    done(await world.supervisor_both.act(path, "approve"))


async def test_approving_the_childs_first_assessment_moves_the_case_to_planning(world: World) -> None:
    case = await world.case()
    here = f"/v1/cases/{case['id']}"
    await assess(world, case, subject="supporter")
    assert done(await world.worker_north.get(here))["status"] == "assessment"
    await assess(world, case)
    moved = done(await world.worker_north.get(here))
    assert (moved["status"], moved["version"]) == ("planning", case["version"] + 1)
    await assess(world, case, kind="reassessment")
    assert done(await world.worker_north.get(here))["version"] == moved["version"]


async def test_two_decisions_at_once_are_one(world: World) -> None:
    case, path = await submitted(world)
    supervisors = (world.supervisor_north, world.supervisor_both)
    answers = await asyncio.gather(
        supervisors[0].post(f"{path}/approve", {}, etag='"3"'),
        supervisors[1].post(f"{path}/return", {"comment": "x"}, etag='"3"'),
        supervisors[1].post(f"{path}/approve", {}, etag='"3"'),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    status = done(await world.worker_north.get(path))["status"]
    found = done(await world.worker_north.get(f"/v1/cases/{case['id']}"))["status"]
    assert (status, found) in {("approved", "planning"), ("returned", "assessment")}
    assert len(await lines(world, case)) == 3


async def test_hand_written_sql_cannot_thaw_what_was_submitted(world: World) -> None:
    _, path = await submitted(world)
    connection = await asyncpg.connect(world.urls.api)
    try:
        for change in ("content_encrypted = 'x'", "ratings = '{}'", "risk_level = 'low'"):
            async with acting(connection, "supervisor_north"):
                with pytest.raises(asyncpg.CheckViolationError, match="frozen"):
                    await connection.execute(f"UPDATE assessments SET {change}")  # noqa: S608 - written above
    finally:
        await connection.close()
    assert done(await world.worker_north.get(path))["risk_level"] == "medium"


async def test_whoever_wrote_on_a_draft_does_not_decide_on_it(world: World) -> None:
    # Planted: the trigger `record_contributor` dropped.
    case = await world.case()
    made = await world.worker_north.post(
        f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "initial"}
    )
    path = f"/v1/assessments/{done(made, 201)['id']}"
    written = await world.supervisor_north.patch(path, assessment_words(), etag='"1"')
    done(written)
    done(await world.worker_north.act(path, "submit"))
    assert unmet(await world.supervisor_north.act(path, "approve")) == {(None, "own_work")}
    returned = await world.supervisor_both.act(path, "return", {"comment": "Whose words are these?"})
    done(returned)  # deciding is no writing
    done(await world.worker_north.act(path, "submit"))
    done(await world.supervisor_both.act(path, "approve"))
