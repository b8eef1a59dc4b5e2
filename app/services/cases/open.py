"""Opening a case: child, case, number, circle and consent in one transaction."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.log import get_driver_connection
from app.access.vault import encrypt
from app.errors import NotFound
from app.kit.dates import CAMBODIA_TIMEZONE, BirthRange, today
from app.models import Case, Child, Consent, Person, Referral
from app.schemas.referrals import ReferralAcceptance
from app.services.cases import history as case_history
from app.services.persons import person_details as telling

NEXT_CASE_NUMBER_SQL = text("""
    INSERT INTO case_number_series AS series (year, last) VALUES (:year, 1)
    ON CONFLICT (year) DO UPDATE SET last = series.last + 1
    RETURNING last
""")
CASE_OPENING_LOCK_SQL = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
HAS_OPEN_CASE_SQL = text("SELECT access.has_open_case(:child)").bindparams(bindparam("child", type_=Uuid))
RESPONSIBLE_RELATIONSHIPS = frozenset({"mother", "father"})


async def lock_case_opening(session: AsyncSession, child_id: UUID) -> None:
    """Wait for whoever is opening a case for a known child: who comes later finds it open, and joins it or is refused.

    Raises:
        TimedOut: they take too long.
    """
    await get_driver_connection(session).execute(CASE_OPENING_LOCK_SQL, str(child_id))


async def has_open_case(session: AsyncSession, child_id: UUID) -> bool:
    """Return whether a child has an open case, including one that the caller cannot see."""
    return bool(await session.scalar(HAS_OPEN_CASE_SQL, {"child": child_id}))


async def open_case_from_referral(
    session: AsyncSession,
    caller: Caller,
    referral: Referral,
    told: dict[str, Any],
    acceptance: ReferralAcceptance,
) -> Case:
    """Open a case for the child a referral tells of, new or known."""
    child_id = acceptance.child_id
    if child_id is None:
        child_id = (await _build_child(session, told)).id
    case = await _build_case(session, referral, told, acceptance, child_id)
    _add_people(session, case, told)
    consent = _build_consent(session, case, caller, told["consent"])
    await session.flush()  # foreign keys: history and tokens name what was just made
    case_history.record_case_history(session, case, "referral_accepted", caller, referral)
    case_history.record_case_history(session, case, "case_opened", caller, case, {"number": case.number})
    case_history.record_case_history(session, case, "consent_recorded", caller, consent)
    return case


async def _build_child(session: AsyncSession, told: dict[str, Any]) -> Child:
    known = told["child"]
    child = Child(sex=known["sex"] or "unknown", province_code=(known["place_code"] or "")[:2] or None)
    encrypt(child, "sealed", {name: value for name, value in known.items() if name != "sex"})
    session.add(child)
    await session.flush()  # the case's foreign key names the child
    await telling.replace_search_tokens(
        session, child.id, "child", child.id, telling.get_child_and_caregiver(told), is_new=True
    )
    return child


async def _build_case(
    session: AsyncSession,
    referral: Referral,
    told: dict[str, Any],
    acceptance: ReferralAcceptance,
    child_id: Any,
) -> Case:
    if acceptance.team_id is None or acceptance.lead_worker_id is None or acceptance.case_kind is None:
        raise NotFound  # the gate has refused these before
    youngest, oldest = BirthRange.from_details(told["child"]["birth"]).age_range_on(
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
    encrypt(case, "sealed", {"summary": None})
    session.add(case)
    await session.flush()  # people, consents and the referral name the case
    return case


async def next_case_number(session: AsyncSession, day: date) -> str:
    """Return the next case number of a year, such as FSC-2026-0042; no number is given twice or skipped."""
    last = await session.scalar(NEXT_CASE_NUMBER_SQL, {"year": day.year})
    return f"FSC-{day.year}-{last:04}"


def _add_people(session: AsyncSession, case: Case, told: dict[str, Any]) -> None:
    carer = told.get("caregiver")
    if not carer:
        return
    relationship = carer["relationship"] or "unknown"
    person = Person(
        child_id=case.child_id,
        case_id=case.id,
        role="supporter",
        relationship=relationship,
        is_responsible=relationship in RESPONSIBLE_RELATIONSHIPS,
    )
    encrypt(
        person, "sealed", {name: carer[name] for name in ("names", "phone", "place_code", "address_detail")}
    )
    session.add(person)


def _build_consent(session: AsyncSession, case: Case, caller: Caller, told: dict[str, Any]) -> Consent:
    basis = told["basis_without_consent"]
    consent = Consent(
        child_id=case.child_id,
        case_id=case.id,
        given_by=told["given_by"],
        method=told["method"],
        given_on=date.fromisoformat(told["on"] or basis["on"]),
        scope=told["scope"],
        basis_without_consent=basis["basis"] if basis else None,
        recorded_by_id=caller.id,
    )
    encrypt(consent, "sealed", {"witness": told["witness"], "basis_without_consent": basis})
    session.add(consent)
    return consent
