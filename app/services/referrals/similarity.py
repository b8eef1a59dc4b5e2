"""Score the similarity of two records that may be about the same child, with reason codes.

The positive weights add up to 1. The name has the greatest weight. The facts that siblings share (phone, place, caregiver)
have a limited sum, so that siblings are not reported as duplicates. A contradicting fact reduces the score, but no single
one excludes a child whose name, caregiver and phone agree. Two children with different given names are never a likely
duplicate, because twins have the same birth date and household. The score only selects pairs for review; staff decide.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.services.persons.given_names import (
    GivenNameAgreement,
    compare_given_names,
    have_full_name,
    have_similar_family_names,
)
from app.services.persons.name_similarity import Name, name_similarity
from app.services.referrals.birth_similarity import BirthAgreement, compare_births
from app.services.referrals.identity_profiles import IdentityProfile
from app.text_folding import detect_script

DUPLICATE_THRESHOLD = 0.55
"""Minimum score of a possible duplicate."""
LIKELY_THRESHOLD = 0.75
"""Minimum score of a likely duplicate: the same name, and for example the same birth date and sex or place."""

_NAME_WEIGHT, _NAME_CONFLICT_WEIGHT, _NICKNAME_WEIGHT = 0.45, -0.10, 0.20
_NICKNAME_WITH_NAME_WEIGHT = 0.10
_BIRTH_WEIGHTS = {
    BirthAgreement.precise: 0.20,
    BirthAgreement.compatible: 0.15,
    BirthAgreement.near: 0.05,
    BirthAgreement.conflict: -0.20,
}
_SEX_WEIGHT, _SEX_CONFLICT_WEIGHT = 0.05, -0.15
_SAME_PLACE_WEIGHT, _NEAR_PLACE_WEIGHT, _PLACE_CONFLICT_WEIGHT = 0.10, 0.05, -0.05
_PHONE_WEIGHT, _CAREGIVER_WEIGHT, _CAREGIVER_CONFLICT_WEIGHT = 0.15, 0.15, -0.10
_MAX_HOUSEHOLD_WEIGHT = 0.30
_HOUSEHOLD_WEIGHTS = {
    "phone_shared": _PHONE_WEIGHT,
    "caregiver_similar": _CAREGIVER_WEIGHT,
    "place_same": _SAME_PLACE_WEIGHT,
}
"""Reason codes of the facts that show one household, and their parts of the score of a household."""
_CONTACT_CODES = frozenset({"caregiver_similar", "phone_shared"})
_AGREEMENT_CODES = _CONTACT_CODES | {"place_same", "birth_compatible", "sex_same"}
_SUFFICIENT_AGREEMENTS = 3
"""Number of agreeing facts, one of them a contact, that identify a child with the same name. Both contacts are sufficient."""

_MIN_NAME_SIMILARITY, _SIMILAR_NAME_THRESHOLD, _SAME_NAME_THRESHOLD = 0.80, 0.85, 0.995
"""Lowest similarities of names that increase the score, that have the reason code `name_similar`, and that have
`name_same`.
"""
_CERTAIN_NAME_SIMILARITY = 0.93
"""Similarity of two spellings of one name, and the lowest similarity of names that can differ by a typing error."""
_VILLAGE_DIGITS, _COMMUNE_DIGITS, _DISTRICT_DIGITS, _PROVINCE_DIGITS = 8, 6, 4, 2
"""Number of digits of the NCDD code of a village, a commune, a district and a province."""

_ScoredReason: TypeAlias = tuple[float, str | None]
"""Points, and the reason code if there is one."""
_ScoredReasons: TypeAlias = Iterator[_ScoredReason]


@dataclass(frozen=True, slots=True)
class ProfileMatch:
    """Two records that may be about the same child or, with `is_household`, about two children of one household."""

    score: float
    reasons: list[str]
    is_household: bool


def score_similarity(a: IdentityProfile, b: IdentityProfile) -> tuple[float, list[str]]:
    """Return the score of two profiles, 0 to 1 with two decimals, and the reason codes for and against a match.

    Codes: name_same, name_similar, given_name_conflict, family_name_conflict, nickname_similar, birth_compatible, birth_near,
    birth_conflict, sex_same, sex_conflict, place_same, place_near, place_conflict, phone_shared, caregiver_similar.
    """
    household = list(_score_household(a, b))
    similarity, given_names = _compare_names(a, b, has_common_fact=bool(household))
    names = _score_name(a, b, similarity, given_names)
    return _sum_scores(a, b, names, similarity, given_names, household)


def compare_profiles(a: IdentityProfile, b: IdentityProfile) -> ProfileMatch | None:
    """Return how two profiles match, or None if they are neither a possible duplicate nor of one household.

    Below the threshold, profiles match if two of the phone, the caregiver and the commune agree: they are different children of
    one household, for example if the birth date is far off and the sex differs. The score of such a match consists of these
    three facts only, because the same name of another child is no evidence about the household.
    """
    if not can_match(a, b):
        return None
    score, reasons = score_similarity(a, b)
    if score >= DUPLICATE_THRESHOLD:
        return ProfileMatch(score, reasons, is_household=False)
    if is_same_household(reasons):
        points = sum(weight for code, weight in _HOUSEHOLD_WEIGHTS.items() if code in reasons)
        return ProfileMatch(round(points, 2), reasons, is_household=True)
    return None


def can_match(a: IdentityProfile, b: IdentityProfile) -> bool:
    """Return whether two profiles can match if everything that is not compared here agrees.

    The names of most candidates are not compared, because the other facts exclude them.
    """
    has_nickname = bool(a.nickname or b.nickname)
    if not _can_reach(a, b, _NAME_WEIGHT + _NICKNAME_WITH_NAME_WEIGHT * has_nickname):
        return False
    is_name_similar = name_similarity(a.names, b.names) > _MIN_NAME_SIMILARITY
    return is_name_similar or _can_reach(a, b, _NICKNAME_WEIGHT * has_nickname)


def _can_reach(a: IdentityProfile, b: IdentityProfile, name_points: float) -> bool:
    """Return whether the best case with these points for the names is similar or the same household."""
    household = [*_score_place(a.place_code or "", b.place_code or ""), *_score_phones(a, b)]
    if a.caregiver_names and b.caregiver_names:
        household.append((_CAREGIVER_WEIGHT, "caregiver_similar"))
    score, codes = _sum_scores(a, b, [(name_points, None)], 1.0, GivenNameAgreement.same, household)
    return score >= DUPLICATE_THRESHOLD or is_same_household(codes)


def _sum_scores(
    a: IdentityProfile,
    b: IdentityProfile,
    names: Iterable[_ScoredReason],
    similarity: float,
    given_names: GivenNameAgreement,
    household: Sequence[_ScoredReason],
) -> tuple[float, list[str]]:
    """Return the score and the reason codes. They also depend on the birth dates and on the sex."""
    reasons = [*names, *_score_birth(a, b), *_score_sex(a, b), *household]
    surplus = max(0.0, sum(points for points, _ in household) - _MAX_HOUSEHOLD_WEIGHT)
    score = sum(points for points, _ in reasons) - surplus
    codes = [code for _, code in reasons if code]
    if _is_certain_identity(similarity, given_names, codes) or _is_known_given_name(a, b, given_names, codes):
        score = max(score, DUPLICATE_THRESHOLD)
    if "given_name_conflict" in codes:
        score = min(score, LIKELY_THRESHOLD - 0.01)
    return round(min(1.0, max(0.0, score)), 2), codes


def is_same_household(codes: Iterable[str]) -> bool:
    """Return whether the reason codes show the same household: two of phone, caregiver and commune, not only the place."""
    return len(_HOUSEHOLD_WEIGHTS.keys() & set(codes)) > 1


def _is_certain_identity(similarity: float, given_names: GivenNameAgreement, codes: Sequence[str]) -> bool:
    """Return whether the name, the caregiver or phone and other facts agree, and at most one fact contradicts.

    The family name can be the contradicting fact, because a child can have the family name of either parent.
    """
    is_name_same = (
        (given_names is GivenNameAgreement.same and similarity >= _SIMILAR_NAME_THRESHOLD)
        or (given_names is GivenNameAgreement.unclear and similarity >= _CERTAIN_NAME_SIMILARITY)
        or "family_name_conflict" in codes
    )
    contacts, agreements = _CONTACT_CODES.intersection(codes), _AGREEMENT_CODES.intersection(codes)
    is_sufficient = contacts == _CONTACT_CODES or (contacts and len(agreements) >= _SUFFICIENT_AGREEMENTS)
    return bool(is_name_same and is_sufficient and _count_conflicts(codes) <= 1)


def _is_known_given_name(
    a: IdentityProfile, b: IdentityProfile, given_names: GivenNameAgreement, codes: Sequence[str]
) -> bool:
    """Return whether the given names agree, a family name is unknown, and more household facts agree than facts contradict.

    The caregiver, the phone and the village each count as one agreement. At most one fact may contradict.
    """
    is_village_same = a.place_code == b.place_code and len(a.place_code or "") == _VILLAGE_DIGITS
    agreements, conflicts = len(_CONTACT_CODES.intersection(codes)) + is_village_same, _count_conflicts(codes)
    if given_names is not GivenNameAgreement.same or conflicts > 1 or agreements <= conflicts:
        return False
    return not (have_full_name(a.names) and have_full_name(b.names))


def _count_conflicts(codes: Sequence[str]) -> int:
    """Return the number of contradicting facts. A birth date that can be a writing error does not count."""
    conflicts = sum(code.endswith("_conflict") for code in codes)
    return conflicts - ("birth_near" in codes)


def _score_name(
    a: IdentityProfile, b: IdentityProfile, similarity: float, given_names: GivenNameAgreement
) -> _ScoredReasons:
    is_other_name = given_names is GivenNameAgreement.different
    strength = max(0.0, (similarity - _MIN_NAME_SIMILARITY) / (1 - _MIN_NAME_SIMILARITY))
    strength = 0.0 if is_other_name else strength
    is_nickname_similar = _is_nickname_similar(a, b)
    if strength:
        yield _NAME_WEIGHT * strength, _name_reason(similarity)
    elif a.names and b.names and not is_nickname_similar:
        yield _NAME_CONFLICT_WEIGHT, None
    if is_other_name or given_names is GivenNameAgreement.unclear:
        yield 0.0, "given_name_conflict"
    elif given_names is GivenNameAgreement.same and not have_similar_family_names(a.names, b.names):
        yield 0.0, "family_name_conflict"
    if is_nickname_similar:
        yield (_NICKNAME_WITH_NAME_WEIGHT if strength else _NICKNAME_WEIGHT), "nickname_similar"


def _compare_names(
    a: IdentityProfile, b: IdentityProfile, *, has_common_fact: bool
) -> tuple[float, GivenNameAgreement]:
    """Return the similarity of the names, which is not lower for unusual spellings (Makara, Mokara), and that of the given names.

    The given names of different names without a common fact are not compared, because most candidates are such children.
    """
    similarity = name_similarity(a.names, b.names)
    if similarity < _MIN_NAME_SIMILARITY and not has_common_fact:
        return similarity, GivenNameAgreement.unknown
    given_names = compare_given_names(a.names, b.names)
    are_full_names = have_full_name(a.names) and have_full_name(b.names)
    if given_names is GivenNameAgreement.same and are_full_names and similarity >= _SIMILAR_NAME_THRESHOLD:
        similarity = max(similarity, _CERTAIN_NAME_SIMILARITY)
    return similarity, given_names


def _name_reason(similarity: float) -> str | None:
    if similarity >= _SAME_NAME_THRESHOLD:
        return "name_same"
    return "name_similar" if similarity >= _SIMILAR_NAME_THRESHOLD else None


def _is_nickname_similar(a: IdentityProfile, b: IdentityProfile) -> bool:
    """Return whether the nickname of one record is similar to the nickname or given name of the other."""
    a_nickname, b_nickname = _nickname_as_name(a.nickname), _nickname_as_name(b.nickname)
    pairs = ((a_nickname, b_nickname), (a_nickname, _given_names(b)), (_given_names(a), b_nickname))
    return any(name_similarity(*pair) >= _SIMILAR_NAME_THRESHOLD for pair in pairs)


def _nickname_as_name(nickname: str | None) -> list[Name]:
    return [{"script": detect_script(nickname), "family": None, "given": nickname}] if nickname else []


def _given_names(profile: IdentityProfile) -> list[Name]:
    return [{**name, "family": None} for name in profile.names]


def _score_birth(a: IdentityProfile, b: IdentityProfile) -> _ScoredReasons:
    """Score the birth dates. Different dates that can be a writing error agree weakly, and are a conflict for the reader."""
    if not a.birth or not b.birth:
        return
    agreement, similarity = compare_births(a.birth, b.birth)
    if agreement in {BirthAgreement.precise, BirthAgreement.compatible}:
        yield similarity * _BIRTH_WEIGHTS[agreement], "birth_compatible"
    elif agreement is BirthAgreement.near:
        yield _BIRTH_WEIGHTS[agreement], "birth_near"
        yield 0.0, "birth_conflict"
    elif agreement is BirthAgreement.conflict:
        yield _BIRTH_WEIGHTS[agreement], "birth_conflict"


def _score_sex(a: IdentityProfile, b: IdentityProfile) -> _ScoredReasons:
    if {a.sex, b.sex} == {"male", "female"}:
        yield _SEX_CONFLICT_WEIGHT, "sex_conflict"
    elif a.sex == b.sex and a.sex in {"male", "female"}:
        yield _SEX_WEIGHT, "sex_same"


def _score_household(a: IdentityProfile, b: IdentityProfile) -> _ScoredReasons:
    yield from _score_place(a.place_code or "", b.place_code or "")
    yield from _score_phones(a, b)
    if a.caregiver_names and b.caregiver_names:
        if name_similarity(a.caregiver_names, b.caregiver_names) >= _SIMILAR_NAME_THRESHOLD:
            yield _CAREGIVER_WEIGHT, "caregiver_similar"
        elif not a.phones & b.phones:
            yield _CAREGIVER_CONFLICT_WEIGHT, None


def _score_phones(a: IdentityProfile, b: IdentityProfile) -> _ScoredReasons:
    if a.phones & b.phones:
        yield _PHONE_WEIGHT, "phone_shared"


def _score_place(a: str, b: str) -> _ScoredReasons:
    """Compare two place codes.

    They are the same if they agree down to at least the commune, and near if they are in the same district. Different
    provinces contradict, but children move.
    """
    shorter, longer = sorted((a, b), key=len)
    if len(shorter) >= _COMMUNE_DIGITS and longer.startswith(shorter):
        yield _SAME_PLACE_WEIGHT, "place_same"
    elif len(shorter) >= _DISTRICT_DIGITS and shorter[:_DISTRICT_DIGITS] == longer[:_DISTRICT_DIGITS]:
        yield _NEAR_PLACE_WEIGHT, "place_near"
    elif len(shorter) >= _PROVINCE_DIGITS and shorter[:_PROVINCE_DIGITS] != longer[:_PROVINCE_DIGITS]:
        yield _PLACE_CONFLICT_WEIGHT, "place_conflict"
