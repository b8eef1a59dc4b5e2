"""The records that a request reads or writes, and that the access log contains."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from app.models import (
    AccessEntry,
    Action,
    Alert,
    Assessment,
    BreakGlassGrant,
    CarePlan,
    Case,
    CaseHistoryEntry,
    CaseLink,
    CaseSibling,
    CaseWorker,
    Child,
    ClinicalHandover,
    ClinicalNote,
    Consent,
    Disbursement,
    DisbursementDetails,
    Document,
    DocumentContent,
    ExitPlan,
    Feedback,
    FollowUp,
    Goal,
    LegalStep,
    Person,
    PlanArea,
    RecordChange,
    Referral,
    ReferralQuestion,
    Review,
    ServiceReferral,
    SessionAddendum,
    SupportSession,
)

RECORD_KINDS: dict[type, str] = {
    AccessEntry: "access",
    Action: "action",
    Alert: "alert",
    Assessment: "assessment",
    BreakGlassGrant: "break_glass",
    CarePlan: "care_plan",
    Case: "case",
    CaseHistoryEntry: "case_history",
    CaseLink: "case_link",
    CaseSibling: "case_sibling",
    CaseWorker: "case_worker",
    Child: "child",
    ClinicalHandover: "clinical_handover",
    ClinicalNote: "clinical_note",
    Consent: "consent",
    Disbursement: "disbursement",
    DisbursementDetails: "disbursement_words",
    Document: "document",
    DocumentContent: "document_content",
    ExitPlan: "exit_plan",
    Feedback: "feedback",
    FollowUp: "follow_up",
    Goal: "goal",
    LegalStep: "legal_step",
    Person: "person",
    PlanArea: "plan_area",
    RecordChange: "record_change",
    Referral: "referral",
    ReferralQuestion: "referral_question",
    Review: "review",
    ServiceReferral: "service_referral",
    SessionAddendum: "session_addendum",
    SupportSession: "support_session",
}
"""Record kind of each table with data about a child. A test checks that no table with row-level security is missing."""


class AccessedRecord(NamedTuple):
    """A record that a request read or wrote. The log gets one entry per child (see `AccessedRecords.add`).

    Ids are text in the canonical form, because queries of `app.access.reader` return them as text.
    """

    child_id: str | None
    case_id: str | None
    kind: str
    record_id: str


DECISIVE_KINDS = ("break_glass", "clinical_handover", "case_link", "case_sibling", "clinical_note")
"""Kinds of records that an access entry contains even if the request accessed another record of the child first.

A break-glass grant contains the reason for the access. The other kinds decide which supervisors can see the entry.
"""
DECISIVE_WRITTEN_KINDS = ("document", "feedback", "legal_step", "session_addendum")
"""Kinds of records that an access entry contains if the request wrote them, even if it accessed another record first.

Only the supervisors of the case can see entries about these kinds (`access.is_kind_with_tiers`).
"""


def _get_rank(record: AccessedRecord) -> int:
    return DECISIVE_KINDS.index(record.kind) if record.kind in DECISIVE_KINDS else len(DECISIVE_KINDS)


def _is_decisive(record: AccessedRecord, entry: AccessedRecord, *, is_written: bool) -> bool:
    is_decisive_write = is_written and record.kind in DECISIVE_WRITTEN_KINDS
    return _get_rank(record) < _get_rank(entry) or (is_decisive_write and entry.kind not in DECISIVE_KINDS)


@dataclass(slots=True)
class AccessedRecords:
    """Collects the records that a request reads or writes, and keeps one record per child."""

    by_child: dict[str, AccessedRecord] = field(default_factory=dict)
    without_child: dict[tuple[str, str], AccessedRecord] = field(default_factory=dict)
    """Records that do not belong to a child yet: referrals before they are accepted, with their questions."""

    def add(self, record: AccessedRecord, *, is_written: bool = False) -> None:
        """Add a record. Only the first record of a child is kept, but a record of a decisive kind replaces it.

        An entry of the access log without a child is not added, because it contains nothing about a child.
        """
        if record.child_id is None:
            if record.kind == "access":
                return
            self.without_child.setdefault((record.kind, record.record_id), record)
            return
        self.without_child.pop((record.kind, record.record_id), None)
        entry = self.by_child.setdefault(record.child_id, record)
        if entry is record:
            return  # the first record of the child
        if _is_decisive(record, entry, is_written=is_written):
            entry = record
        # The first record can have no case id, for example a new child, which is written before its case. A search of
        # the log by case must find the entry, so the case id is added.
        if entry.case_id is None and record.case_id is not None:
            entry = entry._replace(case_id=record.case_id)
        self.by_child[record.child_id] = entry

    def add_all(self, records: Iterable[AccessedRecord]) -> None:
        """Add several records."""
        for record in records:
            self.add(record)

    def __iter__(self) -> Iterator[AccessedRecord]:
        yield from self.by_child.values()
        yield from self.without_child.values()
