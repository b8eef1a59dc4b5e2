"""Normalize the content of a referral, and collect the warnings about it.

A new referral is never refused for an imperfect field. A change of an existing one is checked strictly, because its
sender can correct it and the referral stays as it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import date
from typing import Any, Final, cast

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Fault
from app.kit.dates import get_age_range, today
from app.models.encrypted_field import dump_content
from app.models.referrals import StoredReferralConsent, StoredReferralContent, StoredWarning
from app.schemas.identity import ChildIdentity, ContactDetails
from app.schemas.lenient_validation import UnreadValue
from app.schemas.referral_content import Caregiver, ReferralContent, Referrer
from app.schemas.warnings import InputWarning, build_warning, to_warnings
from app.services.persons import person_details, places
from app.services.persons.detail_warnings import check_texts
from app.services.persons.life_dates import check_after_birth
from app.services.persons.person_details import MAX_TEXT_LENGTH
from app.services.persons.phone_numbers import find_e164
from app.text_folding import normalize_text

MAX_PLAUSIBLE_AGE: Final = 25
"""Age in years at the referral above which a birth date is probably wrong."""
CONFIRMED_CODES: Final = frozenset({"age_implausible", "extra_forbidden"})
"""Codes of warnings that need a waiver at the acceptance, even if another condition covers the field."""
INFORMATIVE_CODES: Final = frozenset(
    {"phone_split", "external_id_similar", "source_ignored", "value_converted"}
)
"""Codes of warnings after which nothing is left to complete."""
DECIDED_AT_ACCEPTANCE: Final = ("/child/birth", "/consent", "/concern/kind")
"""Pointers of fields that a separate condition covers at the acceptance."""
ABOUT_REFERRER: Final = ("/source", "/referrer")
"""Pointers of fields that only concern the referrer."""


async def normalize_new_content(
    session: AsyncSession,
    payload: ReferralContent,
    unread_values: Sequence[UnreadValue],
    findings: Sequence[Fault],
) -> StoredReferralContent:
    """Return the content of a new referral with its warnings. `findings` are warnings about fields outside the content."""
    unread = [_store_warning(value.warning, value.value) for value in unread_values]
    update: dict[str, Any] = {}
    for part, details in (("child", payload.child), ("caregiver", payload.caregiver)):
        if details is None:
            continue
        shortened, cut_texts = _cut_texts(details, f"/{part}")
        faults = await person_details.check_place(session, details.place_code, f"/{part}")
        unread += [*cut_texts, *(_store_warning(fault, details.place_code) for fault in faults)]
        if faults:
            shortened = shortened.model_copy(update={"place_code": None})
        if shortened is not details:
            update[part] = shortened
    complete = payload.model_copy(update=update) if update else payload
    content, warnings = await _normalize_content(session, complete)
    content["warnings"] = [*unread, *map(_store_warning, (*findings, *warnings))]
    return content


async def normalize_changed_content(
    session: AsyncSession, payload: ReferralContent, before: StoredReferralContent, patch: Mapping[str, Any]
) -> StoredReferralContent:
    """Return the changed content of a referral. Values that could not be read keep their warnings until they are sent again.

    Raises:
        InvalidInput: A name or a phone number is too long after the normalization, or a province does not exist.
    """
    content, warnings = await _normalize_content(session, payload)
    kept = [warning for warning in before["warnings"] if _is_kept(warning, patch)]
    pointers = {warning["pointer"] for warning in before["warnings"]}
    content["warnings"] = [*kept, *(_store_warning(_keep_pointer(fault, pointers)) for fault in warnings)]
    return content


def to_referral_warnings(content: StoredReferralContent) -> list[InputWarning]:
    """Return the warnings of a referral in the language of the request."""
    return to_warnings(_to_fault(warning) for warning in content["warnings"])


def check_warnings(content: StoredReferralContent, waived_pointers: frozenset[str]) -> Iterator[Fault]:
    """Yield an unmet condition for each warning whose field is neither completed nor waived."""
    for warning in content["warnings"]:
        is_waived = warning["pointer"] in waived_pointers
        if not (_is_informative(warning) or is_waived or _is_covered(warning)):
            fault = _to_fault(warning)
            detail = f"Complete the field, or waive it with a reason. {fault.detail}"
            yield Fault(fault.pointer, fault.code, detail, fault.params)


def _is_informative(warning: StoredWarning) -> bool:
    """Return whether nothing is left to complete: the value is used, or it belongs to no known field."""
    is_used_place = warning["code"] == "place_unknown" and warning["value"] is None
    is_unknown_field = warning["code"] == "extra_forbidden" and not warning["pointer"]
    return warning["code"] in INFORMATIVE_CODES or is_used_place or is_unknown_field


def _is_covered(warning: StoredWarning) -> bool:
    """Return whether another condition covers the field, or the field only concerns the referrer.

    An unknown field of the consent or the birth is not covered: it can contain a refusal.
    """
    steps = f"{warning['pointer']}/"
    is_decided = any(steps.startswith(f"{pointer}/") for pointer in DECIDED_AT_ACCEPTANCE)
    is_about_referrer = any(steps.startswith(f"{pointer}/") for pointer in ABOUT_REFERRER)
    return is_about_referrer or (is_decided and warning["code"] not in CONFIRMED_CODES)


def has_complete_consent(consent: StoredReferralConsent) -> bool:
    """Return whether a referral has a consent with giver, form, day and scope, or a legal basis."""
    is_complete = consent["given_by"] and consent["method"] and consent["on"] and consent["scope"]
    return bool(is_complete or consent["basis_without_consent"])


async def _normalize_content(
    session: AsyncSession, payload: ReferralContent
) -> tuple[StoredReferralContent, list[Fault]]:
    child, warnings = await person_details.normalize_person_details(session, payload.child, "/child")
    caregiver: Caregiver | None = None
    if payload.caregiver:
        caregiver, caregiver_warnings = await person_details.normalize_person_details(
            session, payload.caregiver, "/caregiver"
        )
        warnings = [*warnings, *caregiver_warnings]
    referrer = _normalize_referrer(payload.referrer)
    normalized = payload.model_copy(update={"child": child, "caregiver": caregiver, "referrer": referrer})
    content = dump_content(StoredReferralContent, normalized)
    for details in (content["child"], content["caregiver"]):
        if details is not None:
            cast("dict[str, Any]", details).pop("phone")  # stored as the first of `phones`
    return content, [*warnings, *_check_content(content), *await _check_villages(session, content)]


def _cut_texts(details: ContactDetails, pointer: str) -> tuple[ContactDetails, list[StoredWarning]]:
    """Return the details with names and phone numbers that the normalization does not make too long."""
    texts = [text for name in details.names for text in (name.family, name.given)]
    texts += [phone.number for phone in details.phones]
    if isinstance(details, ChildIdentity):
        texts.append(details.nickname)
    if not any(text and _is_too_long(text) for text in texts):
        return details, []
    warnings: list[StoredWarning] = []

    def cut(text: str | None, place: str) -> str | None:
        if text is None or not _is_too_long(text):
            return text
        fault = build_warning(f"{pointer}{place}", "string_too_long", max_length=MAX_TEXT_LENGTH)
        warnings.append(_store_warning(fault, text))
        return normalize_text(text)[:MAX_TEXT_LENGTH]

    names = [
        name.model_copy(
            update={part: cut(getattr(name, part), f"/names/{index}/{part}") for part in ("family", "given")}
        )
        for index, name in enumerate(details.names)
    ]
    phones = [
        phone.model_copy(update={"number": cut(phone.number, f"{place}/number")})
        for phone, place in zip(details.phones, details.list_phone_pointers(), strict=True)
    ]
    update: dict[str, Any] = {"names": names, "phones": phones}
    if isinstance(details, ChildIdentity):
        update["nickname"] = cut(details.nickname, "/nickname")
    return details.model_copy(update=update), warnings


def _is_too_long(text: str) -> bool:
    return len(normalize_text(text)) > MAX_TEXT_LENGTH


def _normalize_referrer(referrer: Referrer | None) -> Referrer | None:
    if referrer is None:
        return None
    e164 = referrer.phone and find_e164(referrer.phone)
    return referrer.model_copy(update={"phone": e164 or referrer.phone, "phone_e164": e164})


def _check_content(content: StoredReferralContent) -> Iterator[Fault]:
    """Yield the warnings about absent facts and about texts that look wrong."""
    child, caregiver, referrer, consent = (
        content["child"], content["caregiver"], content["referrer"], content["consent"],
    )  # fmt: skip
    if content["concern"]["kind"] is None:
        yield build_warning("/concern/kind", "concern_kind_missing")
    if child["birth"] is None:
        yield build_warning("/child/birth", "birth_missing")
    ages = get_age_range(child["birth"], today())
    if ages is not None and ages[0] > MAX_PLAUSIBLE_AGE:
        yield build_warning("/child/birth", "age_implausible", years=MAX_PLAUSIBLE_AGE)
    days = {"/concern/occurred_on": content["concern"]["occurred_on"], "/consent/on": consent["on"]}
    for fault in check_after_birth(
        child["birth"], {pointer: date.fromisoformat(day) for pointer, day in days.items() if day}
    ):
        yield build_warning(fault.pointer or "", fault.code)
    yield from check_texts(child, "/child")
    if caregiver:
        yield from check_texts(caregiver, "/caregiver")
    if referrer and referrer["phone"] and referrer["phone_e164"] is None:
        yield build_warning("/referrer/phone", "phone_invalid")
    if not has_complete_consent(consent):
        yield build_warning("/consent", "consent_missing")
    elif not consent["basis_without_consent"] and "services" not in consent["scope"]:
        yield build_warning("/consent/scope", "consent_scope")


async def _check_villages(session: AsyncSession, content: StoredReferralContent) -> list[Fault]:
    """Return a warning for each place in a known province that the gazetteer does not contain.

    The code is kept, because the list of the referrer may be newer than the gazetteer.
    """
    known_codes = await places.get_place_codes(session)
    codes = {
        pointer: details["place_code"]
        for pointer, details in (("/child", content["child"]), ("/caregiver", content["caregiver"]))
        if details and details["place_code"]
    }
    return [
        build_warning(f"{pointer}/place_code", "place_unknown")
        for pointer, code in codes.items()
        if code not in known_codes
    ]


def _keep_pointer(fault: Fault, pointers: AbstractSet[str]) -> Fault:
    """Return the warning with the pointer that it had before: the first of `phones` may have been sent as `phone`."""
    sent_pointer = (fault.pointer or "").replace("/phones/0/", "/phone/")
    return replace(fault, pointer=sent_pointer) if sent_pointer in pointers else fault


def _is_kept(warning: StoredWarning, patch: Mapping[str, Any]) -> bool:
    """Return whether a warning is kept after an update. Warnings about stored values are computed again instead."""
    if warning["value"] is None:
        return warning["code"] in {"external_id_similar", "source_ignored"}
    return not _replaces_value(patch, warning["pointer"].removeprefix("/").split("/"))


def _replaces_value(patch: Any, steps: Sequence[str]) -> bool:
    """Return whether a merge patch contains the value at a path, or a whole object or list that contains it."""
    if not steps or not isinstance(patch, dict):
        return True
    name, *others = steps
    is_in_new_birth = name == "birth" and name in patch
    return is_in_new_birth or (name in patch and _replaces_value(patch[name], others))


def _store_warning(fault: Fault, value: str | None = None) -> StoredWarning:
    return {"pointer": fault.pointer or "", "code": fault.code, "params": dict(fault.params), "value": value}


def _to_fault(warning: StoredWarning) -> Fault:
    return build_warning(warning["pointer"], warning["code"], **warning["params"])
