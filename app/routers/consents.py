"""The consent register."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import ConsentReader, ConsentRecorder, ConsentWithdrawer
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.consents import (
    CaseConsentFilters,
    Consent,
    ConsentCreate,
    ConsentFilters,
    ConsentList,
    ConsentWithdrawal,
    RecordedConsent,
)
from app.services.consents import register

router = Router(tags=["consents"])


@router.post("/cases/{case_id}/consents", status_code=201)
async def create_case_consent(
    caller: ConsentRecorder,
    session: Session,
    case_id: UUID,
    payload: ConsentCreate,
) -> RecordedConsent:
    """Add an entry to the consent register of a case.

    The entry is a consent, a refusal, or the legal basis for acting without consent. The caller must be staff of the
    case. An entry is never overwritten. A refusal returns the data that was shared before and has to be recalled.
    """
    return await register.create_case_consent(session, caller, case_id, payload)


@router.get("/cases/{case_id}/consents")
async def list_case_consents(
    caller: ConsentReader,
    reader: Reader,
    case_id: UUID,
    filters: Annotated[CaseConsentFilters, Query()],
) -> ConsentList:
    """List the consents of a case, newest first.

    Returns consents, refusals and legal bases. Data protection officers can list them without access to the
    case.
    """
    return await register.list_case_consents(reader, caller, case_id, filters)


@router.get("/consents")
async def list_consents(
    caller: ConsentReader,
    reader: Reader,
    filters: Annotated[ConsentFilters, Query()],
) -> ConsentList:
    """List the consent register, newest first by default.

    Returns the entries of all cases that the caller can see. Data protection officers receive the entries of all cases.
    `from` and `to` filter by the day of the consent or refusal.
    """
    return await register.list_consents(reader, caller, filters)


@router.get("/consents/{consent_id}")
async def get_consent(
    _caller: ConsentReader,
    reader: Reader,
    consent_id: UUID,
) -> Consent:
    """Get a consent.

    The status is computed for today: `given`, `refused`, `withdrawn` or `expired`.
    """
    return await register.get_consent(reader, consent_id)


@router.post("/consents/{consent_id}/withdraw")
async def withdraw_consent(
    caller: ConsentWithdrawer,
    session: Session,
    consent_id: UUID,
    expected_version: ExpectedVersion,
    payload: ConsentWithdrawal,
) -> RecordedConsent:
    """Withdraw a consent.

    The consent permits no sharing afterwards. The response lists the data that was shared before and has to be
    recalled. A refusal or a withdrawn consent cannot be withdrawn.
    """
    return await register.withdraw_consent(session, caller, consent_id, expected_version, payload)
