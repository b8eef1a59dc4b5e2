"""Opening a case: child, case, number, circle and consent in one transaction."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actor import Actor
from app.access.log import driver_of
from app.access.vault import seal
from app.errors import NotFound
from app.kit.dates import LOCAL, Birth, today
from app.models import Case, Child, Consent, Person, Referral
from app.schemas.referrals import Acceptance
from app.services.cases import history as case_history
from app.services.persons import person_details as telling

NEXT_NUMBER = text("""
    INSERT INTO case_number_series AS series (year, last) VALUES (:year, 1)
    ON CONFLICT (year) DO UPDATE SET last = series.last + 1
    RETURNING last
""")
TURN = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
RESPONSIBLE = frozenset({"mother", "father"})
PLAIN = ("sex", "place_code")


async def take_turn(session: AsyncSession, child_id: UUID) -> None:
    """Wait for whoever is opening a case for a known child: who comes later finds it open, and joins it or is refused.

    Raises:
        TimedOut: they take too long.
    """
    await driver_of(session).execute(TURN, str(child_id))


async def from_referral(
    session: AsyncSession, actor: Actor, referral: Referral, told: dict[str, Any], acceptance: Acceptance
) -> Case:
    """Open a case for the child a referral tells of, new or known."""
    child_id = acceptance.child_id
    if child_id is None:
        child_id = (await _new_child(session, told)).id
    case = await _new_case(session, referral, told, acceptance, child_id)
    _circle(session, case, told)
    consent = _consent(session, case, actor, told["consent"])
    await session.flush()  # foreign keys: history and tokens name what was just made
    case_history.record(session, case, "referral_accepted", actor, referral)
    case_history.record(session, case, "case_opened", actor, case, {"number": case.number})
    case_history.record(session, case, "consent_recorded", actor, consent)
    return case


async def _new_child(session: AsyncSession, told: dict[str, Any]) -> Child:
    known = told["child"]
    child = Child(sex=known["sex"] or "unknown", province_code=(known["place_code"] or "")[:2] or None)
    seal(child, "sealed", {name: value for name, value in known.items() if name != "sex"})
    session.add(child)
    await session.flush()  # the case's foreign key names the child
    await telling.index(session, child.id, "child", child.id, telling.circle(told), is_new=True)
    return child


async def _new_case(
    session: AsyncSession, referral: Referral, told: dict[str, Any], acceptance: Acceptance, child_id: Any
) -> Case:
    if acceptance.team_id is None or acceptance.lead_worker_id is None or acceptance.case_kind is None:
        raise NotFound  # the gate has refused these before
    youngest, oldest = Birth.of(told["child"]["birth"]).age_on(referral.received_at.astimezone(LOCAL).date())
    case = Case(
        number=await number(session, today()),
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
    seal(case, "sealed", {"summary": None})
    session.add(case)
    await session.flush()  # people, consents and the referral name the case
    return case


async def number(session: AsyncSession, day: date) -> str:
    """Return the next case number of a year, such as FSC-2026-0042; no number is given twice or skipped."""
    last = await session.scalar(NEXT_NUMBER, {"year": day.year})
    return f"FSC-{day.year}-{last:04}"


def _circle(session: AsyncSession, case: Case, told: dict[str, Any]) -> None:
    carer = told.get("caregiver")
    if not carer:
        return
    relationship = carer["relationship"] or "unknown"
    person = Person(
        child_id=case.child_id,
        case_id=case.id,
        role="supporter",
        relationship=relationship,
        is_responsible=relationship in RESPONSIBLE,
    )
    seal(person, "sealed", {name: carer[name] for name in ("names", "phone", "place_code", "address_detail")})
    session.add(person)


def _consent(session: AsyncSession, case: Case, actor: Actor, told: dict[str, Any]) -> Consent:
    basis = told["basis_without_consent"]
    consent = Consent(
        child_id=case.child_id,
        case_id=case.id,
        given_by=told["given_by"],
        method=told["method"],
        given_on=date.fromisoformat(told["on"] or basis["on"]),
        scope=told["scope"],
        basis_without_consent=basis["basis"] if basis else None,
        recorded_by_id=actor.id,
    )
    seal(consent, "sealed", {"witness": told["witness"], "basis_without_consent": basis})
    session.add(consent)
    return consent
