"""Add the data of a referral about a child and its caregiver to the child and the people of an open case.

Unknown phones, names in an unknown script, notes and addresses are added. Staff then confirm them. Nothing that staff
entered is replaced, except that a number becomes unsafe to call if a referral marks it as unsafe.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.kit.record_changes import ReferralAct, record_field_changes
from app.kit.records import get_for_update
from app.models import Case, Child, Person, Referral
from app.models.contents import StoredPersonName, StoredPhone
from app.models.people import StoredPersonDetails
from app.models.record import new_id
from app.models.referrals import StoredCaregiver
from app.schemas.identity import MAX_PHONES
from app.services.cases import history as case_history
from app.services.persons import person_details
from app.services.persons.name_similarity import get_canonical_name, name_similarity
from app.services.persons.phone_numbers import MAX_NOTE_LENGTH

SAME_PERSON_SIMILARITY = 0.85
"""Lowest similarity of two names that belong to the same caregiver."""
MAX_ADDRESS_LENGTH = 4_000
"""Maximum characters of an address, as in the schema."""
UNKNOWN_RELATIONSHIPS = frozenset({None, "", "unknown"})
"""Relationships that are compatible with every other one."""


async def add_referral_people(
    session: AsyncSession, caller: Caller, case: Case, referral: Referral, act: ReferralAct
) -> None:
    """Add the phones of the child, and the caregiver with names and phones, of a referral that joins a case.

    A number that the referral marks as unsafe becomes unsafe for every person of the case who has it.
    """
    content = referral.content
    caregiver = content["caregiver"]
    sent = [*content["child"]["phones"], *(caregiver["phones"] if caregiver else [])]
    await merge_child_phones(session, caller, case, content["child"]["phones"], sent, act)
    people = await _lock_people(session, case)
    joined = find_person(people, caregiver) if caregiver else None
    for person in people:
        details = _merge_details(person.details, sent, caregiver if person is joined else None)
        if details == person.details:
            continue
        before = build_person_document(person)
        person.details = details
        person.version += 1
        person.referral_to_confirm_id = referral.id
        record_field_changes(session, caller, person, before, build_person_document(person), act)
        case_history.record_case_history(
            session, case, "person_changed", caller, person, {"role": person.role}
        )
    if caregiver is None or not (caregiver["names"] or caregiver["phones"]):
        return
    if joined is None:
        known = [phone for person in people for phone in person.details["phones"]]
        unsafe = [phone for phone in known if phone["safe_to_call"] is False]
        phones = merge_phones([], caregiver["phones"], unsafe)
        person = _build_person(case, {**caregiver, "phones": phones})
        person.added_by_referral_id = person.referral_to_confirm_id = referral.id
        session.add(person)
        await session.flush()  # the history entry references the person
        record_person_addition(session, caller, person, act)
        case_history.record_case_history(session, case, "person_added", caller, person, {"role": person.role})
    await person_details.add_contact_search_tokens(session, case.child_id, caregiver["phones"])


async def merge_child_phones(
    session: AsyncSession,
    caller: Caller,
    case: Case,
    phones: Sequence[StoredPhone],
    sent: Sequence[StoredPhone],
    act: ReferralAct,
) -> None:
    """Add the new phones of `phones` to the child. Known phones get the notes and restrictions of `sent`."""
    child = await get_for_update(session, Child, case.child_id)
    identity = child.identity
    merged = merge_phones(identity["phones"], phones, sent)
    if merged == identity["phones"]:
        return
    child.identity = {**identity, "phones": merged}
    child.version += 1
    record_field_changes(session, caller, child, {"phones": identity["phones"]}, {"phones": merged}, act)
    await person_details.add_child_phone_tokens(session, child.id, merged)
    case_history.record_case_history(session, case, "child_changed", caller, child)


def build_person_document(person: Person) -> dict[str, Any]:
    """Return the details of a person, and the referral that staff have to confirm, as JSON."""
    to_confirm = person.referral_to_confirm_id
    return {**person.details, "referral_to_confirm_id": None if to_confirm is None else str(to_confirm)}


def record_person_addition(session: AsyncSession, caller: Caller, person: Person, act: ReferralAct) -> None:
    """Add an entry about a new person of a referral to the history of the child."""
    columns = person.model_dump(include={"role", "relationship", "is_responsible"})
    added = {name: value for name, value in {**person.details, **columns}.items() if value not in (None, [])}
    record_field_changes(session, caller, person, {}, added, act)


def merge_phones(
    known: Sequence[StoredPhone], added: Sequence[StoredPhone], sent: Sequence[StoredPhone]
) -> list[StoredPhone]:
    """Return the known phones with the notes and restrictions of `sent`, and the unknown phones of `added`.

    A number is unsafe if either source marks it as unsafe. A known mark is never replaced by a less safe one. Phones above
    the maximum number of a person stay in the referral only, because staff could not update the person otherwise.
    """
    numbers = {get_number(phone) for phone in known}
    phones = [*known, *(phone for phone in added if get_number(phone) not in numbers)][:MAX_PHONES]
    unsafe = {get_number(phone) for phone in (*known, *sent) if phone["safe_to_call"] is False}
    return [_merge_phone(phone, sent, is_unsafe=get_number(phone) in unsafe) for phone in phones]


def _merge_phone(phone: StoredPhone, sent: Sequence[StoredPhone], *, is_unsafe: bool) -> StoredPhone:
    note = phone["note"] or ""
    for other in sent:
        text = other["note"] if get_number(other) == get_number(phone) else None
        if text and text not in note:
            note = f"{note}; {text}" if note else text
    safe_to_call = False if is_unsafe else phone["safe_to_call"]
    return {**phone, "note": note[:MAX_NOTE_LENGTH] or None, "safe_to_call": safe_to_call}


def get_number(phone: StoredPhone) -> str:
    """Return the number by which phones are compared: in E.164, or as it was typed."""
    return phone["e164"] or phone["number"]


async def _lock_people(session: AsyncSession, case: Case) -> Sequence[Person]:
    """Return the people of the case, locked in the order of their ids."""
    query = select(Person).where(col(Person.case_id) == case.id, col(Person.entered_in_error_at).is_(None))
    query = query.order_by(col(Person.id)).with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(query)).all()


def find_person(people: Sequence[Person], caregiver: StoredCaregiver) -> Person | None:
    """Return the person with the most similar name, or a person without a name who shares a phone number.

    A person of another relationship is another person: parents can have similar names, and a phone can be shared.
    """
    best: tuple[float, Person | None] = (0.0, None)
    for person in people:
        if person.role == "other" or not _may_have_relationship(person, caregiver["relationship"]):
            continue
        details = person.details
        similarity = name_similarity(details["names"], caregiver["names"])
        if not details["names"] or not caregiver["names"]:
            numbers = {get_number(phone) for phone in details["phones"]}
            has_shared_phone = any(get_number(phone) in numbers for phone in caregiver["phones"])
            similarity = 1.0 if has_shared_phone else 0.0
        if similarity > best[0]:
            best = similarity, person
    return best[1] if best[0] >= SAME_PERSON_SIMILARITY else None


def _may_have_relationship(person: Person, relationship: str | None) -> bool:
    return person.relationship == relationship or not {person.relationship, relationship}.isdisjoint(
        UNKNOWN_RELATIONSHIPS
    )


def _build_person(case: Case, caregiver: StoredCaregiver) -> Person:
    person = Person(
        id=new_id(),
        child_id=case.child_id,
        case_id=case.id,
        role="family",
        relationship=caregiver["relationship"] or "unknown",
        is_responsible=False,
    )
    person.details = {
        "names": caregiver["names"],
        "phones": caregiver["phones"],
        "place_code": caregiver["place_code"],
        "address_detail": caregiver["address_detail"],
    }
    return person


def _merge_details(
    details: StoredPersonDetails, sent: Sequence[StoredPhone], caregiver: StoredCaregiver | None
) -> StoredPersonDetails:
    """Return the details of a person with the restrictions of the sent phones.

    If the person is the caregiver of the referral, add its new phones, its names in a script without a name, and its
    address.
    """
    phones = merge_phones(details["phones"], caregiver["phones"] if caregiver else [], sent)
    merged: StoredPersonDetails = {**details, "phones": phones}
    if caregiver is None:
        return merged
    merged["names"] = [*details["names"], *_list_unknown_names(details["names"], caregiver["names"])]
    merged["place_code"] = details["place_code"] or caregiver["place_code"]
    merged["address_detail"] = _merge_addresses(details, caregiver)
    return merged


def _merge_addresses(details: StoredPersonDetails, caregiver: StoredCaregiver) -> str | None:
    """Return the known address, followed by another address of the referral, until staff correct it."""
    known, place_code, text = (
        details["address_detail"] or "", caregiver["place_code"], caregiver["address_detail"],
    )  # fmt: skip
    is_other_place = place_code and not (details["place_code"] or place_code).startswith(place_code)
    sent = [part for part in (place_code if is_other_place else None, text) if part and part not in known]
    return "; ".join(part for part in (known, *sent) if part)[:MAX_ADDRESS_LENGTH] or None


def _list_unknown_names(
    known: Sequence[StoredPersonName], names: Sequence[StoredPersonName]
) -> list[StoredPersonName]:
    scripts = {get_canonical_name(name)[0] for name in known}
    return [name for name in names if get_canonical_name(name)[0] not in scripts]
