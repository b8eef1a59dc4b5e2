"""Where a record is read: the path of its page, for lists of records of many kinds."""

from uuid import UUID

RECORD_PATHS: dict[str, str] = {
    "action": "/v1/actions/{id}",
    "assessment": "/v1/assessments/{id}",
    "care_plan": "/v1/care-plans/{id}",
    "case": "/v1/cases/{id}",
    "case_link": "/v1/cases/{case}/links",
    "child": "/v1/children/{id}",
    "consent": "/v1/consents/{id}",
    "disbursement": "/v1/disbursements/{id}",
    "document": "/v1/documents/{id}",
    "exit_plan": "/v1/cases/{case}/exit-plan",
    "follow_up": "/v1/follow-ups/{id}",
    "goal": "/v1/goals/{id}",
    "legal_step": "/v1/legal-steps/{id}",
    "person": "/v1/people/{id}",
    "referral": "/v1/referrals/{id}",
    "review": "/v1/reviews/{id}",
    "service_referral": "/v1/service-referrals/{id}",
    "support_session": "/v1/support-sessions/{id}",
}
"""By kind of record."""
PART_PATHS: dict[str, str] = {
    "clinical_note": "/v1/support-sessions/{whole}/clinical-note",
    "session_addendum": "/v1/support-sessions/{whole}/addenda",
}
"""Of records that are read as parts of another."""


def get_record_path(kind: str, record_id: UUID, case_id: UUID | None) -> str:
    """Return where a record is read, of a kind that has pages of its own."""
    return RECORD_PATHS[kind].format(id=record_id, case=case_id)


def find_record_path(kind: str, record_id: UUID, case_id: UUID, whole_id: UUID | None) -> str | None:
    """Return where a record is read, by itself or as a part; None where it is read nowhere."""
    if whole_id is not None:
        return PART_PATHS[kind].format(whole=whole_id)
    return get_record_path(kind, record_id, case_id) if kind in RECORD_PATHS else None
