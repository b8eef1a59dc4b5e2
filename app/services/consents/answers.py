"""The latest answer of each giver in the consent register, for one purpose and one recipient.

An entry contains one answer of each of its givers: consent or refusal on a day, or a withdrawal on a later day. Answers
are ordered by day, then by the time of recording. The functions are pure. `app.services.consents.gate` loads the
register.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from app.kit.dates import CAMBODIA_TIMEZONE

CHILD, CAREGIVER, GUARDIAN, ALTERNATIVE = "child", "caregiver", "guardian", "other"
"""Givers of the code list `consent_giver`. An alternative giver consents in place of a caregiver who may be involved in the
abuse, with a recorded reason."""
CAREGIVERS = (CAREGIVER, GUARDIAN)
GIVERS = (CHILD, *CAREGIVERS, ALTERNATIVE)
Meaning = Literal["given", "refused", "withdrawn", "expired"]
REFUSALS = frozenset({"refused", "withdrawn"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterEntry:
    """An entry of the consent register, or the consent in a request that would be recorded as one."""

    id: UUID | None = None
    case_id: UUID | None = None
    """None for a case that the request opens."""
    given_by: Sequence[str]
    status: str = "given"
    given_on: date
    created_at: datetime
    scope: Sequence[str]
    recipient_agency_id: UUID | None = None
    valid_until: date | None = None
    basis_without_consent: str | None = None
    is_basis_confirmed: bool = False
    has_alternative_reason: bool = False
    withdrawn_at: datetime | None = None
    withdrawn_givers: Sequence[str] = ()
    is_entered_in_error: bool = False

    def concerns(self, scope: str, recipient_id: UUID | None) -> bool:
        """Return whether the entry is about a purpose and a recipient. An entry without a recipient is about all of them."""
        return (
            not self.is_entered_in_error
            and scope in self.scope
            and self.recipient_agency_id in {None, recipient_id}
        )

    def is_legal_basis_on(self, day: date) -> bool:
        """Return whether the entry records a legal basis that was not withdrawn and is valid on a day."""
        is_basis = self.basis_without_consent is not None and self.status == "given"
        return is_basis and self.withdrawn_at is None and (self.valid_until or day) >= day

    @property
    def is_basis_only(self) -> bool:
        """Whether the entry is a legal basis without the consent of a person."""
        return self.basis_without_consent is not None and not self.given_by


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """The consent or refusal of one giver on one day."""

    giver: str
    meaning: Meaning
    on: date
    recorded_at: datetime
    case_id: UUID | None

    @property
    def is_refusal(self) -> bool:
        """Whether the answer is a refusal or a withdrawal."""
        return self.meaning in REFUSALS

    @property
    def position(self) -> tuple[date, datetime]:
        """Position among the answers: by day, then by time of recording."""
        return self.on, self.recorded_at


def list_answers(
    entries: Iterable[RegisterEntry], scope: str, recipient_id: UUID | None, day: date
) -> Iterator[ConsentAnswer]:
    """Yield the answers about a purpose and a recipient until a day, in no particular order.

    The consent of an alternative giver without a recorded reason is omitted.
    """
    for entry in entries:
        if entry.given_on > day or not entry.concerns(scope, recipient_id):
            continue
        is_expired = entry.valid_until is not None and entry.valid_until < day
        given: Meaning = "expired" if is_expired else "given"
        meaning: Meaning = "refused" if entry.status == "refused" else given
        givers = [
            giver
            for giver in entry.given_by
            if giver != ALTERNATIVE or meaning == "refused" or entry.has_alternative_reason
        ]
        for giver in givers:
            yield ConsentAnswer(giver, meaning, entry.given_on, entry.created_at, entry.case_id)
        if entry.withdrawn_at is not None:
            withdrawn_on = entry.withdrawn_at.astimezone(CAMBODIA_TIMEZONE).date()
            for giver in set(givers).intersection(entry.withdrawn_givers or givers):
                yield ConsentAnswer(giver, "withdrawn", withdrawn_on, entry.withdrawn_at, entry.case_id)


def find_latest_answers(answers: Iterable[ConsentAnswer], case_id: UUID | None) -> dict[str, ConsentAnswer]:
    """Return the latest answer of each giver that counts in a case.

    A refusal counts in every later case of the child, a consent only in its own case. Of two answers at the same time, the refusal
    counts.
    """
    ordered = sorted(answers, key=lambda answer: (answer.position, answer.is_refusal))
    latest = {answer.giver: answer for answer in ordered}
    latest_of_case = {answer.giver: answer for answer in ordered if answer.case_id == case_id}
    refusals = {giver: answer for giver, answer in latest.items() if answer.is_refusal}
    return _drop_replaced_answers(latest_of_case | refusals)


def _drop_replaced_answers(answers: Mapping[str, ConsentAnswer]) -> dict[str, ConsentAnswer]:
    """Remove the answers of caregivers if the alternative giver answered later, or the reverse."""
    alternative = answers.get(ALTERNATIVE)
    if alternative is None:
        return dict(answers)
    newest = max((answers[giver].position for giver in CAREGIVERS if giver in answers), default=None)
    is_replaced = newest is not None and newest > alternative.position
    return {
        giver: answer
        for giver, answer in answers.items()
        if giver == CHILD
        or (giver == ALTERNATIVE and not is_replaced)
        or (giver in CAREGIVERS and answer.position >= alternative.position)
    }
