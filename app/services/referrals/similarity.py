"""Score the similarity of two records that may be about the same child, with reason codes.

The positive weights add up to 1. The name has the greatest weight. The facts that siblings share (phone, place, caregiver)
have a limited sum, so that siblings are not reported as duplicates. A contradicting fact reduces the score, but no single
one excludes a child whose name, caregiver and phone agree. The score only selects pairs for review; staff decide.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.kit.dates import BirthRange
from app.services.persons.name_matching import have_same_consonants
from app.services.persons.name_similarity import Name, name_similarity
from app.services.referrals.birth_similarity import BirthAgreement, compare_births
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
_CERTAIN_IDENTITY = frozenset({"caregiver_similar", "phone_shared"})
"""Reasons that, together with a similar name, keep the score at the threshold if only one other fact contradicts."""

_MIN_NAME_SIMILARITY, _SIMILAR_NAME_THRESHOLD, _SAME_NAME_THRESHOLD = 0.80, 0.85, 0.995
"""Lowest similarities of names that increase the score, that have the reason code `name_similar`, and that have
`name_same`.
"""
_CERTAIN_NAME_SIMILARITY = 0.93
"""Lowest similarity of names of one child that have different consonants. Siblings can have a lower one."""
_COMMUNE_DIGITS, _DISTRICT_DIGITS, _PROVINCE_DIGITS = 6, 4, 2
"""Number of digits of the NCDD code of a commune, a district and a province."""

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

    Codes: name_same, name_similar, nickname_similar, birth_compatible, birth_near, birth_conflict, sex_same,
    sex_conflict, place_same, place_near, place_conflict, phone_shared, caregiver_similar.
    """
    similarity = name_similarity(a.names, b.names)
    household = list(_score_household(a, b))
    reasons = [*_score_name(a, b, similarity), *_score_birth(a, b), *_score_sex(a, b), *household]
    surplus = max(0.0, sum(points for points, _ in household) - _MAX_HOUSEHOLD_WEIGHT)
    score = sum(points for points, _ in reasons) - surplus
    codes = [code for _, code in reasons if code]
    if _is_certain_identity(a, b, similarity, codes):
        score = max(score, DUPLICATE_THRESHOLD)
    return round(min(1.0, max(0.0, score)), 2), codes


def is_same_household(codes: Iterable[str]) -> bool:
    """Return whether the reason codes show the same household: two of phone, caregiver and commune, not only the place."""
    shared = {"phone_shared", "caregiver_similar", "place_same"}.intersection(codes)
    return len(shared) > 1


def _is_certain_identity(
    a: IdentityProfile, b: IdentityProfile, similarity: float, codes: Sequence[str]
) -> bool:
    """Return whether name, caregiver and phone agree, and at most one other fact contradicts."""
    conflicts = [code for code in codes if code.endswith("_conflict")]
    is_name_similar = similarity >= _CERTAIN_NAME_SIMILARITY or (
        similarity >= _SIMILAR_NAME_THRESHOLD and have_same_consonants(a.names, b.names)
    )
    return is_name_similar and _CERTAIN_IDENTITY.issubset(codes) and len(conflicts) <= 1


def _score_name(a: IdentityProfile, b: IdentityProfile, similarity: float) -> _ScoredReasons:
    strength = max(0.0, (similarity - _MIN_NAME_SIMILARITY) / (1 - _MIN_NAME_SIMILARITY))
    is_nickname_similar = _is_nickname_similar(a, b)
    if strength:
        yield _NAME_WEIGHT * strength, _name_reason(similarity)
    elif a.names and b.names and not is_nickname_similar:
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
    if a.phones & b.phones:
        yield _PHONE_WEIGHT, "phone_shared"
    if a.caregiver_names and b.caregiver_names:
        if name_similarity(a.caregiver_names, b.caregiver_names) >= _SIMILAR_NAME_THRESHOLD:
            yield _CAREGIVER_WEIGHT, "caregiver_similar"
        elif not a.phones & b.phones:
            yield _CAREGIVER_CONFLICT_WEIGHT, None


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
