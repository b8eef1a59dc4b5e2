"""Coded results of an exit, which reports count: conditions of the checklist and the outcome for harmful sexual behaviour."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.kit.dates import today
from tests.support.case_lifecycle import (
    EXIT_CONDITIONS,
    create_approved_exit_plan,
    create_closed_case,
    create_exiting_case,
)
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario

CLOSURE = {"reason_code": "moved_away", "outcome": "The family went to Thailand."}
UNMET = {"met": False, "note": "Stays at home."}


def well_payload() -> dict[str, Any]:
    return {"held_on": today().isoformat(), "wellbeing": "well"}


async def create_exiting_case_of_kind(scenario: Scenario, kind: str) -> dict[str, Any]:
    case, _ = await create_exiting_case(scenario)
    path = f"/v1/cases/{case['id']}"
    case = expect_json(await scenario.worker_north.patch(path, {"kind": kind}, etag=f'"{case["version"]}"'))
    await create_approved_exit_plan(scenario, case["id"], reason_code="moved_away")
    return case


async def fetch_columns(superuser: Any, query: str, case_id: str) -> Any:
    return await superuser.fetchrow(query, UUID(case_id))


@pytest.mark.parametrize(
    ("kind", "hsb_outcome", "stored"),
    [
        ("hsb", "no_further_behaviour", "no_further_behaviour"),
        ("both", "further_behaviour", "further_behaviour"),
        ("hsb", None, "unknown"),
        ("survivor", None, None),
    ],
)
async def test_closing_stores_the_outcome_for_harmful_sexual_behaviour(
    scenario: Scenario, kind: str, hsb_outcome: str | None, stored: str | None
) -> None:
    # Catches: `to_hsb_outcome` returned its argument; `hsb_outcome` missing from the UPDATE privilege.
    case = await create_exiting_case_of_kind(scenario, kind)
    path = f"/v1/cases/{case['id']}"
    assert case["hsb_outcome"] is None
    closed = expect_json(
        await scenario.worker_north.act(path, "close", {**CLOSURE, "hsb_outcome": hsb_outcome})
    )
    assert closed["hsb_outcome"] == stored
    assert expect_json(await scenario.manager.get(path))["hsb_outcome"] == stored


async def test_outcome_for_harmful_sexual_behaviour_of_a_survivor_is_rejected(scenario: Scenario) -> None:
    # Catches: `check_outcome_of_kind` missing from CLOSURE_CHECKS.
    case = await create_exiting_case_of_kind(scenario, "survivor")
    path = f"/v1/cases/{case['id']}"
    for hsb_outcome in ("no_further_behaviour", "unknown"):
        response = await scenario.worker_north.act(path, "close", {**CLOSURE, "hsb_outcome": hsb_outcome})
        assert parse_unmet_pointers(response) == {"not_asked": "/hsb_outcome"}
    invalid = await scenario.worker_north.act(path, "close", {**CLOSURE, "hsb_outcome": "yes"})
    assert invalid.status_code == 422
    expect_json(await scenario.worker_north.act(path, "close", CLOSURE))
    response = await scenario.worker_north.post(
        f"{path}/follow-ups", {**well_payload(), "hsb_outcome": "no_further_behaviour"}
    )
    assert parse_unmet_pointers(response) == {"not_asked": "/hsb_outcome"}


async def test_follow_up_stores_the_outcome_and_the_conditions(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: conditions_unmet missing from `_store_result`; the outcome set although the family was not reached.
    case = await create_exiting_case_of_kind(scenario, "hsb")
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    expect_json(await worker.act(path, "close", CLOSURE))
    not_reached = {**well_payload(), "months": 1, "wellbeing": "not_reached"}
    missed = expect_json(await worker.post(f"{path}/follow-ups", not_reached), 201)
    assert (missed["status"], missed["hsb_outcome"]) == ("missed", None)
    patch = {"wellbeing": "well", "checklist": {"friends": UNMET, "in_school": {"met": True}}}
    held = expect_json(await worker.patch(f"/v1/follow-ups/{missed['id']}", patch, etag='"2"'))
    assert (held["status"], held["hsb_outcome"]) == ("held", "unknown")
    additional = {**well_payload(), "months": 3, "hsb_outcome": "further_behaviour"}
    assert (
        expect_json(await worker.post(f"{path}/follow-ups", additional), 201)["hsb_outcome"]
        == "further_behaviour"
    )
    columns = "SELECT conditions_met, conditions_unmet FROM follow_ups WHERE case_id = $1 AND months = 1"
    assert tuple(await fetch_columns(superuser_connection, columns, case["id"])) == (
        ["in_school"],
        ["friends"],
    )


async def test_exit_plan_stores_the_conditions_of_its_current_edition(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the columns set only for a new plan.
    columns = "SELECT conditions_met, conditions_unmet FROM exit_plans WHERE case_id = $1"
    case, _ = await create_exiting_case(scenario)
    assert tuple(await fetch_columns(superuser_connection, columns, case["id"])) == ([], [])
    checklist = {name: {"met": True} for name in reversed(EXIT_CONDITIONS)} | {"friends": UNMET}
    await create_approved_exit_plan(scenario, case["id"], checklist=checklist)
    met = [name for name in EXIT_CONDITIONS if name != "friends"]
    assert tuple(await fetch_columns(superuser_connection, columns, case["id"])) == (met, ["friends"])
    plan = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/exit-plan"))
    assert plan["checklist"]["friends"] == UNMET
    await create_approved_exit_plan(scenario, case["id"])
    assert tuple(await fetch_columns(superuser_connection, columns, case["id"])) == (
        list(EXIT_CONDITIONS),
        [],
    )


async def test_database_rejects_an_outcome_of_an_open_case_and_an_unknown_condition(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: each CHECK constraint dropped.
    case = await create_closed_case(scenario)
    await create_exiting_case(scenario)
    for statement in (
        "UPDATE cases SET hsb_outcome = 'unknown' WHERE kind = 'survivor'",
        "UPDATE cases SET kind = 'hsb', hsb_outcome = 'unknown' WHERE status = 'exiting'",
        "UPDATE cases SET kind = 'hsb', hsb_outcome = 'yes' WHERE status = 'closed'",
        "UPDATE exit_plans SET conditions_unmet = '{tired}'",
        "UPDATE exit_plans SET conditions_unmet = conditions_met WHERE conditions_met <> '{}'",
        "UPDATE follow_ups SET conditions_met = '{friends}', conditions_unmet = '{friends}'",
        "UPDATE follow_ups SET hsb_outcome = 'yes'",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await superuser_connection.execute(statement)
    allowed = "UPDATE cases SET kind = 'hsb', hsb_outcome = 'unknown' WHERE id = $1"
    assert await superuser_connection.execute(allowed, UUID(case["id"])) == "UPDATE 1"
