"""Score the similarity of two records that may be about the same child, with reason codes.

The weights add up to 1. The name has the greatest weight. The facts that siblings share (phone, place, caregiver) have
a limited sum, so that siblings are not reported as duplicates. A contradicting birth date reduces the score. The score
only selects pairs for review; staff decide.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.kit.dates import BirthRange
from app.services.persons.name_matching import Name, detect_script, have_common_script, name_similarity

DUPLICATE_THRESHOLD = 0.55
"""Minimum score of a possible duplicate."""

_NAME_WEIGHT, _NAME_CONFLICT_WEIGHT, _NICKNAME_WEIGHT = 0.45, -0.10, 0.20
_NICKNAME_WITH_NAME_WEIGHT = 0.10
_BIRTH_DATE_WEIGHT, _BIRTH_RANGE_WEIGHT, _BIRTH_CONFLICT_WEIGHT = 0.20, 0.15, -0.30
_SEX_WEIGHT, _SEX_CONFLICT_WEIGHT = 0.05, -0.15
_SAME_PLACE_WEIGHT, _NEAR_PLACE_WEIGHT, _PHONE_WEIGHT, _CAREGIVER_WEIGHT, _MAX_HOUSEHOLD_WEIGHT = (
    0.10,
    0.05,
    0.15,
    0.15,
    0.30,
)
_NO_COMMON_SCRIPT_FACTOR = 1.2
"""Factor for two records without names in a common script. The other facts then have more weight."""

_MIN_NAME_SIMILARITY, _SIMILAR_NAME_THRESHOLD, _SAME_NAME_THRESHOLD = 0.80, 0.85, 0.995
"""Lowest similarities of names that increase the score, that have the reason code `name_similar`, and that have
`name_same`.
"""

_BIRTH_MATCH_THRESHOLD, _BIRTH_CONFLICT_THRESHOLD = 0.5, 0.25
"""Similarity of birth dates from which the score is increased, and below which it is reduced."""

_PRECISE_BIRTH_DAYS = 31
"""Maximum length in days of a range of possible birth dates that counts as precise."""

_COMMUNE_DIGITS, _DISTRICT_DIGITS = 6, 4
"""Number of digits of the NCDD code of a commune and of a district."""

_ScoredReasons = Iterator[tuple[float, str | None]]


@dataclass(frozen=True, slots=True)
class IdentityProfile:
    """The facts about the child of a referral or of a child record that are compared."""

    names: Sequence[Name]
    nickname: str | None
    sex: str | None
    birth: BirthRange | None
    place_code: str | None
    phones: frozenset[str]
    """Phone numbers of the child and of the contacts, in E.164."""
    caregiver_names: Sequence[Name]


def score_similarity(a: IdentityProfile, b: IdentityProfile) -> tuple[float, list[str]]:
    """Return the score of two profiles, 0 to 1 with two decimals, and the reason codes for and against a match.

    Codes: name_same, name_similar, nickname_similar, birth_compatible, birth_conflict, sex_same, sex_conflict,
    place_same, place_near, phone_shared, caregiver_similar.
    """
    household = list(_score_household(a, b))
    reasons = [*_score_name(a, b), *_score_birth(a, b), *_score_sex(a, b), *household]
    surplus = max(0.0, sum(points for points, _ in household) - _MAX_HOUSEHOLD_WEIGHT)
    score = sum(points for points, _ in reasons) - surplus
    if not have_common_script(a.names, b.names):
        score *= _NO_COMMON_SCRIPT_FACTOR
    return round(min(1.0, max(0.0, score)), 2), [code for _, code in reasons if code]


def _score_name(a: IdentityProfile, b: IdentityProfile) -> _ScoredReasons:
    similarity = name_similarity(a.names, b.names)
    strength = max(0.0, (similarity - _MIN_NAME_SIMILARITY) / (1 - _MIN_NAME_SIMILARITY))
    is_nickname_similar = _is_nickname_similar(a, b)
    if strength:
        yield _NAME_WEIGHT * strength, _name_reason(similarity)
    elif have_common_script(a.names, b.names) and not is_nickname_similar:
        yield _NAME_CONFLICT_WEIGHT, None
    if is_nickname_similar:
        yield (_NICKNAME_WITH_NAME_WEIGHT if strength else _NICKNAME_WEIGHT), "nickname_similar"


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
    if not a.birth or not b.birth:
        return
    similarity = a.birth.similarity_to(b.birth)
    if similarity >= _BIRTH_MATCH_THRESHOLD:
        are_precise = _is_precise_birth(a.birth) and _is_precise_birth(b.birth)
        weight = _BIRTH_DATE_WEIGHT if are_precise else _BIRTH_RANGE_WEIGHT
        yield similarity * weight, "birth_compatible"
    elif similarity < _BIRTH_CONFLICT_THRESHOLD:
        yield _BIRTH_CONFLICT_WEIGHT, "birth_conflict"


def _is_precise_birth(birth: BirthRange) -> bool:
    return (birth.latest - birth.earliest).days < _PRECISE_BIRTH_DAYS


def _score_sex(a: IdentityProfile, b: IdentityProfile) -> _ScoredReasons:
    if {a.sex, b.sex} == {"male", "female"}:
        yield _SEX_CONFLICT_WEIGHT, "sex_conflict"
    elif a.sex == b.sex and a.sex in {"male", "female"}:
        yield _SEX_WEIGHT, "sex_same"


def _score_household(a: IdentityProfile, b: IdentityProfile) -> _ScoredReasons:
    yield from _score_place(a.place_code or "", b.place_code or "")
    if a.phones & b.phones:
        yield _PHONE_WEIGHT, "phone_shared"
    if name_similarity(a.caregiver_names, b.caregiver_names) >= _SIMILAR_NAME_THRESHOLD:
        yield _CAREGIVER_WEIGHT, "caregiver_similar"


def _score_place(a: str, b: str) -> _ScoredReasons:
    """Compare two place codes.

    They are the same if they agree down to at least the commune, and near if they are in the same district.
    """
    shorter, longer = sorted((a, b), key=len)
    if len(shorter) >= _COMMUNE_DIGITS and longer.startswith(shorter):
        yield _SAME_PLACE_WEIGHT, "place_same"
    elif len(shorter) >= _DISTRICT_DIGITS and shorter[:_DISTRICT_DIGITS] == longer[:_DISTRICT_DIGITS]:
        yield _NEAR_PLACE_WEIGHT, "place_near"
