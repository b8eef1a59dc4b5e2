"""Texts of the OpenAPI document that do not belong to one schema: examples and descriptions of path parameters.

A field is described by `Field(description=...)`. `examples/*.json` contain request bodies by schema, or by operation if
the body is a form.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_SCHEMAS_DIRECTORY = Path(__file__).parent

PATH_PARAMETER_DESCRIPTIONS: Mapping[str, str] = {
    "action_id": "Id of the action.",
    "agency_id": "Id of the agency.",
    "alert_id": "Id of the alert.",
    "area": "Area of the care plan.",
    "assessment_id": "Id of the assessment.",
    "case_id": "Id of the case.",
    "change_id": "Id of the pending change.",
    "child_id": "Id of the child.",
    "client_id": "Id of the API client.",
    "code": "NCDD code of the place.",
    "case_link_id": "Id of the link between two cases.",
    "case_sibling_id": "Id of the pair of cases of siblings.",
    "consent_id": "Id of the entry of the consent register.",
    "deposit_id": "Id of the deposit.",
    "disbursement_id": "Id of the disbursement.",
    "document_id": "Id of the document.",
    "feedback_id": "Id of the feedback.",
    "feed_id": "Id of the calendar feed.",
    "first_day": "First day of the period.",
    "follow_up_id": "Id of the follow-up.",
    "fund_id": "Id of the fund.",
    "goal_id": "Id of the goal.",
    "grant_id": "Id of the grant.",
    "instrument_id": "Id of the edition of the questionnaire.",
    "last_day": "Last day of the period.",
    "legal_step_id": "Id of the legal step.",
    "outreach_activity_id": "Id of the outreach activity.",
    "supervision_action_id": "Id of the agreed action.",
    "supervision_meeting_id": "Id of the supervision meeting.",
    "outreach_attachment_id": "Id of the attachment of an outreach activity.",
    "name": "Name of the code list.",
    "person_id": "Id of the person.",
    "plan_id": "Id of the care plan.",
    "provider_id": "Id of the provider.",
    "referral_id": "Id of the referral.",
    "release_id": "Id of the release.",
    "review_id": "Id of the review.",
    "secret_id": "Id of the client secret.",
    "service_referral_id": "Id of the service referral.",
    "session_id": "Id of the sign-in session.",
    "support_session_id": "Id of the support session.",
    "team_id": "Id of the team.",
    "transfer_id": "Id of the transfer.",
    "user_id": "Id of the staff member.",
}


@cache
def load_examples() -> Mapping[str, dict[str, Any]]:
    """Return the examples of request bodies by schema. Each example has a name, a summary and a value."""
    examples: dict[str, dict[str, Any]] = {}
    for path in sorted((_SCHEMAS_DIRECTORY / "examples").glob("*.json")):
        examples |= json.loads(path.read_bytes())
    return examples
