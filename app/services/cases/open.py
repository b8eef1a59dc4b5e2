"""Open a case: create the child, the case and the caregiver in one transaction."""

from datetime import date
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.log import get_driver_connection, refresh_context
from app.errors import NotFound
from app.kit.dates import CAMBODIA_TIMEZONE, get_age_range, today
from app.kit.record_changes import ReferralAct
from app.kit.records import recheck_case
from app.models import Case, Child, Person, Referral
from app.models.contents import StoredChildIdentity
from app.models.referrals import StoredCaregiver, StoredReferralContent
from app.schemas.referrals import ReferralAcceptance
from app.services.cases import history as case_history
from app.services.cases.referral_additions import merge_child_phones, record_person_addition
from app.services.persons import person_details

NEXT_CASE_NUMBER_SQL = text("""
    INSERT INTO case_number_series AS series (year, last) VALUES (:year, 1)
    ON CONFLICT (year) DO UPDATE SET last = series.last + 1
    RETURNING last
""")
CASE_OPENING_LOCK_SQL = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
HAS_OPEN_CASE_SQL = text("SELECT access.has_open_case(:child)").bindparams(bindparam("child", type_=Uuid))
RESPONSIBLE_RELATIONSHIPS = frozenset({"mother", "father"})


async def lock_case_opening(session: AsyncSession, child_id: UUID) -> None:
    """Take an advisory lock per child, so that two requests cannot open a case for a child at the same time.

    The second request waits, finds the open case, and joins it or is rejected. Operations take this lock before they lock
    a case, to avoid deadlocks.

    Raises:
        TimedOut: The other transaction holds the lock for too long.
    """
    await get_driver_connection(session).execute(CASE_OPENING_LOCK_SQL, str(child_id))


async def has_open_case(session: AsyncSession, child_id: UUID) -> bool:
    """Return whether a child has an open case, including one that the caller cannot see."""
    return bool(await session.scalar(HAS_OPEN_CASE_SQL, {"child": child_id}))


async def get_open_case_for_share(session: AsyncSession, child_id: UUID) -> Case | None:
    """Return the child's open case, locked so that it stays open until the transaction ends.

    The query runs again if it returns nothing: after a wait for the lock, its snapshot can be older than the case. A case
    that became invisible to the caller during the wait is not returned.
    """
    query = select(Case).where(col(Case.child_id) == child_id, col(Case.status) != "closed")
    query = query.with_for_update(read=True).execution_options(populate_existing=True)
    case = await session.scalar(query) or await session.scalar(query)
    return case if case is not None and await recheck_case(session, case) else None


async def open_case_from_referral(
    session: AsyncSession,
    caller: Caller,
    referral: Referral,
    acceptance: ReferralAcceptance,
    act: ReferralAct,
) -> Case:
    """Open a case for the child of an accepted referral.

    Creates the child unless `acceptance.child_id` is a known child. The history of a known child records the additions.
    """
    content = referral.content
    if acceptance.child_id is not None:
        case = await _create_case(session, referral, content, acceptance, acceptance.child_id)
        phones = content["child"]["phones"]
        await merge_child_phones(session, caller, case, phones, phones, act)
        if caregiver := content["caregiver"]:
            await person_details.add_contact_search_tokens(session, case.child_id, caregiver["phones"])
    else:
        child = await _create_child(session, content)
        case = await _create_case(session, referral, content, acceptance, child.id)
        await _insert_search_tokens(session, child, content["caregiver"])
    caregiver_person = _add_caregiver(session, case, referral, content)
    await session.flush()  # history entries reference the case
    if caregiver_person is not None and acceptance.child_id is not None:
        record_person_addition(session, caller, caregiver_person, act)
    case_history.record_case_history(session, case, "referral_accepted", caller, referral)
    case_history.record_case_history(session, case, "case_opened", caller, case, {"number": case.number})
    return case


async def _create_child(session: AsyncSession, content: StoredReferralContent) -> Child:
    details = content["child"]
    child = Child(
        sex=details["sex"] or "unknown",
        province_code=(details["place_code"] or "")[:2] or None,
        has_birth=bool(details["birth"]),
    )
    child.identity = StoredChildIdentity(
        names=details["names"],
        nickname=details["nickname"],
        gender_identity=details["gender_identity"],
        birth=details["birth"],
        place_code=details["place_code"],
        address_detail=details["address_detail"],
        phones=details["phones"],
        languages=details["languages"],
        disability=details["disability"],
        school=details["school"],
        living_arrangement=details.get("living_arrangement"),
        idpoor=details["idpoor"],
    )
    session.add(child)
    await session.flush()  # the case has a foreign key to the child
    return child


async def _insert_search_tokens(
    session: AsyncSession, child: Child, caregiver: StoredCaregiver | None
) -> None:
    """Insert the search tokens of a new child. Its case must exist, because a trigger checks the staff of the case."""
    tokens = person_details.hash_child_search_keys(child.identity, [caregiver] if caregiver else [])
    await person_details.replace_search_tokens(session, child.id, "child", child.id, tokens, is_new=True)


async def _create_case(
    session: AsyncSession,
    referral: Referral,
    content: StoredReferralContent,
    acceptance: ReferralAcceptance,
    child_id: UUID,
) -> Case:
    if acceptance.team_id is None or acceptance.lead_worker_id is None or acceptance.case_kind is None:
        raise NotFound  # unreachable: the gate requires these fields; this narrows their types
    received_on = referral.received_at.astimezone(CAMBODIA_TIMEZONE).date()
    youngest, oldest = get_age_range(content["child"]["birth"], received_on) or (None, None)
    case = Case(
        number=await next_case_number(session, today()),
        child_id=child_id,
        kind=acceptance.case_kind,
        team_id=acceptance.team_id,
        lead_worker_id=acceptance.lead_worker_id,
        referral_id=referral.id,
        opened_on=today(),
        age_at_referral_min=youngest,
        age_at_referral_max=oldest,
        province_code=referral.province_code,
    )
    case.content = {"summary": None}
    session.add(case)
    await session.flush()  # the caregiver and the history entries have foreign keys to the case
    await refresh_context(session)  # the caller can be the lead worker, and the child can have links
    await cancel_open_follow_ups(session, child_id)
    return case


async def cancel_open_follow_ups(session: AsyncSession, child_id: UUID) -> None:
    """Cancel the open follow-ups of the earlier cases of a child, because the new case replaces them.

    A function of the database does it, because the caller may not see the earlier cases.
    """
    await session.execute(select(func.access.cancel_open_follow_ups(child_id)))


async def next_case_number(session: AsyncSession, day: date) -> str:
    """Return the next case number of a year, such as FSC-2026-0042, without gaps or duplicates."""
    last = await session.scalar(NEXT_CASE_NUMBER_SQL, {"year": day.year})
    return f"FSC-{day.year}-{last:04}"


def _add_caregiver(
    session: AsyncSession, case: Case, referral: Referral, content: StoredReferralContent
) -> Person | None:
    caregiver = content["caregiver"]
    if not caregiver:
        return None
    relationship = caregiver["relationship"] or "unknown"
    person = Person(
        child_id=case.child_id,
        case_id=case.id,
        role="supporter",
        relationship=relationship,
        is_responsible=relationship in RESPONSIBLE_RELATIONSHIPS,
        added_by_referral_id=referral.id,
    )
    person.details = {
        "names": caregiver["names"],
        "phones": caregiver["phones"],
        "place_code": caregiver["place_code"],
        "address_detail": caregiver["address_detail"],
    }
    session.add(person)
    return person
