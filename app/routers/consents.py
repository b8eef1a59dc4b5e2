"""The consent register."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import ConsentReader, ConsentRecorder, ConsentWithdrawer
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.consents import Consent, ConsentCreate, ConsentFilters, ConsentList, ConsentWithdrawal
from app.schemas.wire import PageQuery
from app.services.cases import consents

router = Router(tags=["consents"])


@router.post("/cases/{case_id}/consents", status_code=201)
async def create_case_consent(
    caller: ConsentRecorder,
    session: Session,
    case_id: UUID,
    payload: ConsentCreate,
) -> Consent:
    """Add an entry to the consent register of a case.

    The entry is a consent, a refusal, or the legal basis for acting without consent. The caller must be staff of the
    case. An entry is never overwritten.
    """
    return await consents.create_case_consent(session, caller, case_id, payload)


@router.get("/cases/{case_id}/consents")
async def list_case_consents(
    caller: ConsentReader,
    session: Session,
    case_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> ConsentList:
    """List the consents of a case, newest first.

    Returns consents, refusals and legal bases. Data protection officers can list them without access to the
    case.
    """
    return await consents.list_case_consents(session, caller, case_id, page)


@router.get("/consents")
async def list_consents(
    caller: ConsentReader,
    session: Session,
    filters: Annotated[ConsentFilters, Query()],
) -> ConsentList:
    """List the consent register, newest first.

    Returns the entries of all cases that the caller can see. Data protection officers receive the entries of all cases.
    """
    return await consents.list_consents(session, caller, filters)


@router.get("/consents/{consent_id}")
async def get_consent(
    _caller: ConsentReader,
    session: Session,
    consent_id: UUID,
) -> Consent:
    """Get a consent.

    The status is computed for today: `given`, `refused`, `withdrawn` or `expired`.
    """
    return await consents.get_consent(session, consent_id)


@router.post("/consents/{consent_id}/withdraw")
async def withdraw_consent(
    caller: ConsentWithdrawer,
    session: Session,
    consent_id: UUID,
    expected_version: ExpectedVersion,
    payload: ConsentWithdrawal,
) -> Consent:
    """Withdraw a consent.

    The consent permits no sharing afterwards. A refusal or a withdrawn consent cannot be withdrawn.
    """
    return await consents.withdraw_consent(session, caller, consent_id, expected_version, payload)
