"""Send a service referral. No other operation shares a child's data with a provider."""

from collections.abc import Mapping
from datetime import date
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import open_response_reader
from app.errors import Fault
from app.kit.dates import today
from app.kit.entered_in_error import is_valid
from app.kit.records import get_case_for_share, get_record, get_version_for_update
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Case, Child, Consent, Person, Provider, ServiceReferral
from app.models.cases import StoredHistoryDetail
from app.models.record import utc_now
from app.models.service_referrals import StoredSharedFields, StoredSupporter
from app.schemas.service_referrals import ServiceReferral as ServiceReferralSchema
from app.services.cases import history as case_history
from app.services.cases.cases import build_age
from app.services.cases.write_access import check_case_writable
from app.services.consents.gate import ConsentRegister, get_consent_scope, load_register
from app.services.support.providers import get_safeguarding_expiry
from app.services.support.service_referral_states import SEND
from app.services.support.service_referrals import get_service_referral


async def send_service_referral(
    session: AsyncSession, caller: Caller, referral_id: UUID, expected_version: int
) -> ServiceReferralSchema:
    """Send a draft service referral and store a copy of every shared field.

    Raises:
        GateRefused: with every unmet condition. The referral is not a draft, the case is closed, the caller is not
            staff of the case, the consent does not permit sharing, or the provider is inactive or has no valid
            child-safeguarding check.
        StaleVersion: the referral was changed since the caller read it.
    """
    case = await get_case_for_share(session, ServiceReferral, referral_id)
    referral = await get_version_for_update(session, ServiceReferral, referral_id, expected_version)
    register = await load_register(session, case.child_id, case.id)
    provider = await _get_provider_for_share(session, referral.provider_id)
    raise_if_unmet(
        [
            *check_status(SEND, referral.status),
            *await check_case_writable(session, case),
            *_check_consent(register, referral, provider),
            *_check_provider(provider),
        ]
    )
    referral.status = SEND.target
    referral.sent_at = referral.updated_at = utc_now()
    referral.sent_by_id = caller.id
    shared = await _collect_shared_fields(session, case, referral)
    referral.content = {**referral.content, "shared": shared}
    await _record_history(session, case, caller, referral)
    return await get_service_referral(await open_response_reader(session), referral.id)


async def _get_provider_for_share(session: AsyncSession, provider_id: UUID) -> Provider:
    """Return the current row of a provider. Changes to it, such as deactivation, wait until the transaction ends."""
    query = select(Provider).where(col(Provider.id) == provider_id).with_for_update(read=True)
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


def _check_consent(register: ConsentRegister, referral: ServiceReferral, provider: Provider) -> list[Fault]:
    scope = get_consent_scope(provider.kind)
    if referral.consent_id is None:
        pointer = "/basis_without_consent"
        return register.check_entry(referral.basis_entry_id, scope, provider.agency_id, pointer)
    return register.check_entry(referral.consent_id, scope, provider.agency_id)


def _check_provider(provider: Provider) -> list[Fault]:
    unmet = []
    if not provider.is_active:
        unmet.append(Fault("/provider_id", "provider_inactive", "The provider is inactive."))
    if (get_safeguarding_expiry(provider) or date.min) < today():
        detail = "The provider has no child-safeguarding check that is valid today."
        unmet.append(Fault("/provider_id", "safeguarding_invalid", detail))
    return unmet


async def _collect_shared_fields(
    session: AsyncSession, case: Case, referral: ServiceReferral
) -> StoredSharedFields:
    """Return the current value of each shared field, or None if it is not known."""
    child = await get_record(session, Child, case.child_id)
    identity = child.identity
    age = build_age(identity["birth"], today())
    values: StoredSharedFields = {
        "names": identity["names"],
        "phone": identity["phones"][0] if identity["phones"] else None,
        "phones": identity["phones"],
        "languages": identity["languages"],
        "disability": identity["disability"],
        "school": identity["school"],
        "age": {"min": age.min, "max": age.max, "on": age.on.isoformat()} if age else None,
        "sex": child.sex,
        "place": {"place_code": identity["place_code"], "address_detail": identity["address_detail"]},
        "need": referral.content["need"],
    }
    if "supporter" in referral.shared_fields:
        values["supporter"] = await _list_supporters(session, case)
    value_by_field: Mapping[str, object] = values
    return cast("StoredSharedFields", {field: value_by_field[field] for field in referral.shared_fields})


async def _list_supporters(session: AsyncSession, case: Case) -> list[StoredSupporter]:
    query = select(Person).where(
        col(Person.case_id) == case.id, col(Person.role) == "supporter", is_valid(Person)
    )
    people = await session.scalars(query.order_by(col(Person.created_at), col(Person.id)))
    return [
        {
            "names": details["names"],
            "phone": details["phones"][0] if details["phones"] else None,
            "phones": details["phones"],
        }
        for details in (person.details for person in people)
    ]


async def _record_history(
    session: AsyncSession, case: Case, caller: Caller, referral: ServiceReferral
) -> None:
    """Add the names of the shared fields to the case history, and a second entry for a legal basis."""
    detail: StoredHistoryDetail = {"provider_id": str(referral.provider_id), "service": referral.service}
    case_history.record_case_history(
        session,
        case,
        "service_referral_sent",
        caller,
        referral,
        {**detail, "shared_fields": referral.shared_fields},
    )
    # An entry of the consent register can be a legal basis instead of a consent.
    query = select(col(Consent.basis_without_consent)).where(
        col(Consent.id) == referral.consent_id, col(Consent.given_by) == []
    )
    consent_basis = await session.scalar(query)
    if basis := referral.basis_without_consent or consent_basis:
        case_history.record_case_history(
            session, case, "shared_without_consent", caller, referral, {**detail, "basis": basis}
        )
