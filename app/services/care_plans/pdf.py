"""The printable care plan, for the court and the family: what is agreed, without how the areas were rated or at risk.

Nothing of the clinical tier can be in it: it reads the plan, and nothing else about the child but name and birth.
"""

import asyncio
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.vault import unseal
from app.errors import NotFound, Unavailable
from app.kit.dates import today
from app.kit.formatting import age, names
from app.models import CarePlan, Case, Child, Person, User
from app.services.care_plans.load import loaded
from app.services.care_plans.plan_to_print import PlanToPrint

_printing = asyncio.Semaphore(2)
"""So many at once in one process."""


async def printed(session: AsyncSession, plan_id: UUID, language: str) -> tuple[str, bytes]:
    """Return a care plan as a PDF, with a name for the file.

    Raises:
        NotFound: there is no such plan for this actor.
        Unavailable: others are being printed: laying out takes a processor, and must not take all of them.
    """
    if _printing.locked():
        raise Unavailable("Another plan is being printed: try again in a moment.", retry_after=3)
    async with _printing:
        told = await _gathered(session, plan_id, language)
        return told.file_name, await asyncio.to_thread(_pages, told)


def _pages(told: PlanToPrint) -> bytes:
    from app.services.care_plans.pdf_layout import pages  # noqa: PLC0415 - fpdf2 is slow to import, and seldom needed

    return pages(told)


async def _gathered(session: AsyncSession, plan_id: UUID, language: str) -> PlanToPrint:
    query = select(CarePlan, Case, Child).join(Case, col(Case.id) == col(CarePlan.case_id))
    query = query.join(Child, col(Child.id) == col(CarePlan.child_id)).where(col(CarePlan.id) == plan_id)
    row = (await session.execute(query)).first()
    if row is None:
        raise NotFound
    plan, case, child = row
    identity, staff = unseal(child), await _staff(session, plan)
    person = await session.scalar(select(Person).where(col(Person.id) == plan.person_id))
    return PlanToPrint(
        plan=await loaded(session, plan),
        number=case.number,
        child=names(identity, language),
        age=age(identity["birth"], today(), language),
        about=None if person is None else " · ".join(names(unseal(person), language)) or None,
        author=staff.get(plan.author_id, "—"),
        approver=staff.get(plan.decided_by_id) if plan.status in {"approved", "superseded"} else None,
        on=today(),
        language=language,
    )


async def _staff(session: AsyncSession, plan: CarePlan) -> dict[UUID | None, str]:
    asked = select(col(User.id), col(User.name)).where(col(User.id).in_([plan.author_id, plan.decided_by_id]))
    return {row.id: row.name for row in await session.execute(asked)}
