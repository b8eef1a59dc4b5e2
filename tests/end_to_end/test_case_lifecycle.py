"""One child's two years: from a partner's referral to the follow-up six months after the exit, each gate refused once.

Over HTTP, by the people whose work it is; the clock is turned as the months go by.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from app.kit.dates import add_months
from app.models.record import freeze_time
from tests.support.case_lifecycle import (
    ACTION_PAYLOAD,
    CARE_PLAN_PAYLOADS,
    EXIT_PLAN_PAYLOAD,
    GOAL_PAYLOAD,
    assessment_payload,
    fill_care_plan,
)
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload, child_ids_in, id_of

TOLD = date(2024, 5, 29)
PLANNED = date(2024, 5, 31)
"""The last of a month: three months on are 31 August, 30 November, 28 February."""
PROVIDER = {
    "name": "Angkor Hospital for Children", "kind": "hospital", "services": ["medical"], "province_codes": ["17"],
    "safeguarding_checked_on": "2024-01-10", "safeguarding_valid_until": "2027-01-10",
}  # fmt: skip


@contextmanager
def on(day: date) -> Iterator[None]:
    """That day, at ten in the morning in Cambodia."""
    with freeze_time(datetime(day.year, day.month, day.day, 3, tzinfo=UTC)):
        yield


class Story:
    """The case, and who takes part in it."""

    def __init__(self, scenario: Scenario) -> None:
        self.world = scenario
        self.worker, self.supervisor = scenario.worker_north, scenario.supervisor_north
        self.case = ""
        self.child_id = ""

    async def refused(self, who: AuthenticatedClient, path: str, verb: str, body: Any = None) -> set[str]:
        """Try a step too early; return what it asks for."""
        return set(parse_unmet_pointers(await who.act(path, verb, body)))

    async def status(self) -> str:
        return str(expect_json(await self.worker.get(self.case))["status"])

    async def review(self, day: date, decision: str, rating: int, *, check: bool = False) -> dict[str, Any]:
        """Hold the review that is due; return the case as it is afterwards."""
        with on(day):
            [due] = [
                review
                for review in expect_json(await self.worker.get(f"{self.case}/reviews"))["items"]
                if review["status"] == "scheduled"
            ]
            assert due["due_on"] == day.isoformat()
            path = f"/v1/reviews/{due['id']}"
            if check:
                asked = await self.refused(self.worker, path, "complete")
                assert asked == {"rating_missing", "progress_missing", "decision_missing", "held_on_missing"}
            said = {"rating": rating, "progress": "ខ្ញុំលេងជាមួយមិត្តភក្តិ", "decision": "continue"}
            words = {
                "areas": dict.fromkeys(expect_json(await self.worker.get(path))["active_areas"], said),
                "held_on": day.isoformat(), "decision": decision,
            }  # fmt: skip
            seen = (await self.worker.get(path)).headers["etag"]
            expect_json(await self.worker.patch(path, words, etag=seen))
            if decision == "continue" and day > add_months(TOLD, 24):
                assert await self.refused(self.worker, path, "complete") == {"extension_needed"}
                assert (await self.supervisor.act(self.case, "extend", {})).status_code == 403
                longer = {"until": add_months(day, 4).isoformat(), "reason": "The trial is in two months."}
                expect_json(await self.world.manager.act(self.case, "extend", longer))
            expect_json(await self.worker.act(path, "complete"))
            return expect_json(await self.worker.get(self.case))


async def test_a_childs_two_years(scenario: Scenario) -> None:
    story = Story(scenario)
    await _referred(story)
    await _assessed(story)
    plan = await _planned(story)
    await _supported(story, plan)
    await _reviewed(story)
    await _ended(story)
    await _followed(story)
    await _looked_back(story)


async def _referred(story: Story) -> None:
    with on(TOLD):
        told = await story.world.create_referral(consent={
            "given_by": ["child", "caregiver"], "method": "oral", "on": "2024-05-28", "scope": ["services", "share_with_fsc"],
        })  # fmt: skip
        path, lead = f"/v1/referrals/{told['id']}", story.supervisor
        expect_json(await lead.act(path, "acknowledge", {"team_id": str(id_of("north"))}))
        hasty = acceptance_payload(
            screening={"meets_criteria": False, "reason": None}, duplicates_reviewed=False
        )
        assert {"criteria_not_met", "duplicates_not_reviewed"} <= await story.refused(
            lead, path, "accept", hasty
        )
        accepted = expect_json(await lead.act(path, "accept", acceptance_payload()))
    story.case, story.child_id = f"/v1/cases/{accepted['case_id']}", accepted["child_id"]
    assert await story.status() == "assessment"


async def _assessed(story: Story) -> None:
    with on(TOLD + timedelta(days=1)):
        worker = story.worker
        draft = expect_json(
            await worker.post(f"{story.case}/assessments", {"subject": "child", "kind": "initial"}), 201
        )
        path = f"/v1/assessments/{draft['id']}"
        words = assessment_payload("high", ("emotional_health", "education"))
        for section, text in words.pop("sections").items():
            seen = (await worker.get(path)).headers["etag"]
            expect_json(await worker.patch(path, {"sections": {section: text}}, etag=seen))
        missing = await story.refused(worker, path, "submit")
        words_missing = {f"{part}_missing" for part in ("rating", "need", "strengths", "risk")}
        assert missing == {*words_missing, "child_wishes_missing", "risk_level_missing"}
        expect_json(await worker.patch(path, words, etag=(await worker.get(path)).headers["etag"]))
        early = {"subject": "child", "assessment_id": draft["id"]}
        assert (await worker.post(f"{story.case}/care-plans", early)).status_code == 409
        expect_json(await worker.act(path, "submit"))
        assert (await worker.act(path, "approve")).status_code == 403
        assert (await story.supervisor.act(path, "return")).status_code == 422  # without a word
        expect_json(await story.supervisor.act(path, "return", {"comment": "What does the teacher say?"}))
        expect_json(await worker.act(path, "submit"))
        expect_json(await story.supervisor.act(path, "approve"))
        frozen = await worker.patch(
            path, {"child_wishes": "x"}, etag=(await worker.get(path)).headers["etag"]
        )
        assert set(parse_unmet_pointers(frozen)) == {"frozen"}
    assert await story.status() == "planning"


async def _planned(story: Story) -> dict[str, Any]:
    worker = story.worker
    with on(PLANNED):
        [assessment] = expect_json(await worker.get(f"{story.case}/assessments"))["items"]
        told = {"subject": "child", "assessment_id": assessment["id"]}
        plan = expect_json(await worker.post(f"{story.case}/care-plans", told), 201)
        path = f"/v1/care-plans/{plan['id']}"
        asked = await story.refused(worker, path, "submit")
        assert asked == {
            "area_unanswered",
            "safety_plan_missing",
            "child_view_missing",
            "supporter_view_missing",
        }
        weak = {"status": "no_need", "reason": "She manages."}
        unfit = await worker.put(f"{path}/areas/education", weak, etag=f'"{plan["version"]}"')
        assert set(parse_unmet_pointers(unfit)) == {"area_weak"}
        plan = await fill_care_plan(story.world, plan)
        expect_json(await worker.act(path, "submit"))
        plan = expect_json(await story.supervisor.act(path, "approve"))
        case = expect_json(await worker.get(story.case))
        assert (case["status"], case["next_review_on"]) == ("active", "2024-08-31")
        await _family_planned(story)
    return plan


async def _family_planned(story: Story) -> None:
    worker = story.worker
    [supporter] = [
        p for p in expect_json(await worker.get(f"{story.case}/people"))["items"] if p["role"] == "supporter"
    ]
    about = {"subject": "supporter", "person_id": supporter["id"]}
    draft = expect_json(await worker.post(f"{story.case}/assessments", {**about, "kind": "initial"}), 201)
    path = f"/v1/assessments/{draft['id']}"
    expect_json(await worker.patch(path, assessment_payload("low", ()), etag='"1"'))
    expect_json(await worker.act(path, "submit"))
    expect_json(await story.supervisor.act(path, "approve"))
    plan = expect_json(
        await worker.post(f"{story.case}/care-plans", {**about, "assessment_id": draft["id"]}), 201
    )
    path = f"/v1/care-plans/{plan['id']}"
    assert (
        len(await story.refused(worker, path, "submit")) == 3
    )  # both gaps, and whether social work is needed
    expect_json(
        await worker.patch(path, CARE_PLAN_PAYLOADS["other"], etag=(await worker.get(path)).headers["etag"])
    )
    expect_json(await worker.act(path, "submit"))
    expect_json(await story.supervisor.act(path, "approve"))


async def _supported(story: Story, plan: dict[str, Any]) -> None:
    worker = story.worker
    goal = plan["areas"]["emotional_health"]["goals"][0]
    with on(date(2024, 6, 4)):
        series = {"kind": "therapy", "form": "play", "first_at": "2024-06-04T02:00:00Z", "every_weeks": 1, "count": 8,
                  "areas": ["emotional_health"], "goal_ids": [goal["id"]]}  # fmt: skip
        planned = expect_json(await worker.post(f"{story.case}/support-sessions/series", series), 201)[
            "items"
        ]
        first, second = f"/v1/support-sessions/{planned[0]['id']}", f"/v1/support-sessions/{planned[1]['id']}"
        held = {
            "held_at": "2024-06-04T02:00:00Z",
            "attendance": "attended",
            "summary": "Drew a house with many doors.",
        }
        expect_json(await worker.patch(first, held, etag='"1"'))
        expect_json(await worker.put(f"{first}/clinical-note", {"text": "Avoids the colour red."}))
        assert (await story.supervisor.get(f"{first}/clinical-note")).status_code == 200
        assert (await story.world.manager.get(f"{first}/clinical-note")).status_code == 403
    with on(date(2024, 6, 11)):
        late = await worker.patch(first, {"summary": "x"}, etag=(await worker.get(first)).headers["etag"])
        assert set(parse_unmet_pointers(late)) == {"frozen"}
        expect_json(await worker.post(f"{first}/addenda", {"text": "The grandmother called."}), 201)
        missed = {"attendance": "missed_by_family", "missed_reason": "The road was flooded."}
        expect_json(await worker.patch(second, missed, etag='"1"'))
        await _served(story)


async def _served(story: Story) -> None:
    worker = story.worker
    provider = expect_json(await story.supervisor.post("/v1/providers", PROVIDER), 201)
    agreed = {
        "given_by": ["caregiver"],
        "method": "thumbprint",
        "on": "2024-06-10",
        "scope": ["share_with_providers"],
    }
    consent = expect_json(
        await worker.post(f"{story.case}/consents", {**agreed, "valid_until": "2024-06-10"}), 201
    )
    wanted = {"provider_id": provider["id"], "service": "medical", "need": "Stomach pain.", "consent_id": consent["id"],
              "shared_fields": ["names", "age", "need"]}  # fmt: skip
    service = expect_json(await worker.post(f"{story.case}/service-referrals", wanted), 201)
    path = f"/v1/service-referrals/{service['id']}"
    assert await story.refused(worker, path, "send") == {"consent_expired"}
    fresh = expect_json(await worker.post(f"{story.case}/consents", agreed), 201)
    expect_json(
        await worker.patch(path, {"consent_id": fresh["id"]}, etag=(await worker.get(path)).headers["etag"])
    )
    expect_json(await worker.act(path, "send"))
    expect_json(await worker.act(path, "accept"))
    expect_json(await worker.act(path, "complete", {"outcome": "need_met", "note": "Eats again."}))


async def _reviewed(story: Story) -> None:
    case = await story.review(date(2024, 8, 31), "continue", 2, check=True)
    assert case["next_review_on"] == "2024-11-30"
    case = await story.review(date(2024, 11, 30), "adapt", 3)
    assert case["next_review_on"] == "2025-02-28"
    with on(date(2024, 12, 2)):
        plans = expect_json(await story.worker.get(f"{story.case}/care-plans"))["items"]
        [draft] = [plan for plan in plans if plan["status"] == "draft"]
        assert draft["edition"] == 2
        path = f"/v1/care-plans/{draft['id']}"
        area = next(
            name
            for name, found in expect_json(await story.worker.get(path))["areas"].items()
            if found["goals"]
        )
        goal = expect_json(await story.worker.post(f"{path}/areas/{area}/goals", GOAL_PAYLOAD), 201)
        expect_json(
            await story.worker.post(f"/v1/goals/{goal['id']}/actions", {**ACTION_PAYLOAD, "by": "child"}), 201
        )
        await fill_care_plan(story.world, expect_json(await story.worker.get(path)))
        expect_json(await story.worker.act(path, "submit"))
        expect_json(await story.supervisor.act(path, "approve"))
        assert expect_json(await story.worker.get(story.case))["next_review_on"] == "2025-02-28"
    day = date(2025, 2, 28)
    while day < date(2026, 5, 28):
        case = await story.review(day, "continue", 3)
        day = add_months(day, 3)
        assert case["next_review_on"] == day.isoformat()
    case = await story.review(date(2026, 5, 28), "continue", 4)  # a day before 24 months
    case = await story.review(date(2026, 8, 28), "continue", 4)  # past them: extended within
    assert case["extended_until"] == "2026-12-28"


async def _ended(story: Story) -> None:
    worker, case = story.worker, story.case
    goodbye = {"reason_code": "goals_met", "outcome": "Sleeps well, goes to school, laughs."}
    with on(date(2026, 11, 1)):
        assert await story.refused(worker, case, "close", goodbye) == {
            "exit_plan_not_approved",
            "final_review_missing",
        }
    closing = await story.review(date(2026, 11, 28), "begin_exit", 4)
    assert closing["status"] == "exiting"
    with on(date(2026, 11, 29)):
        path = f"{case}/exit-plan"
        asked = await story.refused(story.supervisor, path, "approve")
        assert asked == {"condition_unanswered", "taper_not_falling", "ends_on_missing"}
        plan = {
            **EXIT_PLAN_PAYLOAD,
            "taper": [
                {"from": "2026-12-01", "contacts_per_month": 2},
                {"from": "2027-01-01", "contacts_per_month": 1},
            ],
        }
        expect_json(await worker.put(path, plan, etag=(await worker.get(path)).headers["etag"]))
        assert (await worker.act(path, "approve")).status_code == 403
        expect_json(await story.supervisor.act(path, "approve"))
    with on(date(2027, 2, 26)):
        closed = expect_json(await worker.act(case, "close", goodbye))
    assert (closed["status"], closed["closed_on"], closed["next_review_on"]) == ("closed", "2027-02-26", None)


async def _followed(story: Story) -> None:
    worker, due = story.worker, ["2027-03-26", "2027-05-26", "2027-08-26"]
    waiting = expect_json(await worker.get(f"{story.case}/follow-ups"))["items"]
    assert sorted(follow_up["due_on"] for follow_up in waiting) == due
    for day in due:
        with on(date.fromisoformat(day)):
            [now] = [follow_up for follow_up in waiting if follow_up["due_on"] == day]
            seen = {"held_on": day, "wellbeing": "well", "note": "Still plays football."}
            held = await worker.patch(f"/v1/follow-ups/{now['id']}", seen, etag='"1"')
            assert expect_json(held)["status"] == "held"
            late = await worker.post(
                f"{story.case}/assessments", {"subject": "child", "kind": "reassessment"}
            )
            assert set(parse_unmet_pointers(late)) == {"status"}  # the case is closed


async def _looked_back(story: Story) -> None:
    world, case = story.world, story.case
    kinds: list[str] = []
    query: dict[str, Any] = {"limit": 40}
    while True:
        answer = await story.supervisor.get(f"{case}/timeline", params=query)
        page = expect_json(answer)
        kinds += [line["kind"] for line in page["items"]]
        logged = {
            entry["child_id"] for entry in await world.list_access_entries(answer.headers["x-request-id"])
        }
        assert logged == child_ids_in(page) == {story.child_id}
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert kinds.count("review_completed") == 10
    assert {"case_opened", "case_activated", "session_held", "service_referral_completed", "case_extended",
            "exit_plan_approved", "case_closed", "follow_up_held"} <= set(kinds)  # fmt: skip
    outcomes = expect_json(await story.worker.get(f"{case}/outcomes"))
    assert outcomes["child_id"] == story.child_id
    [feelings] = [found for found in outcomes["areas"] if found["area"] == "emotional_health"]
    assert [point["rating"] for point in feelings["points"]] == [2, 2, *[3] * 6, *[4] * 3]
    for stranger, status in (("worker_south", 404), ("partner_two", 403), ("finance", 403), ("dpo", 403)):
        assert (await world.client_for(stranger).get(case)).status_code == status
