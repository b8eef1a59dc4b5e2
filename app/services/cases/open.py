"""Open a case: create the child, the case, the caregiver and the consent in one transaction."""

from datetime import date
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.log import get_driver_connection, refresh_context
from app.errors import NotFound
from app.kit.dates import CAMBODIA_TIMEZONE, BirthRange, today
from app.kit.records import recheck_case
from app.models import Case, Child, Consent, Person, Referral
from app.models.contents import StoredChildIdentity
from app.models.referrals import StoredReferralConsent, StoredReferralContent
from app.schemas.referrals import ReferralAcceptance
from app.services.cases import history as case_history
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

    The second request waits, finds the open case, and joins it or is rejected.

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
    content: StoredReferralContent,
    acceptance: ReferralAcceptance,
) -> Case:
    """Open a case for the child of an accepted referral.

    Creates the child unless `acceptance.child_id` is a known child.
    """
    child_id = acceptance.child_id
    if child_id is None:
        child_id = (await _create_child(session, content)).id
    case = await _create_case(session, referral, content, acceptance, child_id)
    _add_caregiver(session, case, content)
    consent = _create_consent(session, case, caller, content["consent"])
    await session.flush()  # history entries reference the case and the consent
    case_history.record_case_history(session, case, "referral_accepted", caller, referral)
    case_history.record_case_history(session, case, "case_opened", caller, case, {"number": case.number})
    case_history.record_case_history(session, case, "consent_recorded", caller, consent)
    return case


async def _create_child(session: AsyncSession, content: StoredReferralContent) -> Child:
    details = content["child"]
    child = Child(sex=details["sex"] or "unknown", province_code=(details["place_code"] or "")[:2] or None)
    child.identity = StoredChildIdentity(
        names=details["names"],
        nickname=details["nickname"],
        gender_identity=details["gender_identity"],
        birth=details["birth"],
        place_code=details["place_code"],
        address_detail=details["address_detail"],
        phone=details["phone"],
        languages=details["languages"],
        disability=details["disability"],
        school=details["school"],
        idpoor=details["idpoor"],
    )
    session.add(child)
    await session.flush()  # the case and the search tokens have foreign keys to the child
    search_keys = person_details.get_referral_search_keys(content)
    await person_details.replace_search_tokens(session, child.id, "child", child.id, search_keys, is_new=True)
    return child


async def _create_case(
    session: AsyncSession,
    referral: Referral,
    content: StoredReferralContent,
    acceptance: ReferralAcceptance,
    child_id: UUID,
) -> Case:
    if acceptance.team_id is None or acceptance.lead_worker_id is None or acceptance.case_kind is None:
        raise NotFound  # unreachable: the gate requires these fields; this narrows their types
    youngest, oldest = BirthRange.from_details(content["child"]["birth"]).age_range_on(
        referral.received_at.astimezone(CAMBODIA_TIMEZONE).date()
    )
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
    await session.flush()  # the caregiver, the consent and the history entries have foreign keys to the case
    await refresh_context(session)  # the caller can be the lead worker, and the child can have links
    return case


async def next_case_number(session: AsyncSession, day: date) -> str:
    """Return the next case number of a year, such as FSC-2026-0042, without gaps or duplicates."""
    last = await session.scalar(NEXT_CASE_NUMBER_SQL, {"year": day.year})
    return f"FSC-{day.year}-{last:04}"


def _add_caregiver(session: AsyncSession, case: Case, content: StoredReferralContent) -> None:
    caregiver = content["caregiver"]
    if not caregiver:
        return
    relationship = caregiver["relationship"] or "unknown"
    person = Person(
        child_id=case.child_id,
        case_id=case.id,
        role="supporter",
        relationship=relationship,
        is_responsible=relationship in RESPONSIBLE_RELATIONSHIPS,
    )
    person.details = {
        "names": caregiver["names"],
        "phone": caregiver["phone"],
        "place_code": caregiver["place_code"],
        "address_detail": caregiver["address_detail"],
    }
    session.add(person)


def _create_consent(
    session: AsyncSession, case: Case, caller: Caller, referral_consent: StoredReferralConsent
) -> Consent:
    basis = referral_consent["basis_without_consent"]
    consent = Consent(
        child_id=case.child_id,
        case_id=case.id,
        given_by=referral_consent["given_by"],
        method=referral_consent["method"],
        given_on=_get_consent_day(referral_consent),
        scope=referral_consent["scope"],
        basis_without_consent=basis["basis"] if basis else None,
        recorded_by_id=caller.id,
    )
    consent.details = {"witness": referral_consent["witness"], "basis_without_consent": basis}
    session.add(consent)
    return consent


def _get_consent_day(referral_consent: StoredReferralConsent) -> date:
    basis = referral_consent["basis_without_consent"]
    day = referral_consent["on"] or (basis["on"] if basis else None)
    if day is None:
        raise ValueError("The schema requires a consent or a legal basis.")
    return date.fromisoformat(day)
