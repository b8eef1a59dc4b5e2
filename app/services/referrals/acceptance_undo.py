"""Remove the data that the acceptance of a referral added to a child, its people and the consent register.

Records that staff confirmed or changed after the acceptance, or that another referral of the case contains too, stay as
they are. The response lists these records.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.kit.entered_in_error import is_valid, mark_entered_in_error
from app.kit.record_changes import ReferralAct, record_field_changes
from app.kit.records import get_for_update
from app.models import Case, Child, Consent, Person, RecordChange, Referral
from app.models.contents import StoredPhone
from app.models.people import StoredFieldChange, StoredPersonDetails
from app.models.referrals import StoredReferralContent
from app.schemas.referral_responses import KeptRecordKind, KeptRecordReason, RecordToCheck
from app.services.cases import history as case_history
from app.services.cases.children import remove_phone_search_tokens
from app.services.cases.record_links import get_record_path
from app.services.cases.referral_additions import build_person_document, find_person, get_number
from app.services.consents.gate import lock_register
from app.services.consents.legal_basis import end_basis_confirmation
from app.services.consents.recall import request_recalls

UNCHANGED_VERSION = 1
"""Version of a record that was not changed after it was added."""


async def undo_consents(
    session: AsyncSession, caller: Caller, case: Case, referral: Referral, act: ReferralAct, reason: str
) -> None:
    """Mark the entries of a referral as entered in error, and request the recall of data that was shared on them.

    The previous answer of each giver then applies again. The case must be locked.
    """
    query = select(Consent).where(
        col(Consent.case_id) == case.id, col(Consent.added_by_referral_id) == referral.id, is_valid(Consent)
    )
    entries = (await session.scalars(query.order_by(col(Consent.id)))).all()
    for entry in entries:
        await end_basis_confirmation(session, entry.id)
    await lock_register(session, case.child_id)
    for entry in entries:
        await session.refresh(entry, with_for_update={"key_share": True})
        await _mark_record(session, caller, case, entry, act, reason)
        await request_recalls(session, case, entry.id)


async def undo_records(
    session: AsyncSession, caller: Caller, case: Case, referral: Referral, act: ReferralAct, reason: str
) -> list[RecordToCheck]:
    """Undo the changes of the child and of known people, and mark added people. Return the records that stay.

    The case must be locked.
    """
    others = await _list_other_contents(session, case, referral)
    before = await _load_phones(session, case)
    to_check = [
        *await _undo_changes(session, caller, case, referral, act, others),
        *await _undo_added_people(session, caller, case, referral, act, reason, others),
    ]
    await session.flush()  # the search tokens are replaced by statements that bypass the session
    removed = before - await _load_phones(session, case)
    await remove_phone_search_tokens(session, await get_for_update(session, Child, case.child_id), removed)
    return to_check


async def _list_other_contents(
    session: AsyncSession, case: Case, referral: Referral
) -> list[StoredReferralContent]:
    """Return the contents of the other referrals that were accepted for the case."""
    query = select(Referral).where(col(Referral.case_id) == case.id, col(Referral.id) != referral.id)
    return [other.content for other in await session.scalars(query)]


async def _load_phones(session: AsyncSession, case: Case) -> set[str]:
    """Return the numbers in E.164 of the child and of the people of the case."""
    child = await get_for_update(session, Child, case.child_id)
    people = await session.scalars(select(Person).where(col(Person.case_id) == case.id, is_valid(Person)))
    phones = [*child.identity["phones"], *(phone for person in people for phone in person.details["phones"])]
    return {phone["e164"] for phone in phones if phone["e164"]}


async def _undo_changes(
    session: AsyncSession,
    caller: Caller,
    case: Case,
    referral: Referral,
    act: ReferralAct,
    others: Sequence[StoredReferralContent],
) -> list[RecordToCheck]:
    """Restore the child and the people who existed before the acceptance. `at` of its changes is the time of the decision."""
    query = select(RecordChange).where(
        col(RecordChange.referral_id) == referral.id,
        col(RecordChange.at) == referral.decided_at,
        col(RecordChange.record_kind).in_(("child", "person")),
    )
    sent = _list_phones(others)
    to_check = []
    for change in await session.scalars(query.order_by(col(RecordChange.record_kind), col(RecordChange.id))):
        record: Child | Person
        if change.record_kind == "child":
            child = await get_for_update(session, Child, change.record_id)
            before: Mapping[str, Any] = child.identity
            why, record = _restore_child(child, change.changes["phones"], sent), child
        else:
            person = await get_for_update(session, Person, change.record_id)
            if person.added_by_referral_id == referral.id or person.entered_in_error_at is not None:
                continue
            before = build_person_document(person)
            why, record = _restore_person(person, change.changes, sent), person
        if why is not None:
            to_check.append(_to_record_to_check(record, case, why))
        if session.is_modified(record):
            record.version += 1
            _record_restoration(session, caller, case, record, before, act)
    return to_check


def _restore_child(
    child: Child, change: StoredFieldChange, sent: Sequence[StoredPhone]
) -> KeptRecordReason | None:
    """Remove the added phones, and restore the changed phones. Return the reason why a phone stays, or None."""
    if child.merged_into_id is not None:
        return KeptRecordReason.changed_since
    before, after = _get_phones(change["before"]), _get_phones(change["after"])
    phones, why = [], None
    for phone in child.identity["phones"]:
        number = get_number(phone)
        if number not in after or after[number] == before.get(number):
            phones.append(phone)
        elif phone != after[number] or _is_sent(before.get(number), phone, sent):
            is_sent = phone == after[number]
            why = KeptRecordReason.in_another_referral if is_sent else KeptRecordReason.changed_since
            phones.append(phone)
        elif number in before:
            phones.append(before[number])
    if phones != child.identity["phones"]:
        child.identity = {**child.identity, "phones": phones}
    return why


def _restore_person(
    person: Person, changes: Mapping[str, StoredFieldChange], sent: Sequence[StoredPhone]
) -> KeptRecordReason | None:
    """Restore the fields of a person, or return the reason why the person does not change."""
    document = build_person_document(person)
    if any(document.get(name) != change["after"] for name, change in changes.items()):
        return KeptRecordReason.changed_since
    if "phones" in changes:
        before = _get_phones(changes["phones"]["before"])
        after = _get_phones(changes["phones"]["after"])
        if any(_is_sent(before.get(number), phone, sent) for number, phone in after.items()):
            return KeptRecordReason.in_another_referral
    restored = {**document, **{name: change["before"] for name, change in changes.items()}}
    to_confirm = restored.pop("referral_to_confirm_id")
    person.referral_to_confirm_id = None if to_confirm is None else UUID(to_confirm)
    person.details = cast("StoredPersonDetails", restored)
    return None


def _get_phones(phones: Iterable[StoredPhone] | None) -> dict[str, StoredPhone]:
    return {get_number(phone): phone for phone in phones or []}


def _is_sent(before: StoredPhone | None, after: StoredPhone, sent: Sequence[StoredPhone]) -> bool:
    """Return whether another referral contains an added number, or marks as unsafe a number that was not unsafe earlier."""
    same = [phone for phone in sent if get_number(phone) == get_number(after)]
    if before is None:
        return bool(same)
    is_restricted = after["safe_to_call"] is False and before["safe_to_call"] is not False
    return is_restricted and any(phone["safe_to_call"] is False for phone in same)


def _list_phones(contents: Iterable[StoredReferralContent]) -> list[StoredPhone]:
    phones: list[StoredPhone] = []
    for content in contents:
        caregiver = content["caregiver"]
        phones += [*content["child"]["phones"], *(caregiver["phones"] if caregiver else [])]
    return phones


async def _undo_added_people(
    session: AsyncSession,
    caller: Caller,
    case: Case,
    referral: Referral,
    act: ReferralAct,
    reason: str,
    others: Sequence[StoredReferralContent],
) -> list[RecordToCheck]:
    """Mark the people whom the referral added as entered in error.

    People whom staff confirmed or changed, or whom another referral contains, stay as they are.
    """
    query = select(Person).where(
        col(Person.case_id) == case.id, col(Person.added_by_referral_id) == referral.id, is_valid(Person)
    )
    to_check = []
    for person in await session.scalars(query.order_by(col(Person.id)).with_for_update(key_share=True)):
        caregivers = [content["caregiver"] for content in others]
        if person.version != UNCHANGED_VERSION:
            to_check.append(_to_record_to_check(person, case, KeptRecordReason.changed_since))
        elif any(caregiver and find_person([person], caregiver) for caregiver in caregivers):
            to_check.append(_to_record_to_check(person, case, KeptRecordReason.in_another_referral))
        else:
            await _mark_record(session, caller, case, person, act, reason)
    return to_check


def _to_record_to_check(record: Child | Person, case: Case, why: KeptRecordReason) -> RecordToCheck:
    kind = KeptRecordKind.child if isinstance(record, Child) else KeptRecordKind.person
    return RecordToCheck(
        record_kind=kind, record_id=record.id, link=get_record_path(kind, record.id, case.id), why=why
    )


async def _mark_record(
    session: AsyncSession, caller: Caller, case: Case, record: Person | Consent, act: ReferralAct, reason: str
) -> None:
    author_id = record.recorded_by_id if isinstance(record, Consent) else None
    await mark_entered_in_error(session, caller, record, author_id, reason)
    record.version += 1
    case_history.record_case_history(session, case, "entered_in_error", caller, record)
    record_field_changes(
        session, caller, record, {"entered_in_error": None}, {"entered_in_error": reason}, act
    )


def _record_restoration(
    session: AsyncSession,
    caller: Caller,
    case: Case,
    record: Child | Person,
    before: Mapping[str, Any],
    act: ReferralAct,
) -> None:
    """Add entries with the fields as they were and as they are to the histories of the child and of the case."""
    after: Mapping[str, Any] = (
        build_person_document(record) if isinstance(record, Person) else record.identity
    )
    record_field_changes(session, caller, record, before, after, act)
    kind = "person_changed" if isinstance(record, Person) else "child_changed"
    case_history.record_case_history(session, case, kind, caller, record)
