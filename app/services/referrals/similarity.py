"""Whether two records may be about one child: a score, and why.

Weights are points that add up to 1. The name carries most. What a household shares (phone, place, caregiver)
is capped, so that brothers and sisters stay apart; a birth that cannot be the same speaks against. A person
always decides: a score only puts a pair before somebody's eyes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.kit.dates import BirthRange
from app.services.persons.name_matching import Name, detect_script, have_common_script, name_similarity

DUPLICATE_THRESHOLD = 0.55
"""From here on a pair is shown as a possible duplicate."""

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
"""Where no name can be compared (one is in Khmer only, the other in Latin), the rest must carry more."""

_MIN_NAME_SIMILARITY, _SIMILAR_NAME_THRESHOLD, _SAME_NAME_THRESHOLD = 0.80, 0.85, 0.995
"""Likeness of names at which it begins to count, is worth saying, and is equality."""

_BIRTH_MATCH_THRESHOLD, _BIRTH_CONFLICT_THRESHOLD = 0.5, 0.25
"""Agreement of births from which it counts, and below which it speaks against."""

_PRECISE_BIRTH_DAYS = 31
"""Days: a birth known this well is strong evidence."""

_COMMUNE_DIGITS, _DISTRICT_DIGITS = 6, 4
"""Digits of a place code (NCDD) that name a commune, a district."""

_ScoredReasons = Iterator[tuple[float, str | None]]


@dataclass(frozen=True, slots=True)
class IdentityProfile:
    """What a referral or a record of a child says that may tell who the child is."""

    names: Sequence[Name]
    nickname: str | None
    sex: str | None
    birth: BirthRange | None
    place_code: str | None
    phones: frozenset[str]
    """E.164; the child's and the caregiver's together."""
    caregiver_names: Sequence[Name]


def score_similarity(a: IdentityProfile, b: IdentityProfile) -> tuple[float, list[str]]:
    """How likely both are one child, 0..1 with two decimals, and the codes of what speaks for and against.

    Codes: name_same, name_similar, nickname_similar, birth_compatible, birth_conflict, sex_same, sex_conflict,
    place_same, place_near, phone_shared, caregiver_similar.
    """
    household = list(_score_household(a, b))
    reasons = [*_score_name(a, b), *_score_birth(a, b), *_score_sex(a, b), *household]
    surplus = max(0.0, sum(points for points, _ in household) - _MAX_HOUSEHOLD_WEIGHT)
    score = sum(points for points, _ in reasons) - surplus
    if not have_common_script(a.names, b.names):
        score *= _NO_COMMON_SCRIPT_FACTOR
    return round(min(1.0, max(0.0, score)), 2), [why for _, why in reasons if why]


def _score_name(a: IdentityProfile, b: IdentityProfile) -> _ScoredReasons:
    alike = name_similarity(a.names, b.names)
    counts = max(0.0, (alike - _MIN_NAME_SIMILARITY) / (1 - _MIN_NAME_SIMILARITY))
    nickname = _is_nickname_similar(a, b)
    if counts:
        why = (
            "name_same"
            if alike >= _SAME_NAME_THRESHOLD
            else "name_similar"
            if alike >= _SIMILAR_NAME_THRESHOLD
            else None
        )
        yield _NAME_WEIGHT * counts, why
    elif have_common_script(a.names, b.names) and not nickname:
        yield _NAME_CONFLICT_WEIGHT, None
    if nickname:
        yield (_NICKNAME_WITH_NAME_WEIGHT if counts else _NICKNAME_WEIGHT), "nickname_similar"


def _is_nickname_similar(a: IdentityProfile, b: IdentityProfile) -> bool:
    """One's nickname is the other's nickname or given name."""
    ours, theirs = _nickname_as_name(a.nickname), _nickname_as_name(b.nickname)
    pairs = ((ours, theirs), (ours, _given_names(b)), (_given_names(a), theirs))
    return any(name_similarity(one, other) >= _SIMILAR_NAME_THRESHOLD for one, other in pairs)


def _nickname_as_name(nickname: str | None) -> list[Name]:
    return [{"script": detect_script(nickname), "family": None, "given": nickname}] if nickname else []


def _given_names(profile: IdentityProfile) -> list[Name]:
    return [{**name, "family": None} for name in profile.names]


def _score_birth(a: IdentityProfile, b: IdentityProfile) -> _ScoredReasons:
    if not a.birth or not b.birth:
        return
    agreement = a.birth.similarity_to(b.birth)
    if agreement >= _BIRTH_MATCH_THRESHOLD:
        yield (
            agreement
            * (
                _BIRTH_DATE_WEIGHT
                if _is_precise_birth(a.birth) and _is_precise_birth(b.birth)
                else _BIRTH_RANGE_WEIGHT
            ),
            "birth_compatible",
        )
    elif agreement < _BIRTH_CONFLICT_THRESHOLD:
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
    """The same as far as both are known, at least to the commune; near within one district."""
    broad, narrow = sorted((a, b), key=len)
    if len(broad) >= _COMMUNE_DIGITS and narrow.startswith(broad):
        yield _SAME_PLACE_WEIGHT, "place_same"
    elif len(broad) >= _DISTRICT_DIGITS and broad[:_DISTRICT_DIGITS] == narrow[:_DISTRICT_DIGITS]:
        yield _NEAR_PLACE_WEIGHT, "place_near"
