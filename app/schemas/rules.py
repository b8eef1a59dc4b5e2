"""Our own rules of input, in sentences: what a refusal says for each code that is not Pydantic's."""

SENTENCES: dict[str, str] = {
    "blank": "Must not be blank.",
    "too_precise": "Must have at most two decimal places.",
    "name_empty": "Needs a family or a given name.",
    "name_missing": "Needs at least one name, or a nickname.",
    "birth_form": "Give either date and precision, or estimated_age and estimated_on.",
    "date_too_early": "Lies before 1900.",
    "consent_missing": "Needs given_by, method, on and scope, or basis_without_consent.",
    "consent_incomplete": "Needs given_by and method, or basis_without_consent.",
    "period_reversed": "Ends before it begins.",
    "safeguarding_unchecked": "Needs safeguarding_checked_on, where safeguarding_valid_until is given.",
    "consent_or_basis": "Needs consent_id or basis_without_consent, and not both.",
    "mood_form": "Give value with of, not above it, or words.",
    "form_without_therapy": "Only therapy has a form.",
    "undated": "Needs planned_at, or held_at.",
    "held_form": "What was held needs held_at; what was missed has none.",
    "missed_form": "What was missed needs planned_at, attendance and missed_reason; nothing else has a missed_reason.",
    "reason_missing": "Needs a reason, where there is no need.",
}
