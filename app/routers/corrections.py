"""Endpoints that mark records as entered in error, one for each kind of record."""

from uuid import UUID

from app.http.permissions import CaseLinker, ErrorMarker
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.case_links import CaseLink
from app.schemas.case_siblings import CaseSibling
from app.schemas.consents import Consent
from app.schemas.corrections import ErrorMarkCreate
from app.schemas.documents import Document
from app.schemas.legal_steps import LegalStep
from app.schemas.people import Person
from app.schemas.support_sessions import SupportSession
from app.services import corrections

router = Router(tags=["corrections"])


@router.post("/support-sessions/{support_session_id}/enter-in-error")
async def enter_support_session_in_error(
    caller: ErrorMarker,
    session: Session,
    support_session_id: UUID,
    expected_version: ExpectedVersion,
    payload: ErrorMarkCreate,
) -> SupportSession:
    """Mark a support session as entered in error.

    The record stays readable with the mark, and cannot be changed again. A planned session is marked like a held one.
    The date of the last contact of the case is computed without it. The author, the lead worker, a supervisor of the
    team or a programme manager can do this.
    """
    return await corrections.mark_support_session(
        session, caller, support_session_id, expected_version, payload
    )


@router.post("/documents/{document_id}/enter-in-error")
async def enter_document_in_error(
    caller: ErrorMarker,
    session: Session,
    document_id: UUID,
    expected_version: ExpectedVersion,
    payload: ErrorMarkCreate,
) -> Document:
    """Mark a document as entered in error.

    The record stays readable with the mark, and cannot be changed again. The file stays readable for those who can
    read its tier. Payments cannot use it as a receipt. The author, the lead worker, a supervisor of the team or a
    programme manager can do this.
    """
    return await corrections.mark_document(session, caller, document_id, expected_version, payload)


@router.post("/people/{person_id}/enter-in-error")
async def enter_person_in_error(
    caller: ErrorMarker,
    session: Session,
    person_id: UUID,
    expected_version: ExpectedVersion,
    payload: ErrorMarkCreate,
) -> Person:
    """Mark a person as entered in error.

    The record stays readable with the mark, and cannot be changed again. A search for their phone number does not
    find the child. The author, the lead worker, a supervisor of the team or a programme manager can do this.
    """
    return await corrections.mark_person(session, caller, person_id, expected_version, payload)


@router.post("/consents/{consent_id}/enter-in-error")
async def enter_consent_in_error(
    caller: ErrorMarker,
    session: Session,
    consent_id: UUID,
    expected_version: ExpectedVersion,
    payload: ErrorMarkCreate,
) -> Consent:
    """Mark a consent as entered in error.

    The record stays readable with the mark, and cannot be changed again. No gate uses the entry: neither a consent
    nor a refusal that was recorded by mistake has an effect. What was shared on the entry is on the agenda of the case
    until it is recalled. The author, the lead worker, a supervisor of the team or a programme manager can do this.
    """
    return await corrections.mark_consent(session, caller, consent_id, expected_version, payload)


@router.post("/legal-steps/{legal_step_id}/enter-in-error")
async def enter_legal_step_in_error(
    caller: ErrorMarker,
    session: Session,
    legal_step_id: UUID,
    expected_version: ExpectedVersion,
    payload: ErrorMarkCreate,
) -> LegalStep:
    """Mark an incident or legal step as entered in error.

    The record stays readable with the mark, and cannot be changed again. The entry must be of the legal tier of a
    case of the caller. The author, the lead worker, a supervisor of the team or a programme manager can do this.
    """
    return await corrections.mark_legal_step(session, caller, legal_step_id, expected_version, payload)


@router.post("/case-links/{case_link_id}/enter-in-error")
async def enter_case_link_in_error(
    caller: CaseLinker,
    session: Session,
    case_link_id: UUID,
    expected_version: ExpectedVersion,
    payload: ErrorMarkCreate,
) -> CaseLink:
    """Mark a link between two cases as entered in error.

    The record stays readable with the mark, and cannot be changed again. The conflict wall between the workers of the
    two children ends. The caller must be staff of both cases.
    """
    return await corrections.mark_case_link(session, caller, case_link_id, expected_version, payload)


@router.post("/case-siblings/{case_sibling_id}/enter-in-error")
async def enter_case_sibling_in_error(
    caller: ErrorMarker,
    session: Session,
    case_sibling_id: UUID,
    expected_version: ExpectedVersion,
    payload: ErrorMarkCreate,
) -> CaseSibling:
    """Mark two cases of siblings as entered in error.

    The record stays readable with the mark, and the two cases can be recorded again. The author, the lead worker or a
    supervisor of either case, or a programme manager can do this.
    """
    return await corrections.mark_case_sibling(session, caller, case_sibling_id, expected_version, payload)
