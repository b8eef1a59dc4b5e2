"""Create, list, get and update service referrals. Sending and outcomes are in modules of their own."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault, InvalidInput
from app.kit.dates import check_not_in_future
from app.kit.pagination import Paginator
from app.kit.records import (
    apply_patch,
    ensure_exists,
    get_case_for_share,
    get_for_share,
    get_record,
    get_version_for_update,
)
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Consent, Goal, Provider, ServiceReferral
from app.models.encrypted_field import dump_content
from app.models.record import CaseRecord, new_id, utc_now
from app.models.service_referrals import StoredServiceReferralContent
from app.schemas.service_referrals import (
    ServiceReferral as ServiceReferralSchema,
)
from app.schemas.service_referrals import (
    ServiceReferralContent,
    ServiceReferralCreate,
    ServiceReferralFilters,
    ServiceReferralList,
    ServiceReferralUpdate,
)
from app.services.cases.write_access import check_case_writable
from app.services.support.service_referral_states import (
    check_service_referral_is_draft,
)

CONTENT_FIELDS = set(ServiceReferralContent.model_fields)
ENCRYPTED_FIELDS = frozenset(StoredServiceReferralContent.__annotations__)
"""Fields of the encrypted content. `basis_without_consent` is both: the encrypted content holds the full basis, the
column its code.
"""
SCHEMA_COLUMN_FIELDS = (
    set(ServiceReferralSchema.model_fields) & set(ServiceReferral.model_fields) - ENCRYPTED_FIELDS
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
    provider_name = await _store_content(session, referral, payload)
    session.add(referral)
    await session.flush()  # report a database error before the response is built
    return service_referral_to_schema(referral, provider_name)


async def list_case_service_referrals(
    session: AsyncSession, caller: Caller, case_id: UUID, filters: ServiceReferralFilters
) -> ServiceReferralList:
    """List the service referrals of a case, newest first.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
    """
    await ensure_exists(session, Case, case_id)
    equal_filters = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paginator = Paginator(
        "service_referrals",
        filters.limit,
        filters.cursor,
        {**equal_filters, "case": case_id, "for": caller.id},
    )
    query = (
        select(ServiceReferral, col(Provider.name))
        .join(Provider, col(Provider.id) == col(ServiceReferral.provider_id))
        .where(col(ServiceReferral.case_id) == case_id)
        .filter_by(**equal_filters)
    )
    rows, cursor = await paginator.fetch_rows(
        session, query, col(ServiceReferral.created_at), col(ServiceReferral.id)
    )
    return ServiceReferralList(
        items=[service_referral_to_schema(row[0], row[1]) for row in rows], next_cursor=cursor
    )


async def get_service_referral(session: AsyncSession, referral_id: UUID) -> ServiceReferralSchema:
    """Return one service referral.

    Raises:
        NotFound: the service referral does not exist, or the caller cannot see it.
    """
    return await load_service_referral_schema(
        session, await get_record(session, ServiceReferral, referral_id)
    )


async def update_service_referral(
    session: AsyncSession, referral_id: UUID, expected_version: int, patch: ServiceReferralUpdate
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
    document = service_referral_to_schema(referral, "").model_dump(mode="json", include=CONTENT_FIELDS)
    content = apply_patch(ServiceReferralContent, document, patch)
    provider_name = await _store_content(session, referral, content)
    await session.flush()  # report a database error before the response is built
    return service_referral_to_schema(referral, provider_name)


async def _store_content(
    session: AsyncSession, referral: ServiceReferral, payload: ServiceReferralContent
) -> str:
    """Set the content of a draft and return the name of its provider.

    Raises:
        InvalidInput: the provider does not exist, the consent or the goal belongs to another case, or the decision on
            the legal basis is dated in the future.
    """
    provider_name = await session.scalar(
        select(col(Provider.name)).where(col(Provider.id) == payload.provider_id)
    )
    references: dict[str, tuple[type[CaseRecord], UUID | None]] = {
        "/consent_id": (Consent, payload.consent_id),
        "/goal_id": (Goal, payload.goal_id),
    }
    faults = [
        Fault(pointer, "reference_unknown", "The case has no record with this id.")
        for pointer, (record_type, record_id) in references.items()
        if record_id and not await _belongs_to_case(session, record_type, record_id, referral.case_id)
    ]
    if provider_name is None:
        faults.append(Fault("/provider_id", "reference_unknown", "The provider does not exist."))
    basis = payload.basis_without_consent
    faults += check_not_in_future({"/basis_without_consent/on": basis.on if basis else None})
    if provider_name is None or faults:
        raise InvalidInput(faults)
    for field in CONTENT_FIELDS - ENCRYPTED_FIELDS:
        setattr(referral, field, getattr(payload, field))
    referral.basis_without_consent = basis.basis if basis else None
    referral.updated_at = utc_now()
    referral.content = dump_content(StoredServiceReferralContent, payload)
    return provider_name


async def _belongs_to_case(
    session: AsyncSession, record_type: type[CaseRecord], record_id: UUID, case_id: UUID
) -> bool:
    query = select(col(record_type.id)).where(
        col(record_type.id) == record_id, col(record_type.case_id) == case_id
    )
    return await session.scalar(query) is not None


async def load_service_referral_schema(
    session: AsyncSession, referral: ServiceReferral
) -> ServiceReferralSchema:
    """Return the response for a service referral. Loads the name of its provider."""
    query = select(col(Provider.name)).where(col(Provider.id) == referral.provider_id)
    return service_referral_to_schema(referral, str(await session.scalar(query)))


def service_referral_to_schema(referral: ServiceReferral, provider_name: str) -> ServiceReferralSchema:
    """Return the response for a service referral."""
    optional_texts = {"shared": None, "answer": None, "reason": None, "outcome_note": None}
    return ServiceReferralSchema(
        **referral.model_dump(include=SCHEMA_COLUMN_FIELDS),
        **{**optional_texts, **referral.content},
        provider_name=provider_name,
    )
