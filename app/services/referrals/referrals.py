"""Create and update referrals. The acts of their life cycle are in `acts` and `accept`, the views in `views`."""

import secrets
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.errors import Fault, InvalidInput
from app.kit.dates import validate_not_in_future
from app.kit.record_insert import RecordInsert
from app.kit.records import get_version_for_update, validate_document
from app.kit.state_machine import raise_if_unmet
from app.models import Referral
from app.models.encrypted_field import dump_content
from app.models.record import new_id, utc_now
from app.models.referrals import StoredReferralContent
from app.schemas.merge_patch import apply_merge_patch
from app.schemas.referral_content import ReferralContent, Referrer
from app.schemas.referral_responses import (
    ReferralView,
)
from app.schemas.referrals import ReferralCreate, ReferralUpdate
from app.services.persons import person_details
from app.services.persons.phone_numbers import normalize_office_phone
from app.services.referrals import views
from app.services.referrals.acts import assign_referral
from app.services.referrals.states import check_referral_open

TRACKING_NUMBER_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's Base32 alphabet, without I, L, O and U, which are easily confused."""
INSERT_REFERRAL = RecordInsert(Referral, person_details.INSERT_REFERRAL_TOKENS_SQL)
ASSIGNMENT_FIELDS = frozenset({"handed_to_id", "team_id"})


async def create_referral(session: AsyncSession, caller: Caller, payload: ReferralCreate) -> ReferralView:
    """Create a referral, sent by a partner's system or entered by staff.

    Raises:
        InvalidInput: A field is not valid.
        AlreadyExists: The agency has a referral with this `external_id`, or the id exists.
    """
    _validate_source(caller, payload)
    content = await _normalize_content(session, payload)
    referral_id = payload.id or new_id()
    referral = await INSERT_REFERRAL.execute(
        session,
        person_details.hash_search_keys(person_details.get_referral_search_keys(content)),
        id=referral_id,
        agency_id=caller.agency_id if caller.is_partner else None,
        received_by_id=None if caller.is_partner else caller.id,
        external_id=payload.external_id,
        tracking_number=_generate_tracking_number(),
        source="api" if caller.is_partner else (payload.source or "phone_call"),
        content_encrypted=Referral.content.encrypt(referral_id, content),
        **_extract_plain_columns(content),
    )
    if caller.is_partner:
        return views.build_new_partner_view(referral)
    return await views.load_referral_view(session, caller, referral_id)


def _validate_source(caller: Caller, payload: ReferralCreate) -> None:
    if caller.is_partner and payload.external_id is None:
        detail = "API clients must send `external_id`, their unique number for the referral."
        raise InvalidInput([Fault("/external_id", "missing", detail)])
    if payload.source is not None and caller.is_partner != (payload.source == "api"):
        detail = "The source must be `api` for API clients and another one for staff."
        raise InvalidInput([Fault("/source", "not_yours", detail)])


async def _normalize_content(session: AsyncSession, payload: ReferralContent) -> StoredReferralContent:
    """Return the content with normalized details of the child, the caregiver and the referrer.

    Raises:
        InvalidInput: A date is in the future, or `normalize_person_details` rejects the details of a person.
    """
    basis = payload.consent.basis_without_consent
    validate_not_in_future(
        {
            "/concern/occurred_on": payload.concern.occurred_on,
            "/consent/on": payload.consent.on,
            "/consent/basis_without_consent/on": basis.on if basis else None,
        }
    )
    child = await person_details.normalize_person_details(session, payload.child, "/child")
    caregiver = payload.caregiver
    if caregiver:
        caregiver = await person_details.normalize_person_details(session, caregiver, "/caregiver")
    referrer = _normalize_referrer(payload.referrer)
    content = payload.model_copy(update={"child": child, "caregiver": caregiver, "referrer": referrer})
    return dump_content(StoredReferralContent, content)


def _normalize_referrer(referrer: Referrer | None) -> Referrer | None:
    if referrer is None or referrer.phone is None:
        return referrer
    return referrer.model_copy(update={"phone": normalize_office_phone(referrer.phone)})


def _extract_plain_columns(content: StoredReferralContent) -> dict[str, str | None]:
    """Return the facts of the content that filters, row policies and reports use, by the name of their column."""
    return {
        "urgency": content["urgency"],
        "concern_kind": content["concern"]["kind"],
        "province_code": (content["child"]["place_code"] or "")[:2] or None,
    }


def _generate_tracking_number() -> str:
    characters = "".join(secrets.choice(TRACKING_NUMBER_ALPHABET) for _ in range(8))
    return f"R-{characters[:4]}-{characters[4:]}"


async def update_referral(
    session: AsyncSession, caller: Caller, referral_id: UUID, expected_version: int, payload: ReferralUpdate
) -> ReferralView:
    """Update the content of an open referral. Supervisors and programme managers can also assign it.

    Raises:
        GateRefused: The referral was accepted, declined or withdrawn.
        InvalidInput: The updated content is not valid, or the caller cannot make this assignment.
    """
    referral = await get_version_for_update(session, Referral, referral_id, expected_version)
    raise_if_unmet(check_referral_open(referral.status))
    assignment = payload.model_dump(include=set(ASSIGNMENT_FIELDS), exclude_unset=True)
    await assign_referral(session, caller, referral, assignment)
    patch = payload.model_dump(mode="json", exclude=set(ASSIGNMENT_FIELDS), exclude_unset=True)
    updated = validate_document(ReferralContent, apply_merge_patch(referral.content, patch))
    content = await _normalize_content(session, updated)
    referral.content = content
    for name, value in _extract_plain_columns(content).items():
        setattr(referral, name, value)
    referral.updated_at = utc_now()
    search_keys = person_details.get_referral_search_keys(content)
    await person_details.replace_search_tokens(
        session, referral.id, "referral", referral.child_id, search_keys
    )
    await session.flush()  # the query of the response bypasses the session
    return await views.load_referral_view(session, caller, referral_id)
