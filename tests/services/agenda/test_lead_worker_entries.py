"""Agenda entries that the lead worker owns, and the work of finance officers who left."""

from typing import Any

import pytest

from app.models import Action, Person
from app.models.record import new_id
from app.schemas.codes import get_codes
from tests.support.agenda import list_agenda
from tests.support.fund import act_on_disbursement, create_approved_disbursement, create_fund, payment_payload
from tests.support.responses import expect_json
from tests.support.row_factories import (
    case_foreign_keys,
    date_in_days,
    insert_care_plan,
    insert_goal,
    insert_row,
    settle_case,
)
from tests.support.scenario import Scenario, id_of


async def add_co_worker(scenario: Scenario, case: dict[str, Any]) -> None:
    path = f"/v1/cases/{case['id']}"
    payload = {"lead_worker_id": str(id_of("worker_north")), "co_worker_ids": [str(id_of("worker_north_2"))]}
    expect_json(await scenario.supervisor_north.act(path, "assign", payload))


async def test_lead_worker_follows_up_all_actions_and_co_workers_those_of_workers(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await settle_case(superuser_connection, case)
    await add_co_worker(scenario, case)
    plan = await insert_care_plan(superuser_connection, case)
    goal = await insert_goal(superuser_connection, plan)
    performers = get_codes("action_by")
    for by in performers:
        action = Action(
            **case_foreign_keys(case), plan_id=plan.id, goal_id=goal.id, due_on=date_in_days(2), origin_id=new_id(), by=by
        )  # fmt: skip
        action.content = {"what": f"Act of {by}.", "by_whom": "Clinic"}
        await insert_row(superuser_connection, action)
    entries = await list_agenda(scenario.worker_north, kind="action")
    shown = {
        (entry["detail"], *(entry["action"][name] for name in ("by", "by_whom", "what"))) for entry in entries
    }
    assert shown == {(by, by, "Clinic", f"Act of {by}.") for by in performers}
    assert [entry["detail"] for entry in await list_agenda(scenario.worker_north_2, kind="action")] == [
        "worker"
    ]
    await superuser_connection.execute(
        "UPDATE users SET is_active = false WHERE id = $1", id_of("worker_north")
    )
    inherited = await list_agenda(scenario.supervisor_north, kind="action")
    assert {entry["detail"] for entry in inherited} == set(performers)


async def test_person_of_a_joined_referral_is_on_the_agenda_of_the_lead_worker_until_confirmed(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case = await scenario.open_case()
    await add_co_worker(scenario, case)
    person = Person(
        **case_foreign_keys(case), role="family", relationship="aunt", referral_to_confirm_id=new_id()
    )
    names: Any = [{"script": "latin", "family": "Keo", "given": "Srey"}]
    person.details = {"names": names, "phones": [], "place_code": None, "address_detail": None}
    await insert_row(superuser_connection, person)
    (entry,) = await list_agenda(scenario.worker_north, kind="person")
    assert (entry["detail"], entry["due_on"], entry["link"]) == (
        "family",
        str(date_in_days(7)),
        f"/v1/people/{person.id}",
    )
    assert [name["given"] for name in entry["person"]["names"]] == ["Srey"]
    assert await list_agenda(scenario.worker_north_2, kind="person") == []
    expect_json(await scenario.worker_north.act(entry["link"], "confirm"))
    assert await list_agenda(scenario.worker_north, kind="person") == []


@pytest.mark.parametrize("is_paid", [False, True])
async def test_payments_and_receipts_without_a_finance_officer_are_unstaffed_for_the_programme_manager(
    scenario: Scenario, superuser_connection: Any, is_paid: bool
) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    disbursement = await create_approved_disbursement(scenario, case, fund)
    if is_paid:
        payment = payment_payload(disbursement["amount"])
        await act_on_disbursement(scenario.finance, disbursement, "pay", payment)
    assert await list_agenda(scenario.manager, kind="unstaffed") == []
    await superuser_connection.execute(
        "UPDATE users SET is_active = false WHERE 'finance_officer' = ANY (roles)"
    )
    (entry,) = await list_agenda(scenario.manager, kind="unstaffed")
    assert (entry["record"], entry["detail"]) == (
        {"kind": "disbursement", "id": disbursement["id"]}, "no_finance_officer",
    )  # fmt: skip
    assert await list_agenda(scenario.supervisor_north, kind="unstaffed") == []
    counts = expect_json(await scenario.manager.get("/v1/me/counts"))
    assert counts["agenda"] == len(await list_agenda(scenario.manager))


async def test_payment_that_the_only_finance_officer_requested_is_unstaffed(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    disbursement = await create_approved_disbursement(scenario, case, fund)
    await superuser_connection.execute("UPDATE disbursements SET requested_by_id = $1", id_of("finance"))
    await superuser_connection.execute(
        "UPDATE users SET is_active = false WHERE 'finance_officer' = ANY (roles) AND id <> $1",
        id_of("finance"),
    )
    (entry,) = await list_agenda(scenario.manager, kind="unstaffed")
    assert entry["record"]["id"] == disbursement["id"]
