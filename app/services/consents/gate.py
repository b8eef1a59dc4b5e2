"""The gate of the consent register: check whether the latest answers permit a purpose, and explain a refusal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault
from app.fault_codes import FaultCode
from app.kit.dates import get_age_range, today
from app.kit.records import get_record
from app.models import Child, ConsentAgeBand
from app.services.consents.age_bands import AgeBand, get_strictest_age_band
from app.services.consents.answers import (
    CHILD,
    ConsentAnswer,
    RegisterEntry,
    find_latest_answers,
    list_answers,
)

CONSENT_POINTER = "/consent_id"
SCOPE_BY_PROVIDER_KIND = {"school": "share_with_school", "authority": "share_with_authorities"}
REGISTER_SQL = text("SELECT * FROM access.list_consent_register(:child)").bindparams(
    bindparam("child", type_=Uuid)
)
GIVER_NAMES = {
    "child": "child",
    "caregiver": "caregiver",
    "guardian": "guardian",
    "other": "alternative consent giver",
}
NEGATIVE_ANSWERS: Mapping[str, tuple[FaultCode, str]] = {
    "refused": ("consent_refused", "The {giver} refused {scope} on {on}."),
    "withdrawn": ("consent_withdrawn", "The {giver} withdrew the consent to {scope} on {on}."),
    "expired": ("consent_expired", "The consent of the {giver} to {scope}, given on {on}, has expired."),
}
"""Code and message of each meaning of an answer that does not permit something."""


@dataclass(frozen=True, slots=True)
class ConsentRegister:
    """The entries of the consent register of a child, and the consents that the age of the child requires."""

    entries: Sequence[RegisterEntry]
    needed_answers: AgeBand
    case_id: UUID | None
    """The case of the gate; None for a case that the request opens."""

    def check(
        self, scope: str, recipient_id: UUID | None = None, pointer: str | None = None
    ) -> Iterator[Fault]:
        """Yield a fault for each answer that forbids a purpose, and for each required answer that is missing."""
        answers = find_latest_answers(list_answers(self.entries, scope, recipient_id, today()), self.case_id)
        of_child = {giver: answer for giver, answer in answers.items() if giver == CHILD}
        of_caregivers = {giver: answer for giver, answer in answers.items() if giver != CHILD}
        yield from _check_answers(of_child, self.needed_answers.child, "child", scope, pointer)
        yield from _check_answers(of_caregivers, self.needed_answers.caregiver, "caregiver", scope, pointer)

    def check_with_basis(self, scope: str, pointer: str | None = None) -> Iterator[Fault]:
        """Yield the faults of `check`, or none if the case has a confirmed legal basis for the purpose."""
        bases = [entry for entry in self.entries if self._is_basis_for(entry, scope)]
        if any(entry.is_basis_confirmed for entry in bases):
            return
        faults = list(self.check(scope, pointer=pointer))
        if faults and bases:
            faults.append(_build_unconfirmed_fault(pointer))
        yield from faults

    def _is_basis_for(self, entry: RegisterEntry, scope: str) -> bool:
        is_own = entry.case_id == self.case_id and entry.concerns(scope, None)
        return is_own and entry.is_legal_basis_on(today())

    def check_entry(
        self, entry_id: UUID | None, scope: str, recipient_id: UUID | None, pointer: str = CONSENT_POINTER
    ) -> list[Fault]:
        """Return the unmet conditions for sharing today on one entry of the case: a consent or a legal basis.

        A consent must be valid itself, and the latest answers of the register must permit the sharing and the services
        themselves. A legal basis must be confirmed by a second person, and replaces these consents.
        """
        entry = next((entry for entry in self.entries if entry.id == entry_id), None)
        if entry is None or entry.case_id != self.case_id:
            return [Fault(pointer, "consent_unknown", "The consent does not exist on this case.")]
        faults = list(_check_entry_itself(entry, scope, recipient_id, pointer))
        if entry.is_basis_only:
            return faults
        of_register = list(self.check(scope, recipient_id, pointer))
        # The faults of the register contain the giver and the day.
        codes = {fault.code for fault in of_register}
        of_services = self.check_with_basis("services", pointer)
        return [*(fault for fault in faults if fault.code not in codes), *of_register, *of_services]


def get_consent_scope(provider_kind: str) -> str:
    """Return the scope of the consent that sharing data with a provider of a kind requires."""
    return SCOPE_BY_PROVIDER_KIND.get(provider_kind, "share_with_providers")


async def lock_register(session: AsyncSession, child_id: UUID) -> None:
    """Lock the register of a child until the transaction ends. Acts take this lock before they lock an entry."""
    await session.execute(select(func.access.lock_consent_register(child_id)))


async def list_register_entries(session: AsyncSession, child_id: UUID) -> list[RegisterEntry]:
    """Return the entries of all cases of a child. The register is locked until the transaction ends."""
    rows = (await session.execute(REGISTER_SQL, {"child": child_id})).mappings()
    return [RegisterEntry(**row) for row in rows]


async def load_register(
    session: AsyncSession, child_id: UUID, case_id: UUID | None, *new_entries: RegisterEntry
) -> ConsentRegister:
    """Return the register of a child for a gate of a case. It is locked until the transaction ends.

    `new_entries` are consents in the request, which are recorded later in the transaction.
    """
    entries = [*await list_register_entries(session, child_id), *new_entries]
    child = await get_record(session, Child, child_id)
    return await build_register(session, entries, case_id, child.identity["birth"])


async def build_register(
    session: AsyncSession,
    entries: Sequence[RegisterEntry],
    case_id: UUID | None,
    birth: Mapping[str, Any] | None,
) -> ConsentRegister:
    """Return the register with these entries for a child with this birth date today; None if it is unknown."""
    bands = [
        AgeBand(band.min_age, band.child, band.caregiver)
        for band in await session.scalars(select(ConsentAgeBand).order_by(col(ConsentAgeBand.min_age)))
    ]
    return ConsentRegister(entries, get_strictest_age_band(bands, get_age_range(birth, today())), case_id)


def _check_answers(
    answers: Mapping[str, ConsentAnswer], needed: str, giver: str, scope: str, pointer: str | None
) -> Iterator[Fault]:
    """Yield the faults of the child, or of the caregiver and those in the place of the caregiver."""
    if needed == "not_needed":
        return
    refusals = [answer for answer in answers.values() if answer.is_refusal]
    yield from (_build_fault(answer, scope, pointer) for answer in refusals)
    if needed == "sought" or refusals or any(answer.meaning == "given" for answer in answers.values()):
        return
    if answers:
        yield from (_build_fault(answer, scope, pointer) for answer in answers.values())
        return
    detail = (
        f"The {giver} has not consented to {scope} in this case. The age of the child requires this consent."
    )
    yield Fault(pointer, "consent_giver_missing", detail, {"giver": giver, "scope": scope})


def _build_fault(answer: ConsentAnswer, scope: str, pointer: str | None) -> Fault:
    code, template = NEGATIVE_ANSWERS[answer.meaning]
    on = answer.on.isoformat()
    detail = template.format(giver=GIVER_NAMES[answer.giver], scope=scope, on=on)
    return Fault(pointer, code, detail, {"giver": answer.giver, "scope": scope, "on": on})


def _check_entry_itself(
    entry: RegisterEntry, scope: str, recipient_id: UUID | None, pointer: str
) -> Iterator[Fault]:
    """Yield the faults of an entry itself. Later entries are not considered."""
    if entry.is_entered_in_error:
        yield Fault(pointer, "entered_in_error", "The record was entered in error and cannot be used.")
    if entry.withdrawn_at is not None:
        yield Fault(pointer, "consent_withdrawn", "The consent was withdrawn.")
    elif entry.status == "refused":
        yield Fault(pointer, "consent_refused", "The entry of the consent register is a refusal.")
    elif entry.valid_until is not None and entry.valid_until < today():
        yield Fault(pointer, "consent_expired", "The consent has expired.")
    if entry.given_on > today():  # the API rejects a future date, but the table can contain one
        yield Fault(pointer, "consent_ahead", "The date of the consent is in the future.")
    if scope not in entry.scope:
        yield Fault(pointer, "consent_scope", f"The consent does not cover {scope}.")
    if entry.recipient_agency_id not in {None, recipient_id}:
        detail = "The consent permits sharing with another organisation only."
        yield Fault(pointer, "consent_recipient", detail)
    if entry.is_basis_only and not entry.is_basis_confirmed:
        yield _build_unconfirmed_fault(pointer)


def _build_unconfirmed_fault(pointer: str | None) -> Fault:
    return Fault(pointer, "basis_unconfirmed", "A second person must confirm the legal basis.")
