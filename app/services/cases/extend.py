"""How long a case may last: milestones at 18, 21 and 24 months, and a dated extension beyond."""

from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actor import Actor
from app.errors import Fault
from app.kit.dates import add_months, today
from app.kit.records import find_for_change
from app.kit.state_machine import refuse
from app.models import Case
from app.models.record import now
from app.schemas.cases import CaseOut
from app.schemas.exit_plans import Extension
from app.services.cases import history as case_history
from app.services.cases.cases import shown
from app.services.cases.states import unmet_open

MILESTONES = (18, 21, 24)
"""Months after opening at which a worker is reminded of the end; support ends at the last."""


class Milestone(NamedTuple):
    """A day on which a case has lasted so many months."""

    months: int
    on: date


def milestones(case: Case) -> list[Milestone]:
    """Return the milestones of a case, the earliest first."""
    return [Milestone(months, add_months(case.opened_on, months)) for months in MILESTONES]


def support_ends_on(case: Case) -> date:
    """Return the last day of support: 24 months after opening, or until when it was extended."""
    return max(milestones(case)[-1].on, case.extended_until or date.min)


async def extend(
    session: AsyncSession, actor: Actor, case_id: UUID, seen: int, extension: Extension
) -> CaseOut:
    """Extend a case past 24 months (the gate '18, 21, 24 months').

    Raises:
        GateRefused: the case is closed, or the date is no extension of what it has already.
    """
    case = await find_for_change(session, Case, case_id, seen)
    refuse([*unmet_open(case), *_unmet_until(case, extension.until)])
    case.extended_until = extension.until
    case.updated_at = now()
    detail = {"until": extension.until.isoformat(), "reason": extension.reason}
    case_history.record(session, case, "case_extended", actor, case, detail)
    await session.flush()  # the answer shows what was stored
    return await shown(session, case)


def _unmet_until(case: Case, until: date) -> list[Fault]:
    if until > max(support_ends_on(case), today()):
        return []
    detail = (
        "An extension ends later than today, than 24 months after opening, and than the extension before."
    )
    return [Fault("/until", "until_too_early", detail)]
