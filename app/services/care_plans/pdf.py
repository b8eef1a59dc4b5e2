"""The printable care plan, for the court and the family: what is agreed, without how the areas were rated or at risk.

Nothing of the clinical tier can be in it: it reads the plan, and nothing else about the child but name and birth.
"""

import asyncio
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.vault import decrypt
from app.errors import NotFound, Unavailable
from app.kit.dates import today
from app.kit.formatting import format_age, format_person_names
from app.models import CarePlan, Case, Child, Person, User
from app.services.care_plans.load import load_care_plan_schema
from app.services.care_plans.plan_to_print import PrintableCarePlan

_render_semaphore = asyncio.Semaphore(2)
"""So many at once in one process."""


async def render_care_plan_pdf(session: AsyncSession, plan_id: UUID, language: str) -> tuple[str, bytes]:
    """Return a care plan as a PDF, with a name for the file.

    Raises:
        NotFound: there is no such plan for this actor.
        Unavailable: others are being printed: laying out takes a processor, and must not take all of them.
    """
    if _render_semaphore.locked():
        raise Unavailable("Another plan is being printed: try again in a moment.", retry_after=3)
    async with _render_semaphore:
        told = await _load_printable_plan(session, plan_id, language)
        return told.file_name, await asyncio.to_thread(_render_pdf, told)


def _render_pdf(told: PrintableCarePlan) -> bytes:
    from app.services.care_plans.pdf_layout import lay_out_care_plan  # noqa: PLC0415 - fpdf2 is slow to import, and seldom needed

    return lay_out_care_plan(told)


async def _load_printable_plan(session: AsyncSession, plan_id: UUID, language: str) -> PrintableCarePlan:
    query = select(CarePlan, Case, Child).join(Case, col(Case.id) == col(CarePlan.case_id))
    query = query.join(Child, col(Child.id) == col(CarePlan.child_id)).where(col(CarePlan.id) == plan_id)
    row = (await session.execute(query)).first()
    if row is None:
        raise NotFound
    plan, case, child = row
    identity, staff = decrypt(child), await _load_staff_names(session, plan)
    person = await session.scalar(select(Person).where(col(Person.id) == plan.person_id))
    return PrintableCarePlan(
        plan=await load_care_plan_schema(session, plan),
        case_number=case.number,
        child_names=format_person_names(identity, language),
        age=format_age(identity["birth"], today(), language),
        person_name=None
        if person is None
        else " · ".join(format_person_names(decrypt(person), language)) or None,
        author_name=staff.get(plan.author_id, "—"),
        approver_name=staff.get(plan.decided_by_id) if plan.status in {"approved", "superseded"} else None,
        printed_on=today(),
        language=language,
    )


async def _load_staff_names(session: AsyncSession, plan: CarePlan) -> dict[UUID | None, str]:
    asked = select(col(User.id), col(User.name)).where(col(User.id).in_([plan.author_id, plan.decided_by_id]))
    return {row.id: row.name for row in await session.execute(asked)}
