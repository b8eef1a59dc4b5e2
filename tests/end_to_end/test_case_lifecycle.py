"""The whole life cycle of one case: from the referral to the last follow-up, with a refusal of each gate.

The requests are sent over HTTP by the roles that are responsible for each step. The clock moves through the months.
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
    GOAL_PAYLOAD,
    assessment_payload,
    exit_plan_payload,
    fill_care_plan,
)
from tests.support.responses import expect_json, parse_unmet_pointers, patch_latest
from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload, child_ids_in, id_of

REFERRED_ON = date(2022, 5, 29)
PLAN_APPROVED_ON = date(2022, 5, 31)
"""The last day of a month, so that the reviews are due on 31 August, 30 November and 28 February."""
PROVIDER_PAYLOAD = {
    "name": "Angkor Hospital for Children", "kind": "hospital", "services": ["medical"], "province_codes": ["17"],
    "safeguarding_checked_on": "2022-01-10", "safeguarding_valid_until": "2025-01-10",
}  # fmt: skip


@contextmanager
def freeze_day(day: date) -> Iterator[None]:
    """Set the clock to ten in the morning in Cambodia."""
    with freeze_time(datetime(day.year, day.month, day.day, 3, tzinfo=UTC)):
        yield


class CaseLifecycle:
    """The case under test, its child and its staff."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.worker, self.supervisor = scenario.worker_north, scenario.supervisor_north
        self.case_path = ""
        self.child_id = ""

    async def expect_refusal(
        self, caller: AuthenticatedClient, path: str, verb: str, body: Any = None
    ) -> set[str]:
        """Assert that a gate refuses an act, and return the codes of the unmet conditions."""
        return set(parse_unmet_pointers(await caller.act(path, verb, body)))

    async def get_status(self) -> str:
        return str(expect_json(await self.worker.get(self.case_path))["status"])

    async def hold_review(
        self, day: date, decision: str, rating: int, *, expects_refusal: bool = False
    ) -> dict[str, Any]:
        """Complete the review that is due on a day, and return the updated case."""
        with freeze_day(day):
            [due] = [
                review
                for review in expect_json(await self.worker.get(f"{self.case_path}/reviews"))["items"]
                if review["status"] == "scheduled"
            ]
            assert due["due_on"] == day.isoformat()
            path = f"/v1/reviews/{due['id']}"
            if expects_refusal:
                unmet = await self.expect_refusal(self.worker, path, "complete")
                assert unmet == {"rating_missing", "progress_missing", "decision_missing", "held_on_missing"}
            area = {"rating": rating, "progress": "ខ្ញុំលេងជាមួយមិត្តភក្តិ", "decision": "continue"}
            payload = {
                "areas": dict.fromkeys(expect_json(await self.worker.get(path))["active_areas"], area),
                "held_on": day.isoformat(), "decision": decision,
            }  # fmt: skip
            await patch_latest(self.worker, path, payload)
            if decision == "continue" and day > add_months(REFERRED_ON, 24):
                assert await self.expect_refusal(self.worker, path, "complete") == {"extension_needed"}
                assert (await self.supervisor.act(self.case_path, "extend", {})).status_code == 403
                extension = {"until": add_months(day, 4).isoformat(), "reason": "The trial is in two months."}
                expect_json(await self.scenario.manager.act(self.case_path, "extend", extension))
            expect_json(await self.worker.act(path, "complete"))
            return expect_json(await self.worker.get(self.case_path))


async def test_case_passes_every_gate_from_referral_to_last_follow_up(scenario: Scenario) -> None:
    lifecycle = CaseLifecycle(scenario)
    await accept_referral(lifecycle)
    await approve_assessment(lifecycle)
    plan = await approve_child_care_plan(lifecycle)
    await hold_sessions(lifecycle, plan)
    await hold_reviews(lifecycle)
    await close_case(lifecycle)
    await hold_follow_ups(lifecycle)
    await check_timeline_and_outcomes(lifecycle)


async def accept_referral(lifecycle: CaseLifecycle) -> None:
    with freeze_day(REFERRED_ON):
        referral = await lifecycle.scenario.create_referral(consent={
            "given_by": ["child", "caregiver"], "method": "oral", "on": "2022-05-28", "scope": ["services", "share_with_fsc", "follow_up_contact"],
        })  # fmt: skip
        path, supervisor = f"/v1/referrals/{referral['id']}", lifecycle.supervisor
        expect_json(await supervisor.act(path, "acknowledge", {"team_id": str(id_of("north"))}))
        incomplete = acceptance_payload(
            screening={"meets_criteria": False, "reason": None}, duplicates_reviewed=False
        )
        assert {"criteria_not_met", "duplicates_not_reviewed"} <= await lifecycle.expect_refusal(
            supervisor, path, "accept", incomplete
        )
        referral = expect_json(await supervisor.act(path, "accept", acceptance_payload()))
    lifecycle.case_path, lifecycle.child_id = f"/v1/cases/{referral['case_id']}", referral["child_id"]
    assert await lifecycle.get_status() == "assessment"


async def approve_assessment(lifecycle: CaseLifecycle) -> None:
    with freeze_day(REFERRED_ON + timedelta(days=1)):
        worker = lifecycle.worker
        draft = expect_json(
            await worker.post(f"{lifecycle.case_path}/assessments", {"subject": "child", "kind": "initial"}),
            201,
        )
        path = f"/v1/assessments/{draft['id']}"
        content = assessment_payload("high", ("emotional_health", "education"))
        for section, text in content.pop("sections").items():
            expect_json(await patch_latest(worker, path, {"sections": {section: text}}))
        unmet = await lifecycle.expect_refusal(worker, path, "submit")
        area_codes = {f"{field}_missing" for field in ("rating", "need", "strengths", "risk")}
        assert unmet == {*area_codes, "child_wishes_missing", "risk_level_missing"}
        expect_json(await patch_latest(worker, path, content))
        premature_plan = {"subject": "child", "assessment_id": draft["id"]}
        assert (await worker.post(f"{lifecycle.case_path}/care-plans", premature_plan)).status_code == 409
        expect_json(await worker.act(path, "submit"))
        assert (await worker.act(path, "approve")).status_code == 403
        # The required comment is missing.
        assert (await lifecycle.supervisor.act(path, "return")).status_code == 422
        expect_json(await lifecycle.supervisor.act(path, "return", {"comment": "What does the teacher say?"}))
        expect_json(await worker.act(path, "submit"))
        expect_json(await lifecycle.supervisor.act(path, "approve"))
        change_after_approval = await patch_latest(worker, path, {"child_wishes": "x"})
        assert set(parse_unmet_pointers(change_after_approval)) == {"frozen"}
    assert await lifecycle.get_status() == "planning"


async def approve_child_care_plan(lifecycle: CaseLifecycle) -> dict[str, Any]:
    worker = lifecycle.worker
    with freeze_day(PLAN_APPROVED_ON):
        [assessment] = expect_json(await worker.get(f"{lifecycle.case_path}/assessments"))["items"]
        payload = {"subject": "child", "assessment_id": assessment["id"]}
        plan = expect_json(await worker.post(f"{lifecycle.case_path}/care-plans", payload), 201)
        path = f"/v1/care-plans/{plan['id']}"
        unmet = await lifecycle.expect_refusal(worker, path, "submit")
        assert unmet == {
            "area_unanswered",
            "safety_plan_missing",
            "child_view_missing",
            "supporter_view_missing",
        }
        no_need = {"status": "no_need", "reason": "She manages."}
        response = await worker.put(f"{path}/areas/education", no_need, etag=f'"{plan["version"]}"')
        assert set(parse_unmet_pointers(response)) == {"area_weak"}
        plan = await fill_care_plan(lifecycle.scenario, plan)
        expect_json(await worker.act(path, "submit"))
        plan = expect_json(await lifecycle.supervisor.act(path, "approve"))
        case = expect_json(await worker.get(lifecycle.case_path))
        assert (case["status"], case["next_review_on"]) == ("active", "2022-08-31")
        await approve_supporter_care_plan(lifecycle)
    return plan


async def approve_supporter_care_plan(lifecycle: CaseLifecycle) -> None:
    worker = lifecycle.worker
    people = expect_json(await worker.get(f"{lifecycle.case_path}/people"))["items"]
    [supporter] = [person for person in people if person["role"] == "supporter"]
    subject = {"subject": "supporter", "person_id": supporter["id"]}
    draft = expect_json(
        await worker.post(f"{lifecycle.case_path}/assessments", {**subject, "kind": "initial"}), 201
    )
    path = f"/v1/assessments/{draft['id']}"
    expect_json(await worker.patch(path, assessment_payload("low", ()), etag='"1"'))
    expect_json(await worker.act(path, "submit"))
    expect_json(await lifecycle.supervisor.act(path, "approve"))
    plan = expect_json(
        await worker.post(f"{lifecycle.case_path}/care-plans", {**subject, "assessment_id": draft["id"]}), 201
    )
    path = f"/v1/care-plans/{plan['id']}"
    unmet = await lifecycle.expect_refusal(worker, path, "submit")
    assert len(unmet) == 3  # knowledge gaps, capacity gaps, and whether social work is needed
    expect_json(await patch_latest(worker, path, CARE_PLAN_PAYLOADS["other"]))
    expect_json(await worker.act(path, "submit"))
    expect_json(await lifecycle.supervisor.act(path, "approve"))


async def hold_sessions(lifecycle: CaseLifecycle, plan: dict[str, Any]) -> None:
    worker = lifecycle.worker
    goal = plan["areas"]["emotional_health"]["goals"][0]
    with freeze_day(date(2022, 6, 4)):
        series = {"kind": "therapy", "form": "play", "first_at": "2022-06-04T02:00:00Z", "every_weeks": 1, "count": 8,
                  "areas": ["emotional_health"], "goal_ids": [goal["id"]]}  # fmt: skip
        response = await worker.post(f"{lifecycle.case_path}/support-sessions/series", series)
        first, second, *_ = [
            f"/v1/support-sessions/{session['id']}" for session in expect_json(response, 201)["items"]
        ]
        attended = {
            "held_at": "2022-06-04T02:00:00Z",
            "attendance": "attended",
            "summary": "Drew a house with many doors.",
        }
        expect_json(await worker.patch(first, attended, etag='"1"'))
        expect_json(await worker.put(f"{first}/clinical-note", {"text": "Avoids the colour red."}))
        assert (await lifecycle.supervisor.get(f"{first}/clinical-note")).status_code == 200
        assert (await lifecycle.scenario.manager.get(f"{first}/clinical-note")).status_code == 403
    with freeze_day(date(2022, 6, 11)):
        change_after_24_hours = await patch_latest(worker, first, {"summary": "x"})
        assert set(parse_unmet_pointers(change_after_24_hours)) == {"frozen"}
        expect_json(await worker.post(f"{first}/addenda", {"text": "The grandmother called."}), 201)
        missed = {"attendance": "missed_by_family", "missed_reason": "The road was flooded."}
        expect_json(await worker.patch(second, missed, etag='"1"'))
        await complete_service_referral(lifecycle)


async def complete_service_referral(lifecycle: CaseLifecycle) -> None:
    worker = lifecycle.worker
    provider = expect_json(await lifecycle.supervisor.post("/v1/providers", PROVIDER_PAYLOAD), 201)
    consent_payload = {
        "given_by": ["caregiver"],
        "method": "thumbprint",
        "on": "2022-06-10",
        "scope": ["share_with_providers"],
    }
    consents_path = f"{lifecycle.case_path}/consents"
    expired_consent = {**consent_payload, "valid_until": "2022-06-10"}
    consent = expect_json(await worker.post(consents_path, expired_consent), 201)
    payload = {"provider_id": provider["id"], "service": "medical", "need": "Stomach pain.", "consent_id": consent["id"],
               "shared_fields": ["names", "age", "need"]}  # fmt: skip
    referral = expect_json(await worker.post(f"{lifecycle.case_path}/service-referrals", payload), 201)
    path = f"/v1/service-referrals/{referral['id']}"
    assert await lifecycle.expect_refusal(worker, path, "send") == {"consent_expired"}
    consent = expect_json(await worker.post(consents_path, consent_payload), 201)
    expect_json(await patch_latest(worker, path, {"consent_id": consent["id"]}))
    expect_json(await worker.act(path, "send"))
    expect_json(await worker.act(path, "accept"))
    expect_json(await worker.act(path, "complete", {"outcome": "need_met", "note": "Eats again."}))


async def hold_reviews(lifecycle: CaseLifecycle) -> None:
    case = await lifecycle.hold_review(date(2022, 8, 31), "continue", 2, expects_refusal=True)
    assert case["next_review_on"] == "2022-11-30"
    case = await lifecycle.hold_review(date(2022, 11, 30), "adapt", 3)
    assert case["next_review_on"] == "2023-02-28"
    with freeze_day(date(2022, 12, 2)):
        plans = expect_json(await lifecycle.worker.get(f"{lifecycle.case_path}/care-plans"))["items"]
        [draft] = [plan for plan in plans if plan["status"] == "draft"]
        assert draft["edition"] == 2
        path = f"/v1/care-plans/{draft['id']}"
        area = next(
            name
            for name, area in expect_json(await lifecycle.worker.get(path))["areas"].items()
            if area["goals"]
        )
        goal = expect_json(await lifecycle.worker.post(f"{path}/areas/{area}/goals", GOAL_PAYLOAD), 201)
        expect_json(
            await lifecycle.worker.post(f"/v1/goals/{goal['id']}/actions", {**ACTION_PAYLOAD, "by": "child"}),
            201,
        )
        await fill_care_plan(lifecycle.scenario, expect_json(await lifecycle.worker.get(path)))
        expect_json(await lifecycle.worker.act(path, "submit"))
        expect_json(await lifecycle.supervisor.act(path, "approve"))
        assert expect_json(await lifecycle.worker.get(lifecycle.case_path))["next_review_on"] == "2023-02-28"
    day = date(2023, 2, 28)
    while day < date(2024, 5, 28):
        case = await lifecycle.hold_review(day, "continue", 3)
        day = add_months(day, 3)
        assert case["next_review_on"] == day.isoformat()
    case = await lifecycle.hold_review(
        date(2024, 5, 28), "continue", 4
    )  # one day before the end of the 24 months
    case = await lifecycle.hold_review(date(2024, 8, 28), "continue", 4)  # after 24 months, with an extension
    assert case["extended_until"] == "2024-12-28"


async def close_case(lifecycle: CaseLifecycle) -> None:
    worker, case_path = lifecycle.worker, lifecycle.case_path
    closure = {"reason_code": "goals_met", "outcome": "Sleeps well, goes to school, laughs."}
    with freeze_day(date(2024, 11, 1)):
        assert await lifecycle.expect_refusal(worker, case_path, "close", closure) == {
            "exit_plan_not_approved",
            "final_review_missing",
        }
    case = await lifecycle.hold_review(date(2024, 11, 28), "begin_exit", 4)
    assert case["status"] == "exiting"
    with freeze_day(date(2024, 11, 29)):
        path = f"{case_path}/exit-plan"
        unmet = await lifecycle.expect_refusal(lifecycle.supervisor, path, "approve")
        assert unmet == {"condition_unanswered", "taper_not_falling", "ends_on_missing"}
        plan = {
            **exit_plan_payload(),
            "ends_on": "2025-02-26",
            "taper": [
                {"from": "2024-12-01", "contacts_per_month": 2},
                {"from": "2025-01-01", "contacts_per_month": 1},
            ],
        }
        expect_json(await worker.put(path, plan, etag=(await worker.get(path)).headers["etag"]))
        assert (await worker.act(path, "approve")).status_code == 403
        expect_json(await lifecycle.supervisor.act(path, "approve"))
    with freeze_day(date(2025, 2, 26)):
        case = expect_json(await worker.act(case_path, "close", closure))
    assert (case["status"], case["closed_on"], case["next_review_on"]) == ("closed", "2025-02-26", None)


async def hold_follow_ups(lifecycle: CaseLifecycle) -> None:
    worker, due_dates = lifecycle.worker, ["2025-03-26", "2025-05-26", "2025-08-26"]
    follow_ups = expect_json(await worker.get(f"{lifecycle.case_path}/follow-ups"))["items"]
    assert sorted(follow_up["due_on"] for follow_up in follow_ups) == due_dates
    for day in due_dates:
        with freeze_day(date.fromisoformat(day)):
            [due] = [follow_up for follow_up in follow_ups if follow_up["due_on"] == day]
            payload = {"held_on": day, "wellbeing": "well", "note": "Still plays football."}
            response = await worker.patch(f"/v1/follow-ups/{due['id']}", payload, etag='"1"')
            assert expect_json(response)["status"] == "held"
            late_assessment = await worker.post(
                f"{lifecycle.case_path}/assessments", {"subject": "child", "kind": "reassessment"}
            )
            assert set(parse_unmet_pointers(late_assessment)) == {"status"}  # the case is closed


async def check_timeline_and_outcomes(lifecycle: CaseLifecycle) -> None:
    scenario, case_path = lifecycle.scenario, lifecycle.case_path
    kinds: list[str] = []
    query: dict[str, Any] = {"limit": 40}
    while True:
        response = await lifecycle.supervisor.get(f"{case_path}/timeline", params=query)
        page = expect_json(response)
        kinds += [entry["kind"] for entry in page["items"]]
        access_entries = await scenario.list_access_entries(response.headers["x-request-id"])
        logged = {entry["child_id"] for entry in access_entries}
        assert logged == child_ids_in(page) == {lifecycle.child_id}
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert kinds.count("review_completed") == 10
    assert {"case_opened", "case_activated", "session_held", "service_referral_completed", "case_extended",
            "exit_plan_approved", "case_closed", "follow_up_held"} <= set(kinds)  # fmt: skip
    outcomes = expect_json(await lifecycle.worker.get(f"{case_path}/outcomes"))
    assert outcomes["child_id"] == lifecycle.child_id
    [emotional_health] = [area for area in outcomes["areas"] if area["area"] == "emotional_health"]
    assert [point["rating"] for point in emotional_health["points"]] == [2, 2, *[3] * 6, *[4] * 3]
    for caller, status in (("worker_south", 404), ("partner_two", 403), ("finance", 403), ("dpo", 403)):
        assert (await scenario.client_for(caller).get(case_path)).status_code == status
