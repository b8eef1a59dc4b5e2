"""The consent register."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import ConsentReader, ConsentRecorder, ConsentWithdrawer
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.consents import Consent, ConsentCreate, ConsentFilters
from app.schemas.referrals import Withdrawal
from app.schemas.wire import Page, PageQuery
from app.services.cases import consents

router = Router(tags=["consents"])


@router.post("/cases/{case_id}/consents", status_code=201)
async def create_case_consent(
    caller: ConsentRecorder,
    session: Session,
    case_id: UUID,
    payload: ConsentCreate,
) -> Consent:
    """Enter a consent, a refusal, or the basis for acting without."""
    return await consents.create_case_consent(session, caller, case_id, payload)


@router.get("/cases/{case_id}/consents")
async def list_case_consents(
    caller: ConsentReader,
    session: Session,
    case_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[Consent]:
    """List a case's consents, newest first."""
    return await consents.list_case_consents(session, caller, case_id, page)


@router.get("/consents")
async def list_consents(
    caller: ConsentReader,
    session: Session,
    filters: Annotated[ConsentFilters, Query()],
) -> Page[Consent]:
    """List the register as far as you see it, newest first."""
    return await consents.list_consents(session, caller, filters)


@router.get("/consents/{consent_id}")
async def get_consent(
    caller: ConsentReader,  # noqa: ARG001 - the door
    session: Session,
    consent_id: UUID,
) -> Consent:
    """Read one consent."""
    return await consents.get_consent(session, consent_id)


@router.post("/consents/{consent_id}/withdraw")
async def withdraw_consent(
    caller: ConsentWithdrawer,
    session: Session,
    consent_id: UUID,
    expected_version: ExpectedVersion,
    payload: Withdrawal,
) -> Consent:
    """Withdraw a consent: nothing is shared on it from now on."""
    return await consents.withdraw_consent(session, caller, consent_id, expected_version, payload)
