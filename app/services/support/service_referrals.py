"""Create, list, get and update service referrals. Sending and outcomes are in separate modules."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord, open_response_reader
from app.errors import Fault, InvalidInput
from app.kit.case_scope import CaseScope
from app.kit.dates import check_not_in_future, today
from app.kit.list_query import ListQuery, build_day_start, is_one_of
from app.kit.records import (
    apply_patch,
    ensure_visible,
    get_case_for_share,
    get_for_share,
    get_version_for_update,
)
from app.kit.reference_names import staff_names, to_staff_refs
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Consent, Goal, Provider, ServiceReferral
from app.models.encrypted_field import dump_content
from app.models.record import CaseRecord, new_id, utc_now
from app.models.service_referrals import StoredServiceReferralAnswer, StoredServiceReferralContent
from app.schemas.service_referrals import (
    CaseServiceReferralFilters,
    ServiceReferralContent,
    ServiceReferralCreate,
    ServiceReferralFilters,
    ServiceReferralList,
    ServiceReferralSummary,
    ServiceReferralSummaryList,
    ServiceReferralUpdate,
)
from app.schemas.service_referrals import (
    ServiceReferral as ServiceReferralSchema,
)
from app.services.cases.write_access import check_case_writable
from app.services.consents.gate import get_consent_scope
from app.services.consents.legal_basis import create_basis_entry
from app.services.persons.life_dates import validate_after_birth
from app.services.support.case_records import build_case_fields, build_case_filters, join_case_and_child
from app.services.support.service_referral_states import (
    check_service_referral_is_draft,
)

CONTENT_FIELDS = set(ServiceReferralContent.model_fields)
ENCRYPTED_FIELDS = frozenset(StoredServiceReferralContent.__annotations__)
"""Fields of the encrypted content. `basis_without_consent` is both: the encrypted content holds the full basis, the
column its code.
"""
ANSWER_FIELDS = frozenset(StoredServiceReferralAnswer.__annotations__)
SCHEMA_COLUMN_FIELDS = [
    name
    for name in ServiceReferralSchema.model_fields
    if name in ServiceReferral.model_fields and name not in ENCRYPTED_FIELDS
]
SUMMARY_COLUMN_FIELDS = [name for name in SCHEMA_COLUMN_FIELDS if name in ServiceReferralSummary.model_fields]
NAMES = (
    *staff_names(ServiceReferral, "author", "sent_by", "recalled_by"),
    col(Provider.name).label("provider_name"),
)
REFERRAL_COLUMNS = select(
    *(getattr(ServiceReferral, name) for name in SCHEMA_COLUMN_FIELDS),
    *NAMES,
    col(ServiceReferral.content_encrypted),
    col(ServiceReferral.answer_encrypted),
    col(ServiceReferral.recall_note_encrypted),
).join(Provider, col(Provider.id) == col(ServiceReferral.provider_id))
SHOWN_REFERRAL = ShownRecord("service_referral")
REFERRAL_QUERY = ReadQuery(
    REFERRAL_COLUMNS.where(col(ServiceReferral.id) == bindparam("referral_id")), shows=SHOWN_REFERRAL
)
FILTERS = {
    **build_case_filters(col(ServiceReferral.case_id)),
    "since": col(ServiceReferral.created_at) >= build_day_start("since"),
    "until": col(ServiceReferral.created_at) < build_day_start("until", 1),
    **{
        name: is_one_of(col(getattr(ServiceReferral, name)), name)
        for name in ("status", "service", "provider_id")
    },
}
SORTS = {"created_at": col(ServiceReferral.created_at), "updated_at": col(ServiceReferral.updated_at)}
CASE_REFERRALS = ListQuery(
    "case_service_referrals",
    ServiceReferral,
    REFERRAL_COLUMNS,
    filters=FILTERS,
    sorts=SORTS,
    shows=SHOWN_REFERRAL,
)
REFERRALS = ListQuery(
    "service_referrals",
    ServiceReferral,
    join_case_and_child(
        select(*(getattr(ServiceReferral, name) for name in SUMMARY_COLUMN_FIELDS), *NAMES).join(
            Provider, col(Provider.id) == col(ServiceReferral.provider_id)
        ),
        ServiceReferral,
    ),
    filters=FILTERS,
    sorts=SORTS,
    scope=CaseScope(col(ServiceReferral.case_id), col(Case.id)),
    shows=SHOWN_REFERRAL,
)


async def create_case_service_referral(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: ServiceReferralCreate
) -> ServiceReferralSchema:
    """Create a draft service referral. A draft shares no data with the provider.

    Raises:
        GateRefused: the case is closed, or the caller is not staff of the case.
        InvalidInput: the provider does not exist, or the consent or the goal belongs to another case.
        AlreadyExists: the id is taken.
    """
    case = await get_for_share(session, Case, case_id)
    raise_if_unmet(await check_case_writable(session, case))
    referral = ServiceReferral(
        id=payload.id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        provider_id=payload.provider_id,
        service=payload.service,
        author_id=caller.id,
    )
    await _store_content(session, caller, case, referral, payload)
    session.add(referral)
    return await get_service_referral(await open_response_reader(session), referral.id)


async def list_case_service_referrals(
    reader: RecordReader, caller: Caller, case_id: UUID, filters: CaseServiceReferralFilters
) -> ServiceReferralList:
    """List the service referrals of a case.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
    """
    page = await CASE_REFERRALS.fetch_page(reader, caller, filters, within={"case_id": case_id})
    if not page.rows:
        await ensure_visible(reader, Case, case_id)
    return ServiceReferralList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


async def list_service_referrals(
    reader: RecordReader, caller: Caller, filters: ServiceReferralFilters
) -> ServiceReferralSummaryList:
    """List the service referrals of all cases that the caller can see, newest first unless `sort` is given."""
    page = await REFERRALS.fetch_page(reader, caller, filters)
    day = today()
    items = [
        {
            **dict(zip(SUMMARY_COLUMN_FIELDS, row, strict=False)),
            **_build_names(row),
            **build_case_fields(row, day),
        }
        for row in page.rows
    ]
    return ServiceReferralSummaryList.from_trusted_items(items, **page.fields)


async def get_service_referral(reader: RecordReader, referral_id: UUID) -> ServiceReferralSchema:
    """Return one service referral.

    Raises:
        NotFound: the service referral does not exist, or the caller cannot see it.
    """
    row = await reader.fetch_required(REFERRAL_QUERY, referral_id=referral_id)
    return ServiceReferralSchema(**_row_to_fields(row))


async def update_service_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    patch: ServiceReferralUpdate,
) -> ServiceReferralSchema:
    """Edit a draft service referral.

    Raises:
        GateRefused: the referral is not a draft, the case is closed, or the caller is not staff of the case.
        InvalidInput: the result of the patch is not valid.
        StaleVersion: the referral was changed since the caller read it.
    """
    case = await get_case_for_share(session, ServiceReferral, referral_id)
    referral = await get_version_for_update(session, ServiceReferral, referral_id, expected_version)
    raise_if_unmet(
        [*check_service_referral_is_draft(referral.status), *await check_case_writable(session, case)]
    )
    stored = {**referral.model_dump(mode="json", include=CONTENT_FIELDS), **referral.content}
    document = {name: stored[name] for name in CONTENT_FIELDS}
    content = apply_patch(ServiceReferralContent, document, patch)
    await _store_content(session, caller, case, referral, content)
    return await get_service_referral(await open_response_reader(session), referral.id)


async def _store_content(
    session: AsyncSession,
    caller: Caller,
    case: Case,
    referral: ServiceReferral,
    payload: ServiceReferralContent,
) -> None:
    """Set the content of a draft.

    Raises:
        InvalidInput: the provider does not exist, the consent or the goal belongs to another case, or the decision on
            the legal basis is dated in the future or before the birth of the child.
    """
    references: dict[str, tuple[type[CaseRecord], UUID | None]] = {
        "/consent_id": (Consent, payload.consent_id),
        "/goal_id": (Goal, payload.goal_id),
    }
    faults = [
        Fault(pointer, "reference_unknown", "The case has no record with this id.")
        for pointer, (record_type, record_id) in references.items()
        if record_id and not await _belongs_to_case(session, record_type, record_id, referral.case_id)
    ]
    if not await session.scalar(select(col(Provider.id)).where(col(Provider.id) == payload.provider_id)):
        faults.append(Fault("/provider_id", "reference_unknown", "The provider does not exist."))
    basis = payload.basis_without_consent
    days = {"/basis_without_consent/on": basis.on if basis else None}
    faults += check_not_in_future(days)
    if faults:
        raise InvalidInput(faults)
    await validate_after_birth(session, case.child_id, days)
    await _store_basis_entry(session, caller, case, referral, payload)
    for field in CONTENT_FIELDS - ENCRYPTED_FIELDS:
        setattr(referral, field, getattr(payload, field))
    referral.basis_without_consent = basis.basis if basis else None
    referral.updated_at = utc_now()
    referral.content = dump_content(StoredServiceReferralContent, payload)


async def _store_basis_entry(
    session: AsyncSession,
    caller: Caller,
    case: Case,
    referral: ServiceReferral,
    payload: ServiceReferralContent,
) -> None:
    """Add the legal basis of a draft to the consent register. A change of the basis or of the provider adds a new entry."""
    basis = payload.basis_without_consent
    if basis is None:
        referral.basis_entry_id = None
        return
    is_new = referral.basis_entry_id is None or referral.provider_id != payload.provider_id
    if is_new or referral.content["basis_without_consent"] != basis.model_dump(mode="json"):
        provider = await session.get_one(Provider, payload.provider_id)
        entry = await create_basis_entry(
            session, caller, case, basis, get_consent_scope(provider.kind), provider.agency_id
        )
        referral.basis_entry_id = entry.id


async def _belongs_to_case(
    session: AsyncSession, record_type: type[CaseRecord], record_id: UUID, case_id: UUID
) -> bool:
    query = select(col(record_type.id)).where(
        col(record_type.id) == record_id, col(record_type.case_id) == case_id
    )
    return await session.scalar(query) is not None


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(SCHEMA_COLUMN_FIELDS, row, strict=False)),
        **dict.fromkeys(ENCRYPTED_FIELDS | ANSWER_FIELDS),
        **ServiceReferral.content.decrypt(row.id, row.content_encrypted),
        **(ServiceReferral.answer.decrypt(row.id, row.answer_encrypted) or {}),
        "recall_note": ServiceReferral.recall_note.decrypt(row.id, row.recall_note_encrypted),
        **_build_names(row),
    }


def _build_names(row: Any) -> dict[str, Any]:
    return {**to_staff_refs(row, "author", "sent_by", "recalled_by"), "provider_name": row.provider_name}
