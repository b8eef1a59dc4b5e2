"""Paths of records, for lists with records of several kinds."""

from uuid import UUID

RECORD_PATHS: dict[str, str] = {
    "action": "/v1/actions/{id}",
    "assessment": "/v1/assessments/{id}",
    "care_plan": "/v1/care-plans/{id}",
    "case": "/v1/cases/{id}",
    "case_link": "/v1/cases/{case}/links",
    "case_sibling": "/v1/cases/{case}/siblings",
    "child": "/v1/children/{id}",
    "consent": "/v1/consents/{id}",
    "disbursement": "/v1/disbursements/{id}",
    "document": "/v1/documents/{id}",
    "exit_plan": "/v1/cases/{case}/exit-plan",
    "feedback": "/v1/feedback/{id}",
    "follow_up": "/v1/follow-ups/{id}",
    "fund_transfer": "/v1/fund-transfers/{id}",
    "goal": "/v1/goals/{id}",
    "legal_step": "/v1/legal-steps/{id}",
    "pending_change": "/v1/pending-changes/{id}",
    "person": "/v1/people/{id}",
    "referral": "/v1/referrals/{id}",
    "review": "/v1/reviews/{id}",
    "service_referral": "/v1/service-referrals/{id}",
    "supervision_action": "/v1/supervision-actions/{id}",
    "supervision_meeting": "/v1/supervision-meetings/{id}",
    "support_session": "/v1/support-sessions/{id}",
}
"""Path template by kind of record."""
PART_PATHS: dict[str, str] = {
    "clinical_note": "/v1/support-sessions/{parent}/clinical-note",
    "session_addendum": "/v1/support-sessions/{parent}/addenda",
}
"""Path template by kind, for records that belong to another record, the parent."""


def get_record_path(kind: str, record_id: UUID, case_id: UUID | None) -> str:
    """Return the path of a record. Its kind must have a path template."""
    return RECORD_PATHS[kind].format(id=record_id, case=case_id)


def find_record_path(kind: str, record_id: UUID, case_id: UUID, parent_id: UUID | None) -> str | None:
    """Return the path of a record, or the path of the list of its parent that contains it.

    None if its kind has no path.
    """
    if parent_id is not None:
        return PART_PATHS[kind].format(parent=parent_id)
    return get_record_path(kind, record_id, case_id) if kind in RECORD_PATHS else None
