"""Whether two records may be about one child: a score, and why.

Weights are points that add up to 1. The name carries most. What a household shares (phone, place, caregiver)
is capped, so that brothers and sisters stay apart; a birth that cannot be the same speaks against. A person
always decides: a score only puts a pair before somebody's eyes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.kit.dates import Birth
from app.services.persons.name_matching import Name, comparable, script_of, similarity

THRESHOLD = 0.55
"""From here on a pair is shown as a possible duplicate."""

_NAME, _OTHER_NAME, _NICKNAME = 0.45, -0.10, 0.20
_NICKNAME_BESIDE_NAME = 0.10
_BIRTH_DATE, _BIRTH_RANGE, _BIRTH_CONFLICT = 0.20, 0.15, -0.30
_SEX, _SEX_CONFLICT = 0.05, -0.15
_SAME_PLACE, _NEAR_PLACE, _PHONE, _CAREGIVER, _HOUSEHOLD = 0.10, 0.05, 0.15, 0.15, 0.30
_WITHOUT_NAMES = 1.2
"""Where no name can be compared (one is in Khmer only, the other in Latin), the rest must carry more."""

_UNLIKE, _SIMILAR, _SAME = 0.80, 0.85, 0.995
"""Likeness of names at which it begins to count, is worth saying, and is equality."""

_FITS, _CONTRADICTS = 0.5, 0.25
"""Agreement of births from which it counts, and below which it speaks against."""

_NARROW = 31
"""Days: a birth known this well is strong evidence."""

_COMMUNE, _DISTRICT = 6, 4
"""Digits of a place code (NCDD) that name a commune, a district."""

_Reasons = Iterator[tuple[float, str | None]]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a referral or a record of a child says that may tell who the child is."""

    names: Sequence[Name]
    nickname: str | None
    sex: str | None
    birth: Birth | None
    place_code: str | None
    phones: frozenset[str]
    """E.164; the child's and the caregiver's together."""
    caregiver_names: Sequence[Name]


def resemblance(a: Profile, b: Profile) -> tuple[float, list[str]]:
    """How likely both are one child, 0..1 with two decimals, and the codes of what speaks for and against.

    Codes: name_same, name_similar, nickname_similar, birth_compatible, birth_conflict, sex_same, sex_conflict,
    place_same, place_near, phone_shared, caregiver_similar.
    """
    household = list(_household(a, b))
    reasons = [*_name(a, b), *_birth(a, b), *_sex(a, b), *household]
    surplus = max(0.0, sum(points for points, _ in household) - _HOUSEHOLD)
    score = sum(points for points, _ in reasons) - surplus
    if not comparable(a.names, b.names):
        score *= _WITHOUT_NAMES
    return round(min(1.0, max(0.0, score)), 2), [why for _, why in reasons if why]


def _name(a: Profile, b: Profile) -> _Reasons:
    alike = similarity(a.names, b.names)
    counts = max(0.0, (alike - _UNLIKE) / (1 - _UNLIKE))
    nickname = _nickname_alike(a, b)
    if counts:
        why = "name_same" if alike >= _SAME else "name_similar" if alike >= _SIMILAR else None
        yield _NAME * counts, why
    elif comparable(a.names, b.names) and not nickname:
        yield _OTHER_NAME, None
    if nickname:
        yield (_NICKNAME_BESIDE_NAME if counts else _NICKNAME), "nickname_similar"


def _nickname_alike(a: Profile, b: Profile) -> bool:
    """One's nickname is the other's nickname or given name."""
    ours, theirs = _called(a.nickname), _called(b.nickname)
    pairs = ((ours, theirs), (ours, _given(b)), (_given(a), theirs))
    return any(similarity(one, other) >= _SIMILAR for one, other in pairs)


def _called(nickname: str | None) -> list[Name]:
    return [{"script": script_of(nickname), "family": None, "given": nickname}] if nickname else []


def _given(profile: Profile) -> list[Name]:
    return [{**name, "family": None} for name in profile.names]


def _birth(a: Profile, b: Profile) -> _Reasons:
    if not a.birth or not b.birth:
        return
    agreement = a.birth.overlaps(b.birth)
    if agreement >= _FITS:
        yield (
            agreement * (_BIRTH_DATE if _narrow(a.birth) and _narrow(b.birth) else _BIRTH_RANGE),
            "birth_compatible",
        )
    elif agreement < _CONTRADICTS:
        yield _BIRTH_CONFLICT, "birth_conflict"


def _narrow(birth: Birth) -> bool:
    return (birth.latest - birth.earliest).days < _NARROW


def _sex(a: Profile, b: Profile) -> _Reasons:
    if {a.sex, b.sex} == {"male", "female"}:
        yield _SEX_CONFLICT, "sex_conflict"
    elif a.sex == b.sex and a.sex in {"male", "female"}:
        yield _SEX, "sex_same"


def _household(a: Profile, b: Profile) -> _Reasons:
    yield from _place(a.place_code or "", b.place_code or "")
    if a.phones & b.phones:
        yield _PHONE, "phone_shared"
    if similarity(a.caregiver_names, b.caregiver_names) >= _SIMILAR:
        yield _CAREGIVER, "caregiver_similar"


def _place(a: str, b: str) -> _Reasons:
    """The same as far as both are known, at least to the commune; near within one district."""
    broad, narrow = sorted((a, b), key=len)
    if len(broad) >= _COMMUNE and narrow.startswith(broad):
        yield _SAME_PLACE, "place_same"
    elif len(broad) >= _DISTRICT and broad[:_DISTRICT] == narrow[:_DISTRICT]:
        yield _NEAR_PLACE, "place_near"
