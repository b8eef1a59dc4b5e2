"""Render a care plan as a PDF for the court and the family.

The PDF contains the agreed goals and actions, but no ratings, needs or risks of the areas. The module reads only the plan
and the names and birth of the people in it, so that no content of the clinical tier can reach the PDF.
"""

import asyncio
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col

from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.errors import Unavailable
from app.kit.dates import today
from app.kit.formatting import format_age, format_person_names
from app.models import CarePlan, Case, Child, Person
from app.rendering.printed_file import PrintedFile
from app.services.care_plans.pdf_content import PrintableCarePlan
from app.services.care_plans.responses import get_care_plan

_render_semaphore = asyncio.Semaphore(2)
"""Limits the number of concurrent renderings in one process. Rendering uses the processor, which other requests need
too.
"""
PERSONS_QUERY = ReadQuery(
    select(
        col(Case.id),
        col(Case.child_id),
        col(Case.number),
        col(Child.identity_encrypted),
        col(Person.id).label("person_id"),
        col(Person.details_encrypted),
    )
    .join(CarePlan, col(CarePlan.case_id) == col(Case.id))
    .join(Child, col(Child.id) == col(Case.child_id))
    .outerjoin(Person, col(Person.id) == col(CarePlan.person_id))
    .where(col(CarePlan.id) == bindparam("plan_id")),
    shows=[ShownRecord("case", case_id="id"), ShownRecord("person", case_id="id", record_id="person_id")],
)


async def render_care_plan_pdf(reader: RecordReader, plan_id: UUID, language: str) -> tuple[str, PrintedFile]:
    """Return the file name and the content of a care plan as PDF.

    Raises:
        NotFound: the plan does not exist, or the caller cannot see it.
        Unavailable: the limit of concurrent renderings is reached.
    """
    if _render_semaphore.locked():
        raise Unavailable("Too many care plans are being rendered. Retry after a moment.", retry_after=3)
    async with _render_semaphore:
        printable = await _load_printable_plan(reader, plan_id, language)
        return printable.file_name, await asyncio.to_thread(_render_pdf, printable)


def _render_pdf(printable: PrintableCarePlan) -> PrintedFile:
    from app.services.care_plans.pdf_layout import lay_out_care_plan  # noqa: PLC0415 - importing fpdf2 takes half a second

    return lay_out_care_plan(printable)


async def _load_printable_plan(reader: RecordReader, plan_id: UUID, language: str) -> PrintableCarePlan:
    plan = await get_care_plan(reader, plan_id)
    row = await reader.fetch_required(PERSONS_QUERY, plan_id=plan_id)
    identity = Child.identity.decrypt(row.child_id, row.identity_encrypted)
    details = Person.details.decrypt(row.person_id, row.details_encrypted) if row.person_id else None
    is_approved = plan.status in {"approved", "superseded"}
    return PrintableCarePlan(
        plan=plan,
        case_number=row.number,
        child_names=format_person_names(identity, language),
        age=format_age(identity["birth"], today(), language),
        person_name=" · ".join(format_person_names(details, language) if details else []) or None,
        author_name=plan.author.name,
        approver_name=plan.decided_by.name if plan.decided_by and is_approved else None,
        printed_on=today(),
        language=language,
    )
