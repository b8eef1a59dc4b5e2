"""Dates before the birth of the child are rejected, and dates before the referral lead to a warning."""

from datetime import timedelta
from typing import Any

import pytest

from app.kit.dates import today
from tests.support.case_lifecycle import create_case_path
from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import Scenario, acceptance_payload

VISIT = {"kind": "home_visit"}
HEARING = {"kind": "court_date", "status": "done"}
# The child of a test referral is born on 4 May 2015.
BEFORE_BIRTH, ON_BIRTH = "2015-05-03", "2015-05-04"


def noon(day: str) -> str:
    return f"{day}T05:00:00Z"


@pytest.mark.parametrize(
    ("path", "payload", "pointer"),
    [
        ("support-sessions", {**VISIT, "held_at": noon(BEFORE_BIRTH)}, "/held_at"),
        ("support-sessions", {**VISIT, "planned_at": noon(BEFORE_BIRTH)}, "/planned_at"),
        ("legal-steps", {**HEARING, "on": BEFORE_BIRTH}, "/on"),
        ("legal-steps", {"kind": "incident", "status": "done", "on": BEFORE_BIRTH}, "/on"),
    ],
)
async def test_date_before_the_birth_of_the_child_is_rejected(
    scenario: Scenario, path: str, payload: dict[str, Any], pointer: str
) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    rejected = await worker.post(f"{case_path}/{path}", payload)
    assert parse_faults(rejected) == {(pointer, "date_before_birth")}
    name = pointer.removeprefix("/")
    on_birth = ON_BIRTH if name == "on" else noon(ON_BIRTH)
    created = expect_json(await worker.post(f"{case_path}/{path}", {**payload, name: on_birth}), 201)
    changed = await worker.patch(f"/v1/{path}/{created['id']}", {name: payload[name]}, etag='"1"')
    assert parse_faults(changed) == {(pointer, "date_before_birth")}


async def test_date_before_the_referral_is_accepted_with_a_warning(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    yesterday = str(today() - timedelta(days=1))

    async def list_codes(path: str, payload: dict[str, Any]) -> list[tuple[str, str]]:
        created = expect_json(await worker.post(f"{case_path}/{path}", payload), 201)
        shown = expect_json(await worker.get(f"/v1/{path}/{created['id']}"))
        (listed, *_) = expect_json(await worker.get(f"{case_path}/{path}"))["items"]
        assert created["warnings"] == shown["warnings"] == listed["warnings"]
        return [(warning["pointer"], warning["code"]) for warning in created["warnings"]]

    assert await list_codes("support-sessions", {**VISIT, "held_at": noon(yesterday)}) == [
        ("/held_at", "date_before_referral")
    ]
    assert await list_codes("legal-steps", {**HEARING, "on": yesterday}) == [("/on", "date_before_referral")]
    assert await list_codes("legal-steps", {**HEARING, "on": str(today())}) == []
    assert await list_codes("legal-steps", {**HEARING, "kind": "incident", "on": yesterday}) == []


async def test_birth_that_makes_the_child_older_than_25_years_is_confirmed_at_the_acceptance(
    scenario: Scenario,
) -> None:
    child = {
        "names": [{"script": "latin", "given": "Dara"}],
        "birth": {"date": "1950-01-01", "precision": "year"},
    }
    referral = await scenario.create_referral(
        by="supervisor_north", external_id=None, source="walk_in", child=child
    )
    assert ("/child/birth", "age_implausible") in [
        (warning["pointer"], warning["code"]) for warning in referral["warnings"]
    ]
    path, supervisor = f"/v1/referrals/{referral['id']}", scenario.supervisor_north
    payload = dict(
        acceptance_payload(screening={"meets_criteria": True, "reason": "Asked for by the court."})
    )
    await supervisor.open_matches(path)
    expect_json(await supervisor.act(path, "acknowledge", {"team_id": payload["team_id"]}))
    refused = await supervisor.act(path, "accept", payload)
    assert [(fault["pointer"], fault["code"]) for fault in refused.json()["unmet"]] == [
        ("/child/birth", "age_implausible")
    ]
    waiver = {"pointer": "/child/birth", "reason": "A survivor who looks for support as an adult."}
    accepted = await supervisor.act(path, "accept", {**payload, "waivers": [waiver]})
    assert expect_json(accepted)["status"] == "accepted"
