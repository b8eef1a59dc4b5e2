"""The consequences of a refusal or withdrawal: shared data is recalled, and follow-up contacts are cancelled."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Case, Consent, FollowUp, Provider, ServiceReferral
from app.models.record import utc_now
from app.schemas.consents import SharedData
from app.services.consents.gate import get_consent_scope


async def apply_refusal(session: AsyncSession, case: Case, consent: Consent) -> list[SharedData]:
    """Request the recall of the data that the refused or withdrawn entry concerns, and return the shared data.

    The entry concerns the data that was shared because of it, for its purposes and with its recipient. A refusal of
    services concerns everything that was shared. A refusal of the contact after the support cancels the follow-ups that
    were not held.
    """
    if "follow_up_contact" in consent.scope:
        await _cancel_follow_ups(session, case)
    rows = (await session.execute(_select_sent_referrals(case))).all()
    return [
        _request_recall(referral, provider)
        for referral, provider in rows
        if consent.id in {referral.consent_id, referral.basis_entry_id}
        or _concerns(consent.scope, consent.recipient_agency_id, provider)
    ]


async def request_recalls(session: AsyncSession, case: Case, entry_id: UUID) -> None:
    """Request the recall of the data of the child that was shared on an entry, because the entry was recorded by mistake."""
    is_on_entry = (col(ServiceReferral.consent_id) == entry_id) | (
        col(ServiceReferral.basis_entry_id) == entry_id
    )
    query = _select_sent_referrals(case).where(is_on_entry)
    for referral, provider in (await session.execute(query)).all():
        _request_recall(referral, provider)


def _select_sent_referrals(case: Case) -> Select[ServiceReferral, Provider]:
    """Select the service referrals of a child that were sent, with their providers. Lock them in one order.

    Referrals of the child's other cases are included if the caller can change them. Break-glass access only lets the
    caller read them.
    """
    return (
        select(ServiceReferral, Provider)
        .join(Provider, col(Provider.id) == col(ServiceReferral.provider_id))
        .where(
            col(ServiceReferral.case_id).in_(select(col(Case.id)).where(col(Case.child_id) == case.child_id)),
            func.access.is_case_staff(col(ServiceReferral.case_id)),
            col(ServiceReferral.sent_at).is_not(None),
        )
        .order_by(col(ServiceReferral.sent_at), col(ServiceReferral.id))
        .with_for_update(of=ServiceReferral)
        .execution_options(populate_existing=True)
    )


def _concerns(scopes: Collection[str], recipient_id: UUID | None, provider: Provider) -> bool:
    is_about_purpose = not {"services", get_consent_scope(provider.kind)}.isdisjoint(scopes)
    return is_about_purpose and recipient_id in {None, provider.agency_id}


def _request_recall(referral: ServiceReferral, provider: Provider) -> SharedData:
    if referral.recall_requested_at is None:
        referral.recall_requested_at = referral.updated_at = utc_now()
        referral.version += 1
    if referral.sent_at is None:
        raise ValueError("The query selects sent service referrals.")
    return SharedData(
        service_referral_id=referral.id,
        provider_id=provider.id,
        provider_name=provider.name,
        service=referral.service,
        shared_fields=referral.shared_fields,
        sent_at=referral.sent_at,
        consent_id=referral.consent_id,
        recalled_at=referral.recalled_at,
    )


async def _cancel_follow_ups(session: AsyncSession, case: Case) -> None:
    query = select(FollowUp).where(
        col(FollowUp.case_id) == case.id, col(FollowUp.status).in_(("due", "missed"))
    )
    query = query.order_by(col(FollowUp.id)).with_for_update().execution_options(populate_existing=True)
    for follow_up in await session.scalars(query):
        follow_up.status = "cancelled"
        follow_up.updated_at = utc_now()
        follow_up.version += 1
