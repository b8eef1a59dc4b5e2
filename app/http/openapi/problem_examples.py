"""Faults for the problem examples of the OpenAPI document: one validation error and one unmet condition per tag."""

import re
from dataclasses import dataclass

from app.errors import Fault
from app.http.openapi.examples import example_id


@dataclass(frozen=True)
class FaultExample:
    """A fault, and the path of a request that can return it."""

    path: str
    fault: Fault

    @property
    def instance(self) -> str:
        """The path with example ids."""
        return re.sub(r"\{(\w+)\}", lambda parameter: example_id(parameter[1]), self.path)


def _missing(path: str, pointer: str) -> FaultExample:
    return FaultExample(path, Fault(pointer, "missing", "This field is required."))


_NOT_ON_CASE = Fault(
    None,
    "not_on_case",
    "Only the staff of the case can do this: its workers, the supervisors of its team and programme managers.",
)
_INVALID_CURSOR = Fault("query:cursor", "cursor_invalid", "The cursor is invalid.")

DEFAULT_VALIDATION_ERROR = FaultExample("/v1/places", _INVALID_CURSOR)
"""The validation error for tags that are not in `VALIDATION_ERRORS`."""
VALIDATION_ERRORS: dict[str, FaultExample] = {
    "account": FaultExample(
        "/v1/me/password", Fault("/current_password", "wrong", "The current password is wrong.")
    ),
    "administration": FaultExample(
        "/v1/users/{user_id}",
        Fault("/teams/0/team_id", "unknown", "The team does not exist, or is listed twice."),
    ),
    "agenda": _missing("/v1/me/calendar-feeds", "/name"),
    "assessments": FaultExample(
        "/v1/cases/{case_id}/assessments",
        Fault("/person_id", "person_unknown", "There is no such person in this case."),
    ),
    "audit": FaultExample("/v1/audit/accesses", _INVALID_CURSOR),
    "care-plans": _missing("/v1/cases/{case_id}/care-plans", "/subject"),
    "cases": _missing("/v1/cases/{case_id}/close", "/reason_code"),
    "children": FaultExample(
        "/v1/children/{child_id}", Fault("/place_code", "place_unknown", "No province has this code.")
    ),
    "consents": _missing("/v1/cases/{case_id}/consents", "/given_by"),
    "corrections": _missing("/v1/documents/{document_id}/enter-in-error", "/reason"),
    "disbursements": FaultExample(
        "/v1/disbursements",
        Fault("/goal_id", "reference_unknown", "The case has no goal with this id."),
    ),
    "documents": FaultExample(
        "/v1/cases/{case_id}/documents", Fault("/content", "base64_invalid", "Must be base64.")
    ),
    "exit": FaultExample(
        "/v1/follow-ups/{follow_up_id}", Fault("/held_on", "date_in_future", "Must not be in the future.")
    ),
    "feedback": FaultExample(
        "/v1/cases/{case_id}/feedback", Fault("/rating", "less_than_equal", "Must be at most 5.", {"le": 5})
    ),
    "funds": FaultExample(
        "/v1/funds/{fund_id}/close",
        Fault("/rest_to_fund_id", "same_fund", "The receiving fund must be another fund."),
    ),
    "supervision": FaultExample(
        "/v1/caseload-standard",
        Fault("/cases_per_worker", "greater_than_equal", "Must be at least 1.", {"ge": 1}),
    ),
    "instruments": _missing("/v1/instruments", "/definition/items"),
    "legal-steps": FaultExample(
        "/v1/cases/{case_id}/legal-steps",
        Fault("/on", "date_too_early", "Must be 1980-01-01 or later.", {"earliest": "1980-01-01"}),
    ),
    "outreach": FaultExample(
        "/v1/outreach-activities",
        Fault(
            "/participants/0/by_sex",
            "counts_unequal",
            "The numbers must add up to `persons`. Without `unknown`, the server adds the rest to it.",
        ),
    ),
    "people": FaultExample(
        "/v1/people/{person_id}", Fault("/names", "name_missing", "At least one name is required.")
    ),
    "providers": FaultExample(
        "/v1/providers/{provider_id}",
        Fault("/contacts/0/phone", "phone_invalid", "Must be a valid phone number."),
    ),
    "referrals": _missing("/v1/referrals", "/concern/summary"),
    "releases": FaultExample(
        "/v1/releases",
        Fault(
            "/period",
            "period_not_closed",
            "The period must be over. The latest ones are 2026-Q3, 2025.",
            {"allowed": ["2026-Q3", "2025"]},
        ),
    ),
    "reports": FaultExample(
        "/v1/reports/open_cases", Fault("query:to", "period_reversed", "Must not end before it begins.")
    ),
    "reviews": FaultExample(
        "/v1/reviews/{review_id}", Fault("/held_on", "date_in_future", "The date must not be in the future.")
    ),
    "service-referrals": FaultExample(
        "/v1/cases/{case_id}/service-referrals",
        Fault("/provider_id", "reference_unknown", "The provider does not exist."),
    ),
    "sign-in": _missing("/v1/auth/login", "/password"),
    "support": FaultExample(
        "/v1/support-sessions/{support_session_id}",
        Fault("/goal_ids/0", "goal_unknown", "The case has no goal with this id."),
    ),
}

UNMET_CONDITIONS: dict[str, FaultExample] = {
    "administration": FaultExample(
        "/v1/users/{user_id}",
        Fault("/roles", "own_role", "Another administrator must add a role to your account."),
    ),
    "agenda": FaultExample(
        "/v1/me/calendar-feeds",
        Fault(None, "too_many", "You have 10 active feeds. Revoke one of them first."),
    ),
    "assessments": FaultExample(
        "/v1/assessments/{assessment_id}/submit",
        Fault("/risk_level", "risk_level_missing", "Required before the assessment can be submitted."),
    ),
    "care-plans": FaultExample(
        "/v1/care-plans/{plan_id}/submit",
        Fault("/child_view", "child_view_missing", "The child's view of the plan is required."),
    ),
    "cases": FaultExample(
        "/v1/cases/{case_id}/close",
        Fault(None, "exit_plan_not_approved", "The exit plan must be approved by a supervisor."),
    ),
    "children": FaultExample("/v1/children/{child_id}", _NOT_ON_CASE),
    "consents": FaultExample(
        "/v1/consents/{consent_id}/withdraw",
        Fault("/status", "status", "The consent is withdrawn and cannot be withdrawn."),
    ),
    "corrections": FaultExample(
        "/v1/documents/{document_id}/enter-in-error",
        Fault(None, "entered_in_error", "The record was entered in error and cannot be used."),
    ),
    "disbursements": FaultExample(
        "/v1/disbursements/{disbursement_id}/approve",
        Fault("/fund_id", "fund_exhausted", "Insufficient funds on this budget line."),
    ),
    "documents": FaultExample(
        "/v1/cases/{case_id}/documents",
        Fault(
            "/tier",
            "not_your_tier",
            "You cannot read this tier of the case, so you cannot add a document to it.",
        ),
    ),
    "exit": FaultExample(
        "/v1/cases/{case_id}/exit-plan/approve",
        Fault("/ends_on", "ends_on_missing", "The date on which support ends is required."),
    ),
    "funds": FaultExample(
        "/v1/funds/{fund_id}/close",
        Fault(
            None, "money_reserved", "The fund has approved requests that are not paid. Pay or cancel them."
        ),
    ),
    "instruments": FaultExample(
        "/v1/instruments/{instrument_id}",
        Fault(
            "/is_active",
            "replaced",
            "Another edition of this questionnaire is active. Retire that edition first.",
        ),
    ),
    "outreach": FaultExample(
        "/v1/outreach-activities/{outreach_activity_id}",
        Fault(None, "entered_in_error", "The record was entered in error and cannot be used."),
    ),
    "people": FaultExample("/v1/people/{person_id}", _NOT_ON_CASE),
    "referrals": FaultExample(
        "/v1/referrals/{referral_id}/accept",
        Fault("/lead_worker_id", "lead_worker_missing", "The lead worker is required."),
    ),
    "reviews": FaultExample(
        "/v1/reviews/{review_id}/complete",
        Fault("/decision", "decision_missing", "The decision for the case is required."),
    ),
    "service-referrals": FaultExample(
        "/v1/service-referrals/{service_referral_id}/send",
        Fault("/provider_id", "provider_inactive", "The provider is inactive."),
    ),
    "support": FaultExample(
        "/v1/support-sessions/{support_session_id}",
        Fault("/status", "frozen", "The session is held and cannot be edited. Add an addendum instead."),
    ),
}
