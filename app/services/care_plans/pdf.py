"""Render a care plan as a PDF for the court and the family.

The PDF contains the agreed goals and actions, but no ratings, needs or risks of the areas. The module reads only the plan
and the names and birth of the people in it, so that no content of the clinical tier can reach the PDF.
"""

import asyncio
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import NotFound, Unavailable
from app.kit.dates import today
from app.kit.formatting import format_age, format_person_names
from app.models import CarePlan, Case, Child, Person, User
from app.services.care_plans.load import load_care_plan_schema
from app.services.care_plans.pdf_content import PrintableCarePlan

_render_semaphore = asyncio.Semaphore(2)
"""Limits the number of concurrent renderings in one process. Rendering uses the processor, which other requests need
too.
"""


async def render_care_plan_pdf(session: AsyncSession, plan_id: UUID, language: str) -> tuple[str, bytes]:
    """Return the file name and the content of a care plan as PDF.

    Raises:
        NotFound: the plan does not exist, or the caller cannot see it.
        Unavailable: the limit of concurrent renderings is reached.
    """
    if _render_semaphore.locked():
        raise Unavailable("Too many care plans are being rendered. Retry after a moment.", retry_after=3)
    async with _render_semaphore:
        printable = await _load_printable_plan(session, plan_id, language)
        return printable.file_name, await asyncio.to_thread(_render_pdf, printable)


def _render_pdf(printable: PrintableCarePlan) -> bytes:
    from app.services.care_plans.pdf_layout import lay_out_care_plan  # noqa: PLC0415 - importing fpdf2 takes half a second

    return lay_out_care_plan(printable)


async def _load_printable_plan(session: AsyncSession, plan_id: UUID, language: str) -> PrintableCarePlan:
    query = select(CarePlan, Case, Child).join(Case, col(Case.id) == col(CarePlan.case_id))
    query = query.join(Child, col(Child.id) == col(CarePlan.child_id)).where(col(CarePlan.id) == plan_id)
    row = (await session.execute(query)).first()
    if row is None:
        raise NotFound
    plan, case, child = row
    identity, staff_names = child.identity, await _load_staff_names(session, plan)
    person = await session.scalar(select(Person).where(col(Person.id) == plan.person_id))
    person_names = format_person_names(person.details, language) if person else []
    return PrintableCarePlan(
        plan=await load_care_plan_schema(session, plan),
        case_number=case.number,
        child_names=format_person_names(identity, language),
        age=format_age(identity["birth"], today(), language),
        person_name=" · ".join(person_names) or None,
        author_name=staff_names.get(plan.author_id, "—"),
        approver_name=staff_names.get(plan.decided_by_id)
        if plan.status in {"approved", "superseded"}
        else None,
        printed_on=today(),
        language=language,
    )


async def _load_staff_names(session: AsyncSession, plan: CarePlan) -> dict[UUID | None, str]:
    query = select(col(User.id), col(User.name)).where(col(User.id).in_([plan.author_id, plan.decided_by_id]))
    return {row.id: row.name for row in await session.execute(query)}
