"""The scope of the caller changes during a request, by an act of the caller or of another person."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Permission
from app.models import Case
from app.schemas.break_glass import BreakGlassRequest
from app.schemas.case_links import CaseLinkCreate
from app.schemas.cases import CaseAssignment, CaseTransfer
from app.schemas.exit_plans import CaseReopening
from app.schemas.referrals import ReferralAcceptance
from app.server.act_as import run_as
from app.services.cases import break_glass, case_links, staffing
from app.services.exit import reopen_case
from app.services.referrals import accept
from tests.support.case_lifecycle import INITIAL_ASSESSMENT_PAYLOAD, create_closed_case
from tests.support.locks import run_while_case_locked
from tests.support.payloads import BREAK_GLASS_PAYLOAD, PLANNED_VISIT_PAYLOAD, reopening_consent_payload
from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload, id_of

ADD_MANAGER_ROLE_SQL = "UPDATE users SET roles = '{social_worker,programme_manager}' WHERE id = $1"
COUNT_RECORDS_SQL = """
    SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM assessments), (SELECT count(*) FROM support_sessions),
           (SELECT count(*) FROM referrals WHERE case_id IS NOT NULL), (SELECT string_agg(md5(content_encrypted), '' ORDER BY id) FROM cases)
"""
UNCLE_PAYLOAD = {
    "role": "other", "names": [{"script": "latin", "family": "Keo", "given": "Dara"}], "relationship": "uncle",
}  # fmt: skip
Act = Callable[[AsyncSession, Caller], Awaitable[Any]]


async def list_visible_case_ids(session: AsyncSession) -> set[str]:
    return {str(case_id) for case_id in await session.scalars(select(col(Case.id)))}


async def run_act(
    scenario: Scenario, name: str, permission: Permission, act: Act
) -> tuple[set[str], Any, set[str]]:
    """Run an act in a request. Return the cases that are visible before it, its result, and the visible cases after it."""
    session_id = id_of(f"session of {name}")
    async with run_as(scenario.database, "person", id_of(name), session_id, permission) as (session, caller):
        before = await list_visible_case_ids(session)
        result = await act(session, caller)
        return before, result, await list_visible_case_ids(session)


async def link_cases(scenario: Scenario, case: dict[str, Any], other: dict[str, Any]) -> None:
    payload = {"linked_case_id": other["id"], "reason": "Brothers."}
    expect_json(await scenario.supervisor_both.post(f"/v1/cases/{case['id']}/links", payload), 201)


@pytest.fixture
async def manager_with_cases(superuser_connection: Any) -> str:
    """A programme manager who is also a social worker of team north. Conflict walls apply to this caller."""
    await superuser_connection.execute(ADD_MANAGER_ROLE_SQL, id_of("worker_north"))
    return "worker_north"


async def test_break_glass_shows_the_case_in_the_same_request(scenario: Scenario) -> None:
    # Catches: `refresh_context` removed from open_case_with_break_glass.
    own, other = await scenario.open_case("worker_south"), await scenario.open_case()
    payload = BreakGlassRequest(**BREAK_GLASS_PAYLOAD)
    before, grant, after = await run_act(
        scenario, "worker_south", Permission.case_break_glass,
        lambda session, caller: break_glass.open_case_with_break_glass(session, caller, UUID(other["id"]), payload),
    )  # fmt: skip
    assert (before, after) == ({own["id"]}, {own["id"], other["id"]})
    assert str(grant.case_id) == other["id"]


async def test_assignment_of_oneself_puts_up_and_removes_the_conflict_wall_in_the_same_request(
    scenario: Scenario, manager_with_cases: str
) -> None:
    # Catches: `refresh_context` removed from assign_case.
    case, linked = await scenario.open_case("worker_north_2"), await scenario.open_case("worker_south")
    await link_cases(scenario, case, linked)
    lead_id, caller_id = id_of("worker_north_2"), id_of(manager_with_cases)
    for co_worker_ids, expected in (([caller_id], {case["id"]}), ([], {case["id"], linked["id"]})):
        version = expect_json(await scenario.manager.get(f"/v1/cases/{case['id']}"))["version"]
        payload = CaseAssignment(lead_worker_id=lead_id, co_worker_ids=co_worker_ids)

        async def assign(session: AsyncSession, caller: Caller) -> Any:
            return await staffing.assign_case(session, caller, UUID(case["id"]), version, payload)  # noqa: B023

        _, assigned, after = await run_act(scenario, manager_with_cases, Permission.case_assign, assign)
        assert after == expected
        assert [str(worker.id) for worker in assigned.co_workers] == [str(each) for each in co_worker_ids]


async def test_transfer_of_an_own_case_removes_the_conflict_wall_in_the_same_request(
    scenario: Scenario, manager_with_cases: str
) -> None:
    # Catches: `refresh_context` removed from transfer_case.
    case, linked = await scenario.open_case(manager_with_cases), await scenario.open_case("worker_south")
    await link_cases(scenario, case, linked)
    payload = CaseTransfer(team_id=id_of("south"), lead_worker_id=id_of("supervisor_south"), reason="Moved.")
    before, _, after = await run_act(
        scenario, manager_with_cases, Permission.case_transfer,
        lambda session, caller: staffing.transfer_case(session, caller, UUID(case["id"]), case["version"], payload),
    )  # fmt: skip
    assert (before, after) == ({case["id"]}, {case["id"], linked["id"]})


async def test_link_hides_the_other_case_from_its_author_in_the_same_request(
    scenario: Scenario, manager_with_cases: str
) -> None:
    # Catches: `refresh_context` removed from create_case_link.
    case, other = await scenario.open_case(manager_with_cases), await scenario.open_case("worker_south")
    payload = CaseLinkCreate(linked_case_id=UUID(other["id"]), reason="Brothers.")
    before, link, after = await run_act(
        scenario, manager_with_cases, Permission.case_link,
        lambda session, caller: case_links.create_case_link(session, caller, UUID(case["id"]), payload),
    )  # fmt: skip
    assert (before, after) == ({case["id"], other["id"]}, {case["id"]})
    assert {str(link.case_id), str(link.linked_case_id)} == {case["id"], other["id"]}


async def test_conflict_wall_applies_in_the_request_that_opens_a_case_of_a_linked_child(
    scenario: Scenario, manager_with_cases: str
) -> None:
    # Catches: `refresh_context` removed from _create_case.
    closed, linked = (
        await create_closed_case(scenario, "worker_north_2"),
        await scenario.open_case("worker_south"),
    )
    await link_cases(scenario, closed, linked)
    referral_id = UUID(await create_acknowledged_referral(scenario, scenario.worker_north))
    await scenario.client_for(manager_with_cases).open_matches(f"/v1/referrals/{referral_id}")
    payload = ReferralAcceptance(**acceptance_payload(child_id=closed["child_id"]))
    before, accepted, after = await run_act(
        scenario, manager_with_cases, Permission.referral_accept,
        lambda session, caller: accept.accept_referral(session, caller, referral_id, 2, payload),
    )  # fmt: skip
    assert (before, after) == ({closed["id"], linked["id"]}, {closed["id"], str(accepted.case_id)})


async def test_reopening_a_case_of_a_linked_child_puts_up_the_conflict_wall_in_the_same_request(
    scenario: Scenario, manager_with_cases: str
) -> None:
    # Catches: `refresh_context` removed from reopen_case.
    closed, linked = (
        await create_closed_case(scenario, "worker_north_2"),
        await scenario.open_case("worker_south"),
    )
    await link_cases(scenario, closed, linked)
    payload = CaseReopening.model_validate(
        {
            "reason": "She is back.",
            "lead_worker_id": str(id_of(manager_with_cases)),
            "consent": reopening_consent_payload(),
        }
    )
    before, reopened, after = await run_act(
        scenario, manager_with_cases, Permission.case_reopen,
        lambda session, caller: reopen_case.reopen_case(session, caller, UUID(closed["id"]), closed["version"], payload),
    )  # fmt: skip
    assert (before, after) == ({closed["id"], linked["id"]}, {closed["id"], str(reopened.id)})


async def create_acknowledged_referral(scenario: Scenario, caller: AuthenticatedClient) -> str:
    """Return the id of a referral that the caller has received and acknowledged. Its version is 2."""
    referral_id = str((await scenario.create_referral(caller.name))["id"])
    expect_json(await caller.act(f"/v1/referrals/{referral_id}", "acknowledge"))
    await caller.open_matches(f"/v1/referrals/{referral_id}")
    return referral_id


async def build_writes(
    scenario: Scenario, caller: AuthenticatedClient, case: dict[str, Any]
) -> list[Awaitable[Any]]:
    """Return requests that lock the case: one changes it, the others add a record to it."""
    path, referral_id = f"/v1/cases/{case['id']}", await create_acknowledged_referral(scenario, caller)
    join = acceptance_payload(lead=caller.name, child_id=case["child_id"])
    return [
        caller.patch(path, {"summary": "Late."}, etag=f'"{case["version"]}"'),
        caller.post(f"{path}/people", UNCLE_PAYLOAD),
        caller.post(f"{path}/assessments", INITIAL_ASSESSMENT_PAYLOAD),
        caller.post(f"{path}/support-sessions", PLANNED_VISIT_PAYLOAD),
        caller.post(f"/v1/referrals/{referral_id}/accept", join, etag='"2"'),
    ]


async def test_writes_that_wait_while_the_co_worker_is_removed_are_rejected(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `recheck_case` that returns True; `get_open_case_for_share` without a recheck.
    case = await scenario.open_case()
    path, staff = f"/v1/cases/{case['id']}", {"lead_worker_id": str(id_of("worker_north"))}
    co_workers = {"co_worker_ids": [str(id_of("worker_north_2"))]}
    case = expect_json(await scenario.supervisor_north.act(path, "assign", {**staff, **co_workers}))
    removal = scenario.supervisor_north.post(
        f"{path}/assign", {**staff, "co_worker_ids": []}, etag=f'"{case["version"]}"'
    )
    writes = await build_writes(scenario, scenario.worker_north_2, case)
    before = await superuser_connection.fetchrow(COUNT_RECORDS_SQL)
    statuses = await run_while_case_locked(superuser_connection, case["id"], removal, *writes)
    assert statuses == [200, 404, 404, 404, 404, 409]
    assert await superuser_connection.fetchrow(COUNT_RECORDS_SQL) == before


async def test_writes_that_wait_for_a_link_or_a_transfer_are_rejected(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `recheck_case` that returns True; `get_open_case_for_share` without a recheck.
    await superuser_connection.execute(ADD_MANAGER_ROLE_SQL, id_of("worker_south"))
    case, other = await scenario.open_case(), await scenario.open_case("worker_south")
    link = {"linked_case_id": other["id"], "reason": "Brothers."}
    transfer = {
        "team_id": str(id_of("south")),
        "lead_worker_id": str(id_of("supervisor_south")),
        "reason": "Moved.",
    }
    path, etag = f"/v1/cases/{case['id']}", f'"{case["version"]}"'
    for caller, change, status in (
        (scenario.worker_south, partial(scenario.supervisor_both.post, f"{path}/links", link), 201),
        (scenario.worker_north, partial(scenario.manager.post, f"{path}/transfer", transfer, etag=etag), 200),
    ):
        writes = await build_writes(scenario, caller, case)
        before = await superuser_connection.fetchrow(COUNT_RECORDS_SQL)
        statuses = await run_while_case_locked(superuser_connection, case["id"], change(), *writes)
        assert statuses == [status, 404, 404, 404, 404, 409], caller.name
        assert await superuser_connection.fetchrow(COUNT_RECORDS_SQL) == before
