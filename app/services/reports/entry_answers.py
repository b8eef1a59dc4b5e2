"""The answers about a child at the entry of a case, which are stored encrypted.

The answer of the referral that opened the case counts first, because later changes of the child's record do not change the
state at the entry. The record of the child counts if the referral has no answer, or if no referral opened the case.
"""

from collections.abc import Mapping
from typing import Any

from app.models import Child, Referral
from app.models.contents import StoredDisability, StoredSchool
from app.services.reports.definition import NOT_ASKED, UNKNOWN

SEVERE_LEVELS = frozenset({"a_lot", "cannot_do"})
"""Levels that are a disability, by the recommendation of the Washington Group: in at least one domain."""


def classify_entry(fact: Mapping[str, Any]) -> dict[str, str]:
    """Return the code of each dimension for a case. Its encrypted columns are decrypted."""
    record: Mapping[str, Any] = Child.identity.decrypt(fact["child_id"], fact["identity"])
    referral: Mapping[str, Any] = {}
    if fact["content"] is not None:
        referral = Referral.content.decrypt(fact["referral_id"], fact["content"])["child"]
    answers: dict[str, Any] = {
        name: record.get(name) if referral.get(name) is None else referral[name]
        for name in ("disability", "gender_identity", "school", "idpoor")
    }
    return {
        "disability": classify_disability(answers["disability"]),
        "gender_identity": answers["gender_identity"] or NOT_ASKED,
        "school": classify_school(answers["school"]),
        "idpoor": answers["idpoor"] or NOT_ASKED,
    }


def classify_disability(answer: StoredDisability | None) -> str:
    """Return the code of the answers to the short set of questions."""
    if answer is None:
        return NOT_ASKED
    levels = set(answer["difficulties"].values())
    if levels & SEVERE_LEVELS:
        return "with_disability"
    if "some" in levels:
        return "some_difficulty"
    return UNKNOWN if answer["has_difficulty"] else "no_difficulty"


def classify_school(answer: StoredSchool | None) -> str:
    """Return the code of the school attendance."""
    return NOT_ASKED if answer is None else answer["status"]
