"""Mark records of a case as entered in error.

The mark and its rules are in `app.kit.entered_in_error`. Here are the consequences for other records: the date of the last
contact, the search tokens of the child, and the conflict wall.
"""

from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.log import refresh_context
from app.access.reader import open_response_reader, session_reader
from app.errors import Fault
from app.kit.entered_in_error import mark_entered_in_error
from app.kit.records import (
    get_case_for_update,
    get_for_share,
    get_for_update,
    get_record,
    get_version_for_update,
)
from app.kit.state_machine import raise_if_unmet
from app.models import (
    Case,
    CaseLink,
    CaseSibling,
    CaseWorker,
    Child,
    Consent,
    Document,
    Feedback,
    LegalStep,
    Person,
    SupportSession,
)
from app.models.record import CaseRecord
from app.schemas.case_links import CaseLink as CaseLinkSchema
from app.schemas.case_siblings import CaseSibling as CaseSiblingSchema
from app.schemas.consents import Consent as ConsentSchema
from app.schemas.corrections import ErrorMarkCreate
from app.schemas.documents import Document as DocumentSchema
from app.schemas.feedback import Feedback as FeedbackSchema
from app.schemas.legal_steps import LegalStep as LegalStepSchema
from app.schemas.people import Person as PersonSchema
from app.schemas.support_sessions import SupportSession as SupportSessionSchema
from app.services.cases import history as case_history
from app.services.cases.case_links import LINK_QUERY, to_link_schema
from app.services.cases.case_siblings import get_case_sibling
from app.services.cases.children import refresh_child_search_tokens
from app.services.cases.people import get_person
from app.services.cases.staffing_checks import check_supervises_case
from app.services.consents.gate import lock_register
from app.services.consents.legal_basis import end_basis_confirmation
from app.services.consents.recall import request_recalls
from app.services.consents.register import get_consent
from app.services.reviews.feedback import get_feedback
from app.services.support.contacts import update_last_contact
from app.services.support.document_responses import get_document
from app.services.support.legal_steps import get_legal_step
from app.services.support.session_responses import get_support_session

RecordT = TypeVar("RecordT", bound=CaseRecord | CaseLink)

AUTHOR_COLUMNS: dict[type, str] = {
    SupportSession: "author_id",
    Document: "author_id",
    LegalStep: "author_id",
    Consent: "recorded_by_id",
    Feedback: "author_id",
    CaseLink: "linked_by_id",
}
"""Column of the person who wrote a record, as in the triggers `protect_entered_in_error`. People have none."""


async def _mark_record(
    session: AsyncSession,
    caller: Caller,
    record_type: type[RecordT],
    record_id: UUID,
    expected_version: int,
    payload: ErrorMarkCreate,
) -> tuple[Case, RecordT]:
    """Mark a record, add an entry to the history of its case, and return the locked case and the record.

    Raises:
        NotFound: the record does not exist, or the caller cannot see it.
        GateRefused: the record is marked already, or the caller may not mark it.
        StaleVersion: the record was changed since the caller read it.
    """
    case_id = select(col(record_type.case_id)).where(col(record_type.id) == record_id).scalar_subquery()
    case = await get_for_update(session, Case, case_id)
    record = await get_version_for_update(session, record_type, record_id, expected_version)
    author_id = getattr(record, AUTHOR_COLUMNS[record_type]) if record_type in AUTHOR_COLUMNS else None
    await mark_entered_in_error(session, caller, record, author_id, payload.reason)
    if not isinstance(
        record, CaseLink
    ):  # the history of a case never contains a link, which is hidden from its workers
        case_history.record_case_history(session, case, "entered_in_error", caller, record)
    # the next statements write the consequences and read the response, without autoflush
    await session.flush()
    return case, record


async def mark_support_session(
    session: AsyncSession, caller: Caller, record_id: UUID, expected_version: int, payload: ErrorMarkCreate
) -> SupportSessionSchema:
    """Mark a support session, and update the date of the last contact. Raises the errors of `_mark_record`."""
    case, _ = await _mark_record(session, caller, SupportSession, record_id, expected_version, payload)
    await update_last_contact(session, case)
    return await get_support_session(session_reader(session), record_id)


async def mark_document(
    session: AsyncSession, caller: Caller, record_id: UUID, expected_version: int, payload: ErrorMarkCreate
) -> DocumentSchema:
    """Mark a document. Raises the errors of `_mark_record`."""
    await _mark_record(session, caller, Document, record_id, expected_version, payload)
    return await get_document(session_reader(session), record_id)


async def mark_person(
    session: AsyncSession, caller: Caller, record_id: UUID, expected_version: int, payload: ErrorMarkCreate
) -> PersonSchema:
    """Mark a person, and remove their phone number from the search tokens of the child. Raises the errors of `_mark_record`."""
    _, person = await _mark_record(session, caller, Person, record_id, expected_version, payload)
    await refresh_child_search_tokens(session, await get_for_update(session, Child, person.child_id))
    return await get_person(session_reader(session), record_id)


async def mark_consent(
    session: AsyncSession, caller: Caller, record_id: UUID, expected_version: int, payload: ErrorMarkCreate
) -> ConsentSchema:
    """Mark an entry of the consent register, and request the recall of the data that was shared because of it.

    Raises the errors of `_mark_record`.
    """
    # The case is locked before the register, as in every act. A merge can therefore not change the child in between.
    case = await get_case_for_update(session, Consent, record_id)
    await end_basis_confirmation(session, record_id)
    await lock_register(session, case.child_id)
    await _mark_record(session, caller, Consent, record_id, expected_version, payload)
    await request_recalls(session, case, record_id)
    return await get_consent(session_reader(session), record_id)


async def mark_legal_step(
    session: AsyncSession, caller: Caller, record_id: UUID, expected_version: int, payload: ErrorMarkCreate
) -> LegalStepSchema:
    """Mark an incident or a legal step. Raises the errors of `_mark_record`."""
    await _mark_record(session, caller, LegalStep, record_id, expected_version, payload)
    return await get_legal_step(session_reader(session), record_id)


async def mark_feedback(
    session: AsyncSession, caller: Caller, record_id: UUID, expected_version: int, payload: ErrorMarkCreate
) -> FeedbackSchema:
    """Mark the feedback of a child or caregiver. Raises the errors of `_mark_record`.

    Raises:
        GateRefused: the caller does not supervise the case, or is a worker of the case.
    """
    case = await get_case_for_update(session, Feedback, record_id)
    raise_if_unmet([*check_supervises_case(caller, case), *await _check_no_worker(session, caller, case)])
    await _mark_record(session, caller, Feedback, record_id, expected_version, payload)
    return await get_feedback(session_reader(session), record_id)


async def _check_no_worker(session: AsyncSession, caller: Caller, case: Case) -> list[Fault]:
    """Return a fault if the caller is the lead worker or a co-worker of a case."""
    query = select(col(CaseWorker.case_id)).where(
        col(CaseWorker.case_id) == case.id, col(CaseWorker.user_id) == caller.id
    )
    if case.lead_worker_id != caller.id and await session.scalar(query) is None:
        return []
    detail = "The feedback can be about the workers of the case. Another supervisor or a programme manager must do this."
    return [Fault(None, "own_work", detail)]


async def mark_case_link(
    session: AsyncSession, caller: Caller, record_id: UUID, expected_version: int, payload: ErrorMarkCreate
) -> CaseLinkSchema:
    """Mark a link, which removes the conflict wall between the two children. Raises the errors of `_mark_record`."""
    await _mark_record(session, caller, CaseLink, record_id, expected_version, payload)
    row = await session_reader(session).fetch_required(LINK_QUERY, link_id=record_id)
    await refresh_context(session)
    return to_link_schema(row)


async def mark_case_sibling(
    session: AsyncSession, caller: Caller, record_id: UUID, expected_version: int, payload: ErrorMarkCreate
) -> CaseSiblingSchema:
    """Mark two cases of siblings, for the author or for staff of one of the cases. Raises the errors of `_mark_record`."""
    pair = await get_record(session, CaseSibling, record_id)
    for case_id in (pair.case_id, pair.sibling_case_id):  # in the order of the ids, as when they are named
        await get_for_share(session, Case, case_id)
    pair = await get_version_for_update(session, CaseSibling, record_id, expected_version)
    await mark_entered_in_error(
        session, caller, pair, pair.named_by_id, payload.reason, second_case_id=pair.sibling_case_id
    )
    return await get_case_sibling(await open_response_reader(session), record_id)
