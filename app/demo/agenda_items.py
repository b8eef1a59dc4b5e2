"""Simulate items for the agenda that no scenario leaves open.

They are an unstaffed case, a consent that ends, an 18th birthday, and a limit that waits for its confirmation.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.permissions import Permission
from app.access.reader import session_reader
from app.demo import people as demo_people
from app.demo.organisation import DemoContext
from app.kit.dates import add_months, today
from app.schemas.administration import UserUpdate
from app.schemas.cases import Case, CaseAssignment
from app.schemas.children import ChildUpdate
from app.schemas.consents import ConsentCreate
from app.schemas.ledger import ApprovalLimitCreate
from app.services.accounts import users
from app.services.cases import cases, children, staffing
from app.services.consents import register
from app.services.fund import approval_limits

DAYS_UNTIL_CONSENT_ENDS = 20
DAYS_UNTIL_BIRTHDAY = 45
ADULT_MONTHS = 18 * 12


async def simulate_agenda_items(context: DemoContext, case_id: UUID, worker: str) -> None:
    """Add a consent that ends and an 18th birthday to a case of a worker, which then loses its lead worker."""
    case = await _read_case(context, case_id)
    async with context.run_as(worker, Permission.consent_record) as (session, caller):
        await _record_consent(session, caller, case_id)
    async with context.run_as(worker, Permission.child_change) as (session, caller):
        await _set_birthday(session, caller, case.child_id)
    await _lose_lead_worker(context, case_id)
    await _request_higher_limit(context)


async def _read_case(context: DemoContext, case_id: UUID) -> Case:
    async with context.run_as(demo_people.SUPERVISOR_OF_ALL_TEAMS, Permission.case_read) as (session, _):
        return await cases.get_case(session_reader(session), case_id)


async def _record_consent(session: AsyncSession, caller: Caller, case_id: UUID) -> None:
    payload = ConsentCreate.model_validate(
        {
            "given_by": ["child", "caregiver"],
            "method": "oral",
            "on": today().isoformat(),
            "scope": ["recording"],
            "valid_until": (today() + timedelta(days=DAYS_UNTIL_CONSENT_ENDS)).isoformat(),
        }
    )
    await register.create_case_consent(session, caller, case_id, payload)


async def _set_birthday(session: AsyncSession, caller: Caller, child_id: UUID) -> None:
    child = await children.get_child(session_reader(session), child_id)
    birthday = add_months(today() + timedelta(days=DAYS_UNTIL_BIRTHDAY), -ADULT_MONTHS)
    birth = {"date": birthday.isoformat(), "precision": "day", "estimated_age": None, "estimated_on": None}
    patch = ChildUpdate.model_validate({"birth": birth})
    await children.update_child(session, caller, child_id, child.version, patch)


async def _lose_lead_worker(context: DemoContext, case_id: UUID) -> None:
    """Assign the case to a worker who then leaves. It has no active lead worker, so it is on the agenda of the supervisors."""
    leaver_id = context.ids.user_ids[demo_people.LEAVER.mailbox]
    async with context.run_as(demo_people.SUPERVISOR_OF_ALL_TEAMS, Permission.case_assign) as (
        session,
        caller,
    ):
        case = await cases.get_case(session_reader(session), case_id)
        assignment = CaseAssignment(lead_worker_id=leaver_id, co_worker_ids=[])
        await staffing.assign_case(session, caller, case_id, case.version, assignment)
    async with context.run_as(demo_people.ADMINISTRATOR, Permission.user_manage) as (session, caller):
        user = await users.get_user(session_reader(session), leaver_id)
        patch = UserUpdate.model_validate({"is_active": False})
        await users.update_user(session, caller, leaver_id, user.version, patch)


async def _request_higher_limit(context: DemoContext) -> None:
    """Request a higher limit, which a second person must confirm within 72 hours."""
    async with context.run_as(demo_people.ADMINISTRATOR, Permission.approval_limit_set) as (session, _):
        payload = ApprovalLimitCreate.model_validate(
            {
                "role": "supervisor",
                "act": "approve",
                "currency": "USD",
                "amount": {"amount": "300.00", "currency": "USD"},
                "starts_on": today().isoformat(),
            }
        )
        await approval_limits.create_approval_limit(session, payload)
