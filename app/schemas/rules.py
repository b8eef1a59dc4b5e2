"""Our own rules of input, in sentences: what a refusal says for each code that is not Pydantic's."""

SENTENCES: dict[str, str] = {
    "blank": "Must not be blank.",
    "name_empty": "Needs a family or a given name.",
    "name_missing": "Needs at least one name, or a nickname.",
    "birth_form": "Give either date and precision, or estimated_age and estimated_on.",
    "date_too_early": "Lies before 1900.",
    "consent_missing": "Needs given_by, method, on and scope, or basis_without_consent.",
    "consent_incomplete": "Needs given_by and method, or basis_without_consent.",
    "period_reversed": "Ends before it begins.",
}
