"""The consent register. Entries are never overwritten. After a withdrawal, the consent permits no sharing."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Date, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.access.reader import ReadQuery, RecordReader, ShownRecord, open_response_reader
from app.errors import Fault, InvalidInput
from app.kit.case_scope import CaseScope, Condition
from app.kit.dates import today
from app.kit.entered_in_error import build_error_filter, error_mark_columns, to_error_mark
from app.kit.list_query import ListQuery, is_one_of
from app.kit.records import ensure_visible, get_case_for_share, get_for_share, get_version_for_update
from app.kit.reference_names import agency_name, staff_names, to_ref, to_staff_refs
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Consent
from app.models.encrypted_field import dump_content
from app.models.people import StoredConsentDetails
from app.models.record import new_id, utc_now
from app.schemas.consents import (
    CaseConsentFilters,
    ConsentCreate,
    ConsentFilters,
    ConsentList,
    ConsentWithdrawal,
    RecordedConsent,
    SharedData,
)
from app.schemas.consents import Consent as ConsentSchema
from app.services.cases import history as case_history
from app.services.cases.write_access import check_works_on_case
from app.services.consents.gate import lock_register
from app.services.consents.legal_basis import end_basis_confirmation, request_basis_confirmation
from app.services.consents.recall import apply_refusal
from app.services.persons.life_dates import validate_after_birth

COLUMN_FIELDS = [
    name
    for name in ConsentSchema.model_fields
    if name in Consent.model_fields and name not in {"status", "basis_without_consent"}
]
"""Fields with the value of a column. The status depends on the day, and the details contain the whole legal basis."""
CONSENT_COLUMNS = select(
    *(getattr(Consent, name) for name in COLUMN_FIELDS),
    *staff_names(Consent, "recorded_by", "withdrawn_by", "basis_confirmed_by"),
    *error_mark_columns(Consent),
    agency_name(col(Consent.recipient_agency_id)).label("recipient_agency_name"),
    col(Consent.status),
    col(Consent.given_on),
    col(Consent.details_encrypted),
    col(Consent.withdrawal_reason_encrypted),
    col(Consent.alternative_giver_reason_encrypted),
)
CONSENT_QUERY = ReadQuery(
    CONSENT_COLUMNS.where(col(Consent.id) == bindparam("consent_id")), shows=ShownRecord("consent")
)
CASE_CONSENTS = ListQuery(
    "consents",
    Consent,
    CONSENT_COLUMNS,
    filters={"case_id": col(Consent.case_id) == bindparam("case_id"), **build_error_filter(Consent)},
    sorts={"created_at": col(Consent.created_at)},
    shows=ShownRecord("consent"),
)
NOT_WITHDRAWN = col(Consent.withdrawn_at).is_(None)
TODAY = bindparam("today", type_=Date)
VALID = col(Consent.valid_until).is_(None) | (col(Consent.valid_until) >= TODAY)
EXPIRED = col(Consent.valid_until) < TODAY
STATUS_CONDITIONS: Mapping[object, Condition] = {
    "given": (col(Consent.status) == "given") & NOT_WITHDRAWN & VALID,
    "refused": (col(Consent.status) == "refused") & NOT_WITHDRAWN,
    "withdrawn": col(Consent.withdrawn_at).is_not(None),
    "expired": (col(Consent.status) == "given") & NOT_WITHDRAWN & EXPIRED,
}
"""Condition of each status of `get_consent_status`."""
CONSENT_REGISTER = ListQuery(
    "consent_register",
    Consent,
    CONSENT_COLUMNS,
    filters={
        "status": STATUS_CONDITIONS,
        **build_error_filter(Consent),
        "child_id": col(Consent.child_id) == bindparam("child_id"),
        "case_id": col(Consent.case_id) == bindparam("case_id"),
        "recipient_agency_id": is_one_of(col(Consent.recipient_agency_id), "recipient_agency_id"),
        "since": col(Consent.given_on) >= bindparam("since"),
        "until": col(Consent.given_on) <= bindparam("until"),
    },
    sorts={"created_at": col(Consent.created_at), "on": col(Consent.given_on)},
    scope=CaseScope(
        col(Consent.case_id),
        col(Case.id),
        roles_with_all=frozenset({Role.programme_manager, Role.data_protection_officer}),
    ),
    shows=ShownRecord("consent"),
)


async def create_case_consent(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: ConsentCreate
) -> RecordedConsent:
    """Record a consent, a refusal, or the legal basis for acting without consent.

    Raises:
        GateRefused: The caller is not staff of the case.
        InvalidInput: A date is before the birth of the child.
    """
    case = await get_for_share(session, Case, case_id)
    raise_if_unmet(await check_works_on_case(session, case))
    consent = await add_consent(session, caller, case, payload)
    shared = await apply_refusal(session, case, consent) if consent.status == "refused" else []
    return await _to_recorded_consent(session, consent, shared)


async def add_consent(
    session: AsyncSession, caller: Caller, case: Case, payload: ConsentCreate, pointer: str = ""
) -> Consent:
    """Add an entry to the register of a locked case. `pointer` is the place of the entry in the request.

    Raises:
        InvalidInput: A date is before the birth of the child.
    """
    basis = payload.basis_without_consent
    days = {"/on": payload.on, "/basis_without_consent/on": basis.on if basis else None}
    await validate_after_birth(
        session, case.child_id, {f"{pointer}{name}": day for name, day in days.items()}
    )
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
    consent.alternative_giver_reason = payload.alternative_giver_reason
    session.add(consent)
    # the next statements request the confirmation and read the response, without autoflush
    await session.flush()
    await request_basis_confirmation(session, consent)
    case_history.record_case_history(
        session, case, "consent_recorded", caller, consent, {"status": consent.status}
    )
    return consent


async def list_case_consents(
    reader: RecordReader, caller: Caller, case_id: UUID, query: CaseConsentFilters
) -> ConsentList:
    """List the consents of a case, newest first.

    A data protection officer can list them without access to the case.

    Raises:
        NotFound: The caller can see neither the case nor an entry of the case.
    """
    page = await CASE_CONSENTS.fetch_page(reader, caller, query, within={"case_id": case_id})
    if not page.rows:
        await ensure_visible(reader, Case, case_id)
    return ConsentList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


async def list_consents(reader: RecordReader, caller: Caller, filters: ConsentFilters) -> ConsentList:
    """List the entries of all cases that the caller can see, newest first unless `sort` is given."""
    page = await CONSENT_REGISTER.fetch_page(reader, caller, filters, today=today())
    return ConsentList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


async def get_consent(reader: RecordReader, consent_id: UUID) -> ConsentSchema:
    """Return a consent.

    Raises:
        NotFound: The consent does not exist, or the caller cannot see it.
    """
    return ConsentSchema(**_row_to_fields(await reader.fetch_required(CONSENT_QUERY, consent_id=consent_id)))


async def withdraw_consent(
    session: AsyncSession, caller: Caller, consent_id: UUID, expected_version: int, payload: ConsentWithdrawal
) -> RecordedConsent:
    """Withdraw a consent. It permits no sharing afterwards, and the shared data has to be recalled.

    Raises:
        GateRefused: The consent is withdrawn, or is a refusal, or the caller is not staff of the case.
        InvalidInput: A person withdraws who did not give the consent.
    """
    case = await get_case_for_share(session, Consent, consent_id)
    await end_basis_confirmation(session, consent_id)
    await lock_register(session, case.child_id)
    consent = await get_version_for_update(session, Consent, consent_id, expected_version)
    raise_if_unmet([*_check_consent_given(consent), *await check_works_on_case(session, case)])
    if set(payload.withdrawn_givers) - set(consent.given_by):
        detail = "Only a person who gave the consent can withdraw it."
        raise InvalidInput([Fault("/withdrawn_givers", "not_a_giver", detail)])
    consent.withdrawn_at = utc_now()
    consent.withdrawn_by_id = caller.id
    consent.withdrawn_givers = payload.withdrawn_givers or consent.given_by
    consent.withdrawal_reason = payload.reason
    await session.flush()  # the query of the response runs without autoflush
    case_history.record_case_history(session, case, "consent_withdrawn", caller, consent)
    shared = await apply_refusal(session, case, consent)
    return await _to_recorded_consent(session, consent, shared)


async def _to_recorded_consent(
    session: AsyncSession, consent: Consent, shared: list[SharedData]
) -> RecordedConsent:
    schema = await get_consent(await open_response_reader(session), consent.id)
    return RecordedConsent(**dict(schema), shared_before=shared)


def _check_consent_given(consent: Consent) -> list[Fault]:
    status = get_consent_status(consent)
    if status not in {"withdrawn", "refused"}:
        return []
    return [Fault("/status", "status", f"The consent is {status} and cannot be withdrawn.")]


def get_consent_status(consent: Consent) -> str:
    """Return the status of a consent today: given, refused, withdrawn or expired.

    `consent` is a record, or a row with its columns.
    """
    if consent.withdrawn_at is not None:
        return "withdrawn"
    if consent.status == "given" and consent.valid_until is not None and consent.valid_until < today():
        return "expired"
    return consent.status


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        "note": None,
        **Consent.details.decrypt(row.id, row.details_encrypted),
        **to_staff_refs(row, "recorded_by", "withdrawn_by", "basis_confirmed_by"),
        "recipient_agency": to_ref(row.recipient_agency_id, row.recipient_agency_name),
        "status": get_consent_status(row),
        "on": row.given_on,
        **to_error_mark(Consent, row),
        "withdrawal_reason": Consent.withdrawal_reason.decrypt(row.id, row.withdrawal_reason_encrypted),
        "alternative_giver_reason": Consent.alternative_giver_reason.decrypt(
            row.id, row.alternative_giver_reason_encrypted
        ),
    }
