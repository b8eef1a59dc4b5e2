"""Simulate events that follow the case scenarios: linked and reopened cases, break-glass access and its alerts."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Permission
from app.access.reader import session_reader
from app.demo import agenda_items, consent_events, merged_children
from app.demo import people as demo_people
from app.demo.assessments import simulate_assessment
from app.demo.case_acts import (
    simulate_case_reopening,
)
from app.demo.case_scenarios import (
    LINKED_NUMBERS,
    LINKED_PAIRS,
    REOPENED_NUMBERS,
    TRANSFERRED_NUMBERS,
    CaseScenario,
)
from app.demo.case_simulation import CaseSimulation, initial_supervisor, initial_team
from app.demo.organisation import DemoContext
from app.demo.supervision import simulate_supervision_meetings
from app.models import Alert
from app.schemas.alerts import AlertAcknowledgement
from app.schemas.break_glass import BreakGlassRequest
from app.schemas.case_links import CaseLinkCreate
from app.schemas.referral_responses import Referral as ReferralSchema
from app.services.alerts import alerts
from app.services.cases import break_glass, case_links
from app.services.referrals import views


async def simulate_closing_events(context: DemoContext, scenarios: Sequence[CaseScenario]) -> None:
    """Simulate events that need other cases or the present: linked cases, reopened cases and break-glass access."""
    by_number = {scenario.number: scenario for scenario in scenarios}
    for survivor, other in LINKED_PAIRS:
        if survivor in by_number and other in by_number:
            await _link_cases(context, by_number[survivor], by_number[other])
    for scenario in scenarios:
        if scenario.number in REOPENED_NUMBERS:
            await _simulate_reopened_case(context, scenario)
    active_scenarios = [
        scenario
        for scenario in scenarios
        if scenario.phase == "active" and scenario.number not in LINKED_NUMBERS | TRANSFERRED_NUMBERS
    ]
    for is_siem_reap in (True, False):
        scenario_of_team = next(
            (scenario for scenario in active_scenarios if scenario.is_siem_reap is is_siem_reap), None
        )
        if scenario_of_team is not None:
            await _simulate_break_glass(context, scenario_of_team)
        if scenario_of_team is not None and is_siem_reap:
            await _simulate_agenda_items(context, scenario_of_team)
        if scenario_of_team is not None and not is_siem_reap:
            await _simulate_consent_events(context, scenario_of_team)
    if active_scenarios:
        await _simulate_acknowledgement(context)
    await _simulate_merged_children(context, scenarios, active_scenarios)
    await simulate_supervision_meetings(context)


async def _link_cases(context: DemoContext, survivor: CaseScenario, other: CaseScenario) -> None:
    async with context.run_as(demo_people.SUPERVISOR_OF_ALL_TEAMS, Permission.case_link) as (
        session,
        caller,
    ):
        case_id, linked_id = [
            await _get_case_id(context, session, caller, scenario) for scenario in (survivor, other)
        ]
        payload = CaseLinkCreate(linked_case_id=linked_id, reason="Cousins: one was harmed by the other.")
        simulation = CaseSimulation.create(context, other, case_id)
        with simulation.freeze_day(other.opened_on + timedelta(days=3)):
            await case_links.create_case_link(session, caller, case_id, payload)


async def _simulate_reopened_case(context: DemoContext, scenario: CaseScenario) -> None:
    async with context.run_as(initial_supervisor(scenario), Permission.referral_read) as (session, caller):
        case_id = await _get_case_id(context, session, caller, scenario)
    simulation = CaseSimulation.create(context, scenario, case_id)
    await simulate_case_reopening(simulation, scenario.last_day)
    await simulate_assessment(simulation, (scenario.last_day,) * 3, approval_stage="draft")


async def _simulate_merged_children(
    context: DemoContext, scenarios: Sequence[CaseScenario], active_scenarios: Sequence[CaseScenario]
) -> None:
    """Merge the children of two closed cases into those of the newest active cases. The second merge is undone."""
    closed_scenarios = [
        scenario
        for scenario in scenarios
        if scenario.phase == "closed"
        and scenario.number not in REOPENED_NUMBERS | LINKED_NUMBERS | TRANSFERRED_NUMBERS
    ]
    pairs = zip(reversed(active_scenarios), closed_scenarios, (False, True), strict=False)
    for kept, merged, is_undone in pairs:
        async with context.run_as(demo_people.SUPERVISOR_OF_ALL_TEAMS, Permission.referral_read) as (
            session,
            caller,
        ):
            case_id, merged_case_id = [
                await _get_case_id(context, session, caller, scenario) for scenario in (kept, merged)
            ]
        await merged_children.simulate_merge(context, case_id, merged_case_id, is_undone=is_undone)


async def _get_case_id(
    context: DemoContext, session: AsyncSession, caller: Caller, scenario: CaseScenario
) -> UUID:
    referral = await views.get_referral(
        session_reader(session), caller, context.ids.referral_ids[scenario.number]
    )
    if not isinstance(referral, ReferralSchema) or referral.case_id is None:
        raise TypeError("The referral of a case scenario must be accepted.")
    return referral.case_id


async def _simulate_break_glass(context: DemoContext, scenario: CaseScenario) -> None:
    """Use break-glass access as a worker of the other team. It is not backdated, because it expires after hours."""
    async with context.run_as(demo_people.SUPERVISOR_OF_ALL_TEAMS, Permission.referral_read) as (
        session,
        caller,
    ):
        case_id = await _get_case_id(context, session, caller, scenario)
    (other_team,) = set(demo_people.TEAMS) - {initial_team(scenario)}
    async with context.run_as(demo_people.WORKERS[other_team][0], Permission.case_break_glass) as (
        session,
        caller,
    ):
        reason = "The child called the on-call number; the lead worker cannot be reached."
        await break_glass.open_case_with_break_glass(
            session, caller, case_id, BreakGlassRequest(reason=reason)
        )


async def _simulate_agenda_items(context: DemoContext, scenario: CaseScenario) -> None:
    async with context.run_as(initial_supervisor(scenario), Permission.referral_read) as (session, caller):
        case_id = await _get_case_id(context, session, caller, scenario)
    await agenda_items.simulate_agenda_items(
        context, case_id, CaseSimulation.create(context, scenario, case_id).worker
    )


async def _simulate_consent_events(context: DemoContext, scenario: CaseScenario) -> None:
    supervisor = initial_supervisor(scenario)
    async with context.run_as(supervisor, Permission.referral_read) as (session, caller):
        case_id = await _get_case_id(context, session, caller, scenario)
    worker = CaseSimulation.create(context, scenario, case_id).worker
    await consent_events.simulate_consent_events(context, case_id, worker, supervisor)


async def _simulate_acknowledgement(context: DemoContext) -> None:
    """Acknowledge one of the alerts about break-glass access. The others wait for the visitors of the demonstration."""
    async with context.run_as(demo_people.SUPERVISOR_OF_ALL_TEAMS, Permission.alert_acknowledge) as (
        session,
        caller,
    ):
        alert = (await session.scalars(select(Alert).order_by(col(Alert.created_at)).limit(1))).one()
        note = "I asked the worker: the child was safe when the lead worker called back."
        await alerts.acknowledge_alert(
            session, caller, alert.id, alert.version, AlertAcknowledgement(note=note)
        )
