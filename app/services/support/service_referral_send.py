"""Sending a service referral: the one moment at which a provider learns something of a child."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault
from app.kit.dates import today
from app.kit.records import find, find_for_change, steady_case
from app.kit.state_machine import refuse, unmet_status
from app.models import Case, Child, Consent, Person, Provider, ServiceReferral
from app.models.record import now
from app.schemas.service_referrals import ServiceReferralOut
from app.services.cases import history as case_history
from app.services.cases import sharing_consent as sharing
from app.services.cases.cases import age_of
from app.services.cases.write_access import unmet_writing
from app.services.support.providers import checked_until
from app.services.support.service_referral_states import SEND
from app.services.support.service_referrals import shown

SCOPES = {"school": "share_with_school", "authority": "share_with_authorities"}
"""What a consent must cover, by the kind of provider; for every other kind, sharing with providers."""


async def send(session: AsyncSession, actor: Actor, referral_id: UUID, seen: int) -> ServiceReferralOut:
    """Send a draft to its provider, and record what was shared with it, field by field.

    Raises:
        GateRefused: it was sent or cancelled before, the actor only looks at the case, the consent does not hold, the
            provider is not active or was not checked; every condition is listed.
    """
    case = await steady_case(session, ServiceReferral, referral_id)
    referral = await find_for_change(session, ServiceReferral, referral_id, seen)
    consent = await _held_consent(session, referral)
    provider = await _held_provider(session, referral.provider_id)
    refuse(
        [
            *unmet_status(SEND, referral.status),
            *await unmet_writing(session, case),
            *_unmet_consent(referral, consent, provider),
            *_unmet_provider(provider),
        ]
    )
    referral.status = SEND.target
    referral.sent_at = referral.updated_at = now()
    referral.sent_by_id = actor.id
    seal(referral, "sealed", {**unseal(referral), "shared": await _shared(session, case, referral)})
    _remember(session, case, actor, referral, consent)
    await session.flush()  # the answer shows what was stored
    return shown(referral, provider.name)


async def _held_provider(session: AsyncSession, provider_id: UUID) -> Provider:
    """Return the provider as it is now: whoever deactivates it waits, or came first."""
    query = select(Provider).where(col(Provider.id) == provider_id).with_for_update(read=True)
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


async def _held_consent(session: AsyncSession, referral: ServiceReferral) -> Consent | None:
    if referral.consent_id is None:
        return None
    return await sharing.held_consent(session, referral.case_id, referral.consent_id)


def _unmet_consent(referral: ServiceReferral, consent: Consent | None, provider: Provider) -> list[Fault]:
    if referral.basis_without_consent is not None:
        return []
    scope = SCOPES.get(provider.kind, "share_with_providers")
    return list(sharing.unmet_consent(consent, scope, provider.agency_id))


def _unmet_provider(provider: Provider) -> list[Fault]:
    unmet = []
    if not provider.is_active:
        unmet.append(Fault("/provider_id", "provider_inactive", "The provider is not active any more."))
    if (checked_until(provider) or date.min) < today():
        detail = "The provider has no child-safeguarding check that is valid today."
        unmet.append(Fault("/provider_id", "safeguarding_invalid", detail))
    return unmet


async def _shared(session: AsyncSession, case: Case, referral: ServiceReferral) -> dict[str, Any]:
    """Return the fields that are shared, with their values at this moment; null where nothing is known."""
    child = await find(session, Child, case.child_id)
    known = unseal(child)
    values = {
        **{name: known.get(name) for name in ("names", "phone", "languages", "disability", "school")},
        "age": age_of(known).model_dump(mode="json"),
        "sex": child.sex,
        "place": {name: known.get(name) for name in ("place_code", "address_detail")},
        "need": unseal(referral)["need"],
    }
    if "supporter" in referral.shared_fields:
        values["supporter"] = await _supporters(session, case)
    return {field: values[field] for field in referral.shared_fields}


async def _supporters(session: AsyncSession, case: Case) -> list[dict[str, Any]]:
    query = select(Person).where(col(Person.case_id) == case.id, col(Person.role) == "supporter")
    people = await session.scalars(query.order_by(col(Person.created_at), col(Person.id)))
    return [{name: unseal(person).get(name) for name in ("names", "phone")} for person in people]


def _remember(
    session: AsyncSession, case: Case, actor: Actor, referral: ServiceReferral, consent: Consent | None
) -> None:
    """Write the timeline: what was shared with whom; and where nobody agreed to it, on which basis."""
    detail: dict[str, Any] = {"provider_id": str(referral.provider_id), "service": referral.service}
    case_history.record(
        session,
        case,
        "service_referral_sent",
        actor,
        referral,
        {**detail, "shared_fields": referral.shared_fields},
    )
    entered = consent.basis_without_consent if consent and sharing.is_basis(consent) else None
    if basis := referral.basis_without_consent or entered:
        case_history.record(
            session, case, "shared_without_consent", actor, referral, {**detail, "basis": basis}
        )
