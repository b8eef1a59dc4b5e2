"""The consent register. Entries are never overwritten. After a withdrawal, the consent permits no sharing."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault
from app.kit.dates import today, validate_not_in_future
from app.kit.pagination import Paginator
from app.kit.records import (
    ensure_exists,
    get_case_for_share,
    get_for_share,
    get_record,
    get_version_for_update,
)
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Consent
from app.models.encrypted_field import dump_content
from app.models.people import StoredConsentDetails
from app.models.record import new_id, utc_now
from app.schemas.consents import Consent as ConsentSchema
from app.schemas.consents import ConsentCreate, ConsentFilters, ConsentList, ConsentWithdrawal
from app.schemas.wire import PageQuery
from app.services.cases import history as case_history
from app.services.cases.write_access import check_works_on_case

ENCRYPTED_FIELDS = frozenset(StoredConsentDetails.__annotations__)


async def create_case_consent(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: ConsentCreate
) -> ConsentSchema:
    """Record a consent, a refusal, or the legal basis for acting without consent.

    Raises:
        GateRefused: The caller is not staff of the case.
        InvalidInput: The date of the consent or of the basis is in the future.
    """
    basis = payload.basis_without_consent
    validate_not_in_future({"/on": payload.on, "/basis_without_consent/on": basis.on if basis else None})
    case = await get_for_share(session, Case, case_id)
    raise_if_unmet(await check_works_on_case(session, case))
    consent = Consent(
        id=payload.id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        given_on=payload.on,
        basis_without_consent=basis.basis if basis else None,
        recorded_by_id=caller.id,
        **payload.model_dump(
            include={"status", "given_by", "method", "scope", "recipient_agency_id", "valid_until"}
        ),
    )
    consent.details = dump_content(StoredConsentDetails, payload)
    session.add(consent)
    await session.flush()  # report a database error before the response is built
    case_history.record_case_history(
        session, case, "consent_recorded", caller, consent, {"status": consent.status}
    )
    return _to_schema(consent)


async def list_case_consents(
    session: AsyncSession, caller: Caller, case_id: UUID, page: PageQuery
) -> ConsentList:
    """List the consents of a case, newest first.

    A data protection officer can list them without access to the case.
    """
    paginator = Paginator("consents", page.limit, page.cursor, {"case": case_id, "for": caller.id})
    rows, cursor = await paginator.fetch_records(
        session,
        select(Consent).where(col(Consent.case_id) == case_id),
        col(Consent.created_at),
        col(Consent.id),
    )
    if not rows:
        await ensure_exists(session, Case, case_id)
    return ConsentList(items=[_to_schema(consent) for consent in rows], next_cursor=cursor)


async def list_consents(session: AsyncSession, caller: Caller, filters: ConsentFilters) -> ConsentList:
    """List all consents that the caller can see, newest first."""
    active_filters = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paginator = Paginator("register", filters.limit, filters.cursor, {**active_filters, "for": caller.id})
    rows, cursor = await paginator.fetch_records(
        session, select(Consent).filter_by(**active_filters), col(Consent.created_at), col(Consent.id)
    )
    return ConsentList(items=[_to_schema(consent) for consent in rows], next_cursor=cursor)


async def get_consent(session: AsyncSession, consent_id: UUID) -> ConsentSchema:
    """Return a consent."""
    return _to_schema(await get_record(session, Consent, consent_id))


async def withdraw_consent(
    session: AsyncSession, caller: Caller, consent_id: UUID, expected_version: int, payload: ConsentWithdrawal
) -> ConsentSchema:
    """Withdraw a consent. It permits no sharing afterwards.

    Raises:
        GateRefused: The consent is withdrawn, or is a refusal, or the caller is not staff of the case.
    """
    case = await get_case_for_share(session, Consent, consent_id)
    consent = await get_version_for_update(session, Consent, consent_id, expected_version)
    raise_if_unmet([*_check_consent_given(consent), *await check_works_on_case(session, case)])
    consent.withdrawn_at = utc_now()
    consent.withdrawn_by_id = caller.id
    consent.withdrawal_reason = payload.reason
    await session.flush()  # report a database error before the response is built
    case_history.record_case_history(session, case, "consent_withdrawn", caller, consent)
    return _to_schema(consent)


def _check_consent_given(consent: Consent) -> list[Fault]:
    status = get_consent_status(consent)
    if status not in {"withdrawn", "refused"}:
        return []
    return [Fault("/status", "status", f"The consent is {status} and cannot be withdrawn.")]


def get_consent_status(consent: Consent) -> str:
    """Return the status of a consent today: given, refused, withdrawn or expired."""
    if consent.withdrawn_at is not None:
        return "withdrawn"
    if consent.status == "given" and consent.valid_until is not None and consent.valid_until < today():
        return "expired"
    return consent.status


def _to_schema(consent: Consent) -> ConsentSchema:
    details = consent.details
    columns = consent.model_dump(include=set(ConsentSchema.model_fields) - {"status", *ENCRYPTED_FIELDS})
    return ConsentSchema(
        **columns,
        witness=details["witness"],
        basis_without_consent=details["basis_without_consent"],
        note=details.get("note"),
        status=get_consent_status(consent),
        on=consent.given_on,
        withdrawal_reason=consent.withdrawal_reason,
    )
