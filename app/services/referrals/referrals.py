"""Create and update referrals. The acts of their life cycle are in `acts` and `accept`, the views in `views`."""

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.errors import Fault, InvalidInput
from app.kit.record_insert import RecordInsert
from app.kit.records import get_version_for_update, validate_document
from app.kit.state_machine import raise_if_unmet
from app.models import Referral
from app.models.record import new_id, utc_now
from app.models.referrals import StoredReferralContent
from app.schemas.merge_patch import apply_merge_patch
from app.schemas.referral_content import ReferralContent
from app.schemas.referral_responses import (
    ReferralView,
)
from app.schemas.referrals import ReferralCreate, ReferralUpdate
from app.schemas.warnings import build_warning
from app.services.persons import person_details
from app.services.persons.contact_patch import merge_contact_patch
from app.services.referrals import duplicates, intake, views
from app.services.referrals.acts import assign_referral
from app.services.referrals.states import check_referral_open
from app.text_folding import fold_number, normalize_identifier

TRACKING_NUMBER_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's Base32 alphabet, without I, L, O and U, which are easily confused."""
SIMILAR_EXTERNAL_ID_SQL = """
    SELECT FROM referrals r
     WHERE r.external_id_key = {external_id_key} AND r.agency_id = {agency_id} AND r.external_id <> {external_id}
"""
"""Selects referrals of the agency whose external id is another one, but has the same key (`fold_number`)."""
INSERT_REFERRAL = RecordInsert(Referral, person_details.INSERT_REFERRAL_TOKENS_SQL, SIMILAR_EXTERNAL_ID_SQL)
ASSIGNMENT_FIELDS = frozenset({"handed_to_id", "team_id"})


async def create_referral(session: AsyncSession, caller: Caller, payload: ReferralCreate) -> ReferralView:
    """Create a referral, sent by a partner's system or entered by staff.

    Raises:
        InvalidInput: A field is not valid.
        AlreadyExists: The agency has a referral with this `external_id`, or the id exists.
    """
    external_id = payload.external_id and normalize_identifier(payload.external_id)
    if caller.is_partner and external_id is None:
        detail = "API clients must send `external_id`, their unique number for the referral."
        raise InvalidInput([Fault("/external_id", "missing", detail)])
    values = {
        "id": payload.id or new_id(),
        "agency_id": caller.agency_id if caller.is_partner else None,
        "received_by_id": None if caller.is_partner else caller.id,
        "external_id": external_id,
        "external_id_key": fold_number(external_id or "") or None,
        "tracking_number": _generate_tracking_number(),
        "source": _get_source(caller, payload),
    }
    is_source_ignored = payload.source is not None and caller.is_partner != (payload.source == "api")
    findings = [build_warning("/source", "source_ignored")] if is_source_ignored else []
    content = await intake.normalize_new_content(session, payload, payload.get_unread_values(), findings)
    referral = await _insert_referral(session, content, values, reject_similar=caller.is_partner)
    if referral is None:
        findings.append(build_warning("/external_id", "external_id_similar"))
        content = await intake.normalize_new_content(session, payload, payload.get_unread_values(), findings)
        referral = await _insert_referral(session, content, values, reject_similar=False)
    if caller.is_partner:
        return views.build_new_partner_view(referral, content)
    return await views.load_referral_view(session, caller, referral.id)


async def _insert_referral(
    session: AsyncSession, content: StoredReferralContent, values: Mapping[str, Any], *, reject_similar: bool
) -> Any:
    """Insert a referral. Return None if it was not inserted, because its external id is similar to another one."""
    return await INSERT_REFERRAL.execute(
        session,
        person_details.hash_referral_search_keys(content),
        reject_similar=reject_similar,
        content_encrypted=Referral.content.encrypt(values["id"], content),
        **values,
        **_extract_plain_columns(content),
    )


def _get_source(caller: Caller, payload: ReferralCreate) -> str:
    if caller.is_partner:
        return "api"
    return payload.source if payload.source not in {None, "api"} else "phone_call"


def _merge_content_patch(content: StoredReferralContent, patch: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = apply_merge_patch(content, patch)
    merged.pop("warnings")
    for name, details in (("child", content["child"]), ("caregiver", content["caregiver"])):
        if isinstance(patch.get(name), dict):
            merged[name] = merge_contact_patch(details, patch[name])
    return merged


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
    updated = validate_document(ReferralContent, _merge_content_patch(referral.content, patch))
    content = await intake.normalize_changed_content(session, updated, referral.content, patch)
    if not caller.is_partner and duplicates.is_identity_changed(referral.content, content):
        referral.identity_changed_by_staff = True
    referral.content = content
    for name, value in _extract_plain_columns(content).items():
        setattr(referral, name, value)
    referral.updated_at = utc_now()
    tokens = person_details.hash_referral_search_keys(content)
    await person_details.replace_search_tokens(session, referral.id, "referral", referral.child_id, tokens)
    return await views.load_referral_view(session, caller, referral_id)
