"""Similarity of profiles: above the threshold for the same child, below it for siblings and namesakes."""

import random
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.dates import BirthRange
from app.services.persons.name_similarity import Name
from app.services.referrals.identity_profiles import IdentityProfile
from app.services.referrals.similarity import (
    DUPLICATE_THRESHOLD,
    LIKELY_THRESHOLD,
    can_match,
    compare_profiles,
    is_same_household,
    score_similarity,
)
from bench.identity_names import SIMILAR_GIVEN_NAMES

MARGIN = 0.1
"""Distance from the threshold that makes a score certain."""

REASON_CODES = {
    "name_same",
    "name_similar",
    "given_name_conflict",
    "family_name_conflict",
    "nickname_similar",
    "birth_compatible",
    "birth_near",
    "birth_conflict",
    "sex_same",
    "sex_conflict",
    "place_same",
    "place_near",
    "place_conflict",
    "phone_shared",
    "caregiver_similar",
}


def latin(family: str | None, given_name: str | None) -> Name:
    return {"script": "latin", "family": family, "given": given_name}


def khmer(family: str | None, given_name: str | None) -> Name:
    return {"script": "khmer", "family": family, "given": given_name}


def build_estimated_birth(age: int, on: str = "2026-11-14") -> BirthRange:
    return BirthRange.from_details({"estimated_age": age, "estimated_on": on})


def build_birth(day: str, precision: str = "day") -> BirthRange:
    return BirthRange.from_details({"date": day, "precision": precision})


def build_profile(*names: Name, **changes: Any) -> IdentityProfile:
    facts: dict[str, Any] = {
        "nickname": None,
        "sex": None,
        "birth": None,
        "place_code": None,
        "phones": frozenset(),
        "caregiver_names": (),
    }
    return IdentityProfile(names=names, **(facts | changes))


SIEM_REAP = build_profile(
    khmer("សុខ", "វិចិត្រ"),
    latin("Sok", "Vichet"),
    nickname="Chet",
    sex="male",
    birth=build_birth("2016-03-01", "month"),
    place_code="17100901",
    phones=frozenset({"+85512345678"}),
    caregiver_names=[khmer("ជា", "ស្រីមុំ")],
)
ESTIMATED = build_profile(
    latin("Chan", "Dara"),
    nickname="ដារ៉ា",
    sex="male",
    birth=build_estimated_birth(13, "2026-11-01"),
    place_code="0203",
    phones=frozenset({"+855977001122"}),
    caregiver_names=[latin("Chan", "Sophal")],
)
EMERGENCY = build_profile(
    nickname="Srey Touch", sex="female", birth=build_estimated_birth(7, "2026-11-19"), place_code="12"
)
EIGHTEEN = build_profile(
    khmer("លី", "សុភា"),
    latin("Ly", "Sophea"),
    sex="female",
    birth=build_birth("2008-02-29"),
    place_code="171009",
)
OTHER_SPELLING = build_profile(
    latin("Sokh", "Vicheth"),
    sex="male",
    birth=build_estimated_birth(10),
    place_code="171009",
    phones=frozenset({"+85512345678"}),
    caregiver_names=[latin("Chea", "Srey Mom")],
)
SAMPLES = [SIEM_REAP, ESTIMATED, EMERGENCY, EIGHTEEN, OTHER_SPELLING]


def test_other_spelling_of_a_child_scores_above_the_threshold() -> None:
    score, reasons = score_similarity(SIEM_REAP, OTHER_SPELLING)
    assert score >= DUPLICATE_THRESHOLD + MARGIN
    assert reasons == [
        "name_similar",
        "birth_compatible",
        "sex_same",
        "place_same",
        "phone_shared",
        "caregiver_similar",
    ]


def test_other_spelling_without_a_shared_phone_scores_above_the_threshold() -> None:
    score, _ = score_similarity(
        SIEM_REAP,
        build_profile(
            latin("Sokh", "Vicheth"), sex="male", birth=build_estimated_birth(10), place_code="171009"
        ),
    )
    assert score >= DUPLICATE_THRESHOLD


def test_different_children_score_below_the_threshold() -> None:
    for profile, other_profile in combinations(SAMPLES, 2):
        if {id(profile), id(other_profile)} != {id(SIEM_REAP), id(OTHER_SPELLING)}:
            assert score_similarity(profile, other_profile)[0] <= DUPLICATE_THRESHOLD - MARGIN


def test_equal_profiles_have_score_one() -> None:
    assert score_similarity(SIEM_REAP, SIEM_REAP)[0] == 1


def test_sex_age_and_province_alone_score_below_the_threshold() -> None:
    unnamed = build_profile(sex="female", birth=build_estimated_birth(12), place_code="17")
    assert score_similarity(unnamed, unnamed)[0] <= DUPLICATE_THRESHOLD - MARGIN
    named = build_profile(
        latin("Kim", "Sreyneang"), sex="female", birth=build_estimated_birth(12), place_code="17"
    )
    other_name = build_profile(
        latin("Heng", "Bopha"), sex="female", birth=build_estimated_birth(12), place_code="17"
    )
    assert score_similarity(named, other_name)[0] <= DUPLICATE_THRESHOLD - MARGIN


@pytest.mark.parametrize(
    ("name", "other_name"),
    [
        (latin("Sok", "Dara"), latin("Chan", "Dara")),
        (latin("Sok", "Dara"), latin("Sok", "Sophea")),
        (latin("Chea", "Sreyleak"), latin("Chea", "Sreyneang")),
        (latin("Kim", "Heng"), latin("Lim", "Seng")),
        (latin("Ly", "Sophal"), latin("Sok", "Sophea")),
        (khmer("សុខ", "ដារ៉ា"), khmer("ចាន់", "ដារ៉ា")),
        (khmer("សុខ", "សុភា"), khmer("សុខ", "វិចិត្រ")),
    ],
)
def test_one_common_part_of_different_names_scores_below_the_threshold(name: Name, other_name: Name) -> None:
    same_facts = {"sex": "male", "birth": build_estimated_birth(11), "place_code": "171009"}
    assert (
        score_similarity(build_profile(name, **same_facts), build_profile(other_name, **same_facts))[0]
        <= DUPLICATE_THRESHOLD - MARGIN
    )


def test_common_name_with_another_age_scores_below_the_threshold() -> None:
    younger = build_profile(
        latin("Sok", "Dara"), sex="male", birth=build_estimated_birth(6), place_code="171009"
    )
    older = build_profile(
        latin("Sok", "Dara"), sex="male", birth=build_birth("2010-01-05"), place_code="171009"
    )
    score, reasons = score_similarity(younger, older)
    assert score <= DUPLICATE_THRESHOLD - MARGIN
    assert "name_same" in reasons
    assert "birth_conflict" in reasons


def test_common_name_alone_scores_below_the_threshold() -> None:
    assert (
        score_similarity(build_profile(latin("Sok", "Dara")), build_profile(latin("Sok", "Dara")))[0]
        <= DUPLICATE_THRESHOLD - MARGIN
    )


def test_same_name_sex_and_birth_score_above_the_threshold_in_any_province() -> None:
    in_siem_reap = build_profile(
        latin("Sok", "Dara"), sex="male", birth=build_birth("2014-05-02"), place_code="1710"
    )
    in_phnom_penh = build_profile(
        latin("Sok", "Dara"), sex="male", birth=build_birth("2014-05-02"), place_code="12"
    )
    assert score_similarity(in_siem_reap, in_phnom_penh)[0] >= DUPLICATE_THRESHOLD


HOUSEHOLD: dict[str, Any] = {
    "place_code": "17100901",
    "phones": frozenset({"+85512345678"}),
    "caregiver_names": [latin("Chea", "Srey Mom")],
}


@pytest.mark.parametrize(
    ("given_name", "birth"),
    [
        ("Dara", build_estimated_birth(6)),
        ("Sreyneang", build_birth("2012-08-09")),
        ("Veasna", build_birth("2019-01-01", "year")),
        ("Vicheka", build_estimated_birth(6)),
    ],
)
def test_siblings_score_below_the_threshold(given_name: str, birth: BirthRange) -> None:
    child = build_profile(latin("Sok", "Vichet"), sex="male", birth=build_estimated_birth(10), **HOUSEHOLD)
    sibling = build_profile(latin("Sok", given_name), sex="male", birth=birth, **HOUSEHOLD)
    score, reasons = score_similarity(child, sibling)
    assert score <= DUPLICATE_THRESHOLD - MARGIN
    assert {"phone_shared", "caregiver_similar", "place_same", "birth_conflict"} <= set(reasons)


CERTAIN_CHILD = build_profile(
    khmer("សុខ", "វិចិត្រ"),
    latin("Sok", "Vichet"),
    sex="male",
    birth=build_birth("2016-03-11"),
    **HOUSEHOLD,
)


def change_profile(**changes: Any) -> IdentityProfile:
    """Return the certain child with other facts."""
    facts = {name: getattr(CERTAIN_CHILD, name) for name in IdentityProfile.__slots__}
    return IdentityProfile(**(facts | changes))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"birth": build_birth("2016-11-03")}, "birth_conflict"),
        ({"birth": build_birth("2009-06-20")}, "birth_conflict"),
        ({"birth": build_estimated_birth(16)}, "birth_conflict"),
        ({"sex": "female"}, "sex_conflict"),
        ({"place_code": "12010101"}, "place_conflict"),
    ],
)
@pytest.mark.parametrize("unknown", [(), ("place_code",), ("birth",), ("sex",)])
@pytest.mark.parametrize("names", [CERTAIN_CHILD.names, [latin("Sokh", "Vicheth")], [khmer("សុខ", "វិចិត្រ")]])
def test_one_contradicting_fact_does_not_exclude_a_certain_child(
    changes: dict[str, Any], reason: str, unknown: tuple[str, ...], names: list[Name]
) -> None:
    missing = dict.fromkeys(set(unknown) - changes.keys())
    score, reasons = score_similarity(CERTAIN_CHILD, change_profile(**({"names": names} | missing | changes)))
    assert score >= DUPLICATE_THRESHOLD
    assert reason in reasons


@pytest.mark.parametrize("given_names", [("Ratha", "Rotha"), ("Leang", "Lieng"), ("Pheakdey", "Phakdey")])
def test_one_contradicting_fact_does_not_exclude_a_child_with_a_similar_name(
    given_names: tuple[str, str],
) -> None:
    # Catches: the name must be more similar than the reason `name_similar` requires. The score is then 0.36 to 0.43.
    first, second = ((latin("Sok", name),) for name in given_names)
    births = {"birth": build_birth("2010-08-30"), "names": second}
    score, reasons = score_similarity(change_profile(names=first), change_profile(**births))
    assert score >= DUPLICATE_THRESHOLD
    assert {"name_similar", "birth_conflict"} <= set(reasons)


@pytest.mark.parametrize(
    "day",
    [
        "2016-11-03",
        "2016-03-12",
        "2016-08-11",
        "2017-03-11",
        "2015-03-11",
        "2016-03-01",
        "2016-05-20",
        "2015-11-03",
    ],
)
def test_writing_error_of_a_birth_date_is_weak_agreement(day: str) -> None:
    without_birth, _ = score_similarity(CERTAIN_CHILD, change_profile(birth=None, phones=frozenset()))
    score, reasons = score_similarity(
        CERTAIN_CHILD, change_profile(birth=build_birth(day), phones=frozenset())
    )
    assert score > without_birth
    assert {"birth_near", "birth_conflict"} <= set(reasons)


def test_birth_years_that_are_neighbours_agree_weakly() -> None:
    year, neighbour = build_birth("2015-01-01", "year"), build_birth("2016-01-01", "year")
    _, reasons = score_similarity(change_profile(birth=year), change_profile(birth=neighbour))
    assert "birth_near" in reasons
    _, reasons = score_similarity(
        change_profile(birth=year), change_profile(birth=build_birth("2019-01-01", "year"))
    )
    assert "birth_near" not in reasons
    assert "birth_conflict" in reasons


def test_twins_with_different_names_score_below_the_threshold() -> None:
    twins = [
        build_profile(latin("Sok", name), sex="male", birth=build_birth("2016-03-14"), **HOUSEHOLD)
        for name in ("Vichet", "Dara")
    ]
    assert score_similarity(*twins)[0] < DUPLICATE_THRESHOLD


NAME_FORMS: dict[str, tuple[list[Name], list[Name]]] = {
    "both scripts": ([*CERTAIN_CHILD.names], [*CERTAIN_CHILD.names]),
    "other script": ([khmer("សុខ", "វិចិត្រ")], [latin("Sok", "Vichet")]),
    "other spelling": ([latin("Sok", "Vichet")], [latin("Sokh", "Vicheth")]),
    "exchanged": ([latin("Sok", "Vichet")], [latin("Vichet", "Sok")]),
    "exchanged, first": ([latin("Vichet", "Sok")], [latin("Sok", "Vichet")]),
    "exchanged, other spelling": ([latin("Sok", "Vichet")], [latin("Vicheth", "Sokh")]),
    "exchanged, other script": ([khmer("សុខ", "វិចិត្រ")], [latin("Vichet", "Sok")]),
    "exchanged, both scripts": ([*CERTAIN_CHILD.names], [khmer("វិចិត្រ", "សុខ"), latin("Vichet", "Sok")]),
    "one field": ([latin("Sok", "Vichet")], [latin(None, "Sok Vichet")]),
    "one field, exchanged": ([latin("Sok", "Vichet")], [latin(None, "Vichet Sok")]),
    "one field, no space": ([khmer("សុខ", "វិចិត្រ")], [khmer(None, "សុខវិចិត្រ")]),
    "one field, other script": ([khmer(None, "សុខវិចិត្រ")], [latin("Sok", "Vichet")]),
    "one field, exchanged, other script": ([khmer(None, "វិចិត្រ សុខ")], [latin("Sok", "Vichet")]),
}
CONFLICTS: list[dict[str, Any]] = [
    *({"birth": build_birth(day)} for day in ("2016-11-03", "2016-03-12", "2017-03-11", "2006-03-11", "2016-08-11", "2009-06-20")),
    *({"birth": build_birth(f"{year}-01-01", "year")} for year in (2012, 2015)),
    *({"birth": build_estimated_birth(age)} for age in (7, 13, 16)),
    {"sex": "female"},
    *({"place_code": code} for code in ("12010101", "171010", "12")),
    {"phones": frozenset({"+85599999999"})},
    {"caregiver_names": [latin("Keo", "Bopha")]},
    {"nickname": "Touch"},
    {"names": [latin("Chan", "Vichet")]},
    {"names": [khmer("ចាន់", "វិចិត្រ")]},
]  # fmt: skip
UNKNOWN_FACTS: dict[str, Any] = {
    "birth": None, "sex": None, "place_code": None, "phones": frozenset(), "caregiver_names": (),
}  # fmt: skip


FORMS_WITH_CONFLICTS = [
    (form, conflict)
    for form, conflict in product(NAME_FORMS, CONFLICTS)
    if "names" not in conflict or NAME_FORMS[form][0][0]["family"] in {"Sok", "សុខ"}
]
"""Another family name is a single contradicting fact only if each name is in its field."""


@pytest.mark.parametrize(("form", "conflict"), FORMS_WITH_CONFLICTS, ids=str)
def test_one_conflict_never_excludes_a_child_whose_other_facts_agree(
    form: str, conflict: dict[str, Any]
) -> None:
    # Catches: `_SUFFICIENT_AGREEMENTS` ignored, so that both contacts must agree; family names compared without the
    # exchange of family and given name.
    (field,) = conflict
    for unknown in (None, *(UNKNOWN_FACTS.keys() - {field})):
        facts = {unknown: UNKNOWN_FACTS[unknown]} if unknown else {}
        names, other_names = NAME_FORMS[form]
        child = change_profile(**{"names": names, "nickname": conflict.get("nickname") and "Chet"} | facts)
        again = change_profile(**{"names": other_names} | facts | conflict)
        score, reasons = score_similarity(child, again)
        assert score >= DUPLICATE_THRESHOLD, (unknown, score, reasons)


TWIN_FACTS: dict[str, Any] = {"sex": "female", "birth": build_birth("2016-03-14"), **HOUSEHOLD}


@pytest.mark.parametrize("twins", SIMILAR_GIVEN_NAMES)
def test_twins_with_similar_names_are_listed_as_household_with_a_name_conflict(
    twins: tuple[tuple[str, str], ...],
) -> None:
    (khmer_name, latin_name), (other_khmer, other_latin) = twins
    for first, second in (
        (latin("Sok", latin_name), latin("Sok", other_latin)),
        (khmer("សុខ", khmer_name), khmer("សុខ", other_khmer)),
        (khmer("សុខ", khmer_name), latin("Sok", other_latin)),
    ):
        score, reasons = score_similarity(
            build_profile(first, **TWIN_FACTS), build_profile(second, **TWIN_FACTS)
        )
        assert score < DUPLICATE_THRESHOLD
        assert "given_name_conflict" in reasons
        assert is_same_household(reasons)


@pytest.mark.parametrize(
    ("name", "other_name"),
    [("Sokha", "Sokkha"), ("Vichet", "Wichet"), ("Makara", "Mokara"), ("Sreymom", "Srey Mom"), ("Sophea", "Sophia"), ("Theara", "Thara")],
)  # fmt: skip
def test_spelling_variant_with_the_same_facts_is_likely(name: str, other_name: str) -> None:
    score, reasons = score_similarity(
        build_profile(latin("Sok", name), **TWIN_FACTS), build_profile(latin("Sok", other_name), **TWIN_FACTS)
    )
    assert score >= LIKELY_THRESHOLD
    assert "given_name_conflict" not in reasons


def test_name_with_a_possible_typing_error_is_at_most_a_possible_duplicate() -> None:
    score, reasons = score_similarity(
        build_profile(latin("Sok", "Vichet"), **TWIN_FACTS),
        build_profile(latin("Sok", "Vechet"), **TWIN_FACTS),
    )
    assert score >= LIKELY_THRESHOLD
    score, reasons = score_similarity(
        build_profile(latin("Sok", "Vichet"), **TWIN_FACTS),
        build_profile(latin("Sok", "Vuchet"), **TWIN_FACTS),
    )
    assert DUPLICATE_THRESHOLD <= score < LIKELY_THRESHOLD
    assert {"name_similar", "given_name_conflict"} <= set(reasons)


ONE_FACT: list[dict[str, Any]] = [{name: value} for name, value in HOUSEHOLD.items()]


@pytest.mark.parametrize("fact", ONE_FACT, ids=str)
@pytest.mark.parametrize(
    ("name", "other_name"),
    [
        (khmer(None, "វិចិត្រ"), latin("Sok", "Vichet")),
        (khmer(None, "វិចិត្រ"), latin(None, "Vichet")),
        (latin(None, "Mom"), khmer("ជា", "ស្រីមុំ")),
        (khmer("សុខ", "នារី"), latin(None, "Nary")),
    ],
)
def test_given_name_and_one_shared_household_fact_make_a_possible_duplicate(
    fact: dict[str, Any], name: Name, other_name: Name
) -> None:
    child, again = build_profile(name, **fact), build_profile(other_name, **fact)
    score, reasons = score_similarity(child, again)
    assert DUPLICATE_THRESHOLD <= score < LIKELY_THRESHOLD
    assert "name_similar" in reasons
    births = {"birth": build_birth("2009-01-05")}, {"birth": build_birth("2016-03-11")}
    contradicting = (
        build_profile(each, **fact, **birth) for each, birth in zip((name, other_name), births, strict=True)
    )
    assert score_similarity(*contradicting)[0] < DUPLICATE_THRESHOLD


def test_given_name_without_a_shared_household_fact_scores_below_the_threshold() -> None:
    commune = {"place_code": "171009"}
    score, _ = score_similarity(
        build_profile(khmer(None, "វិចិត្រ"), **commune), build_profile(latin("Sok", "Vichet"), **commune)
    )
    assert score < DUPLICATE_THRESHOLD


def test_birth_and_household_match_a_child_in_another_script() -> None:
    khmer_profile = build_profile(
        khmer("សុខ", "វិចិត្រ"), sex="male", birth=build_birth("2016-03-14"), **HOUSEHOLD
    )
    latin_profile = build_profile(
        latin("Sok", "Vichet"), sex="male", birth=build_birth("2016-03-14"), **HOUSEHOLD
    )
    assert score_similarity(khmer_profile, latin_profile)[0] >= DUPLICATE_THRESHOLD


def test_nickname_matches_a_given_name() -> None:
    with_nickname = build_profile(nickname="Vichet", birth=build_estimated_birth(10), sex="male", **HOUSEHOLD)
    score, reasons = score_similarity(with_nickname, SIEM_REAP)
    assert "nickname_similar" in reasons
    assert score >= DUPLICATE_THRESHOLD


@pytest.mark.parametrize(
    ("place_code", "other_place_code", "reason"),
    [
        ("17100901", "17100901", "place_same"),
        ("17100901", "171009", "place_same"),
        ("17100901", "17100902", "place_near"),
        ("17100901", "1710", "place_near"),
        ("17100901", "17", None),
        ("17", "17", None),
        ("17100901", "12010101", "place_conflict"),
        ("17100901", None, None),
    ],
)
def test_places_are_compared_at_the_level_of_the_shorter_code(
    place_code: str | None, other_place_code: str | None, reason: str | None
) -> None:
    _, reasons = score_similarity(
        build_profile(place_code=place_code), build_profile(place_code=other_place_code)
    )
    assert reasons == ([reason] if reason else [])


def test_different_sex_reduces_the_score_more_than_unknown_sex() -> None:
    boy = build_profile(latin("Sok", "Dara"), sex="male", birth=build_estimated_birth(10))
    girl = build_profile(latin("Sok", "Dara"), sex="female", birth=build_estimated_birth(10))
    unknown = build_profile(latin("Sok", "Dara"), sex="unknown", birth=build_estimated_birth(10))
    assert score_similarity(boy, girl)[0] < score_similarity(boy, unknown)[0] < score_similarity(boy, boy)[0]
    assert "sex_conflict" in score_similarity(boy, girl)[1]


def test_empty_profiles_have_score_zero() -> None:
    assert score_similarity(build_profile(), build_profile()) == (0, [])


NAME = st.builds(
    lambda script, family, given_name: {"script": script, "family": family, "given": given_name},
    st.sampled_from(["khmer", "latin"]),
    st.none() | st.sampled_from(["Sok", "Sokh", "Chan", "សុខ", "លី"]),
    st.none() | st.sampled_from(["Vichet", "Vicheth", "Dara", "Srey Mom", "វិចិត្រ", "សុភា"]),
)
PROFILE = st.builds(
    IdentityProfile,
    names=st.lists(NAME, max_size=2),
    nickname=st.none() | st.sampled_from(["Chet", "Dara", "ដារ៉ា"]),
    sex=st.none() | st.sampled_from(["male", "female", "unknown"]),
    birth=st.none()
    | st.builds(build_estimated_birth, st.integers(3, 17))
    | st.just(build_birth("2016-03-01", "month")),
    place_code=st.none() | st.sampled_from(["17", "1710", "171009", "17100901", "0203"]),
    phones=st.frozensets(st.sampled_from(["+85512345678", "+855977001122"])),
    caregiver_names=st.lists(NAME, max_size=1),
)


@given(PROFILE, PROFILE)
def test_score_is_symmetric_and_bounded_with_known_reason_codes(
    profile: IdentityProfile, other_profile: IdentityProfile
) -> None:
    score, reasons = score_similarity(profile, other_profile)
    assert (score, reasons) == score_similarity(other_profile, profile)
    assert 0 <= score <= 1
    assert score == round(score, 2)
    assert set(reasons) <= REASON_CODES
    assert len(reasons) == len(set(reasons))


@given(PROFILE, PROFILE)
def test_shared_phone_does_not_reduce_the_score(
    profile: IdentityProfile, other_profile: IdentityProfile
) -> None:
    def add_phone(original: IdentityProfile) -> IdentityProfile:
        facts = {name: getattr(original, name) for name in IdentityProfile.__slots__}
        return IdentityProfile(**(facts | {"phones": original.phones | {"+85510222333"}}))

    score_with_phone, _ = score_similarity(add_phone(profile), add_phone(other_profile))
    assert score_with_phone >= score_similarity(profile, other_profile)[0]


def generate_profile(rng: random.Random) -> IdentityProfile:
    """Return a profile of a few facts, so that many profiles have most of them in common."""
    families, given_names = (
        ["Sok", "Sokh", "Chan", "សុខ", "ចាន់"],
        ["Vichet", "Vicheth", "Sokha", "Sokhom", "វិចិត្រ", "សុខា"],
    )
    names = [
        build_name(rng.choice([None, *families]), rng.choice([None, *given_names]))
        for _ in range(rng.randrange(3))
    ]
    days = ["2016-03-11", "2016-11-03", "2016-05-20", "2015-03-11", "2009-06-20"]
    births = [None, build_birth("2016-03-01", "month"), build_estimated_birth(12), *map(build_birth, days)]
    return IdentityProfile(
        names=names,
        nickname=rng.choice([None, "Vichet", "វិចិត្រ", "Touch"]),
        sex=rng.choice([None, "male", "male", "female"]),
        birth=rng.choice(births),
        place_code=rng.choice([None, "17", "1710", "171009", "17100901", "17100901", "12010101"]),
        phones=frozenset(rng.sample(["+85512345678", "+855977001122", "+85599999999"], rng.randrange(3))),
        caregiver_names=[build_name("Chea", given_name) for given_name in rng.sample(["Srey Mom", "Bopha"], rng.randrange(2))],
    )  # fmt: skip


def build_name(family: str | None, given_name: str | None) -> Name:
    return {"script": "latin", "family": family, "given": given_name}


def is_match(profile: IdentityProfile, other_profile: IdentityProfile) -> bool:
    score, reasons = score_similarity(profile, other_profile)
    return score >= DUPLICATE_THRESHOLD or is_same_household(reasons)


def test_match_is_never_excluded() -> None:
    # Catches: the points of the nickname or the contacts are missing from the best case.
    rng = random.Random(7)  # noqa: S311 - must be reproducible, not secret
    pairs = list(combinations([generate_profile(rng) for _ in range(200)], 2))
    matches = [pair for pair in pairs if is_match(*pair)]
    assert matches == [pair for pair in matches if can_match(*pair)]
    assert len(matches) > 0.02 * len(pairs)
    assert sum(can_match(*pair) for pair in pairs) < 0.5 * len(pairs)


def test_child_with_another_family_name_is_not_excluded() -> None:
    # Catches: the certain identity is missing from the best case.
    facts = {"sex": "male", "birth": build_birth("2016-03-11"), "phones": HOUSEHOLD["phones"]}
    child = build_profile(latin("Sok", "Vichet"), **facts)
    again = build_profile(latin("Heang", "Vichet"), **facts)
    assert is_match(child, again)
    assert can_match(child, again)


def test_unrelated_candidates_are_excluded() -> None:
    # Catches: `can_match` returns true for every candidate.
    assert not any(can_match(*pair) for pair in combinations([SIEM_REAP, ESTIMATED, EMERGENCY, EIGHTEEN], 2))


OTHER_CHILD: dict[str, Any] = {"birth": build_birth("2005-06-28"), "sex": "female"}


@pytest.mark.parametrize("names", [CERTAIN_CHILD.names, [latin(None, "Vichet")], [latin("Keo", "Bopha")]])
@pytest.mark.parametrize(
    ("unknown", "score"),
    [((), 0.40), (("phones",), 0.25), (("caregiver_names",), 0.25), (("place_code",), 0.30)],
)
def test_child_with_another_age_and_sex_is_another_child_of_the_household(
    names: list[Name], unknown: tuple[str, ...], score: float
) -> None:
    # Catches: the points of the name count for the household, and a given name alone outweighs two contradictions.
    missing = {field: UNKNOWN_FACTS[field] for field in unknown}
    match = compare_profiles(CERTAIN_CHILD, change_profile(**OTHER_CHILD, **missing, names=names))
    assert match is not None
    assert (match.is_household, match.score) == (True, score)


@pytest.mark.parametrize("fact", HOUSEHOLD)
def test_name_and_one_shared_household_fact_are_no_match_if_age_and_sex_differ(fact: str) -> None:
    missing = {field: UNKNOWN_FACTS[field] for field in HOUSEHOLD if field != fact}
    assert compare_profiles(CERTAIN_CHILD, change_profile(**OTHER_CHILD, **missing)) is None


@pytest.mark.parametrize("conflict", [{field: value} for field, value in OTHER_CHILD.items()], ids=str)
def test_another_age_or_another_sex_alone_is_a_possible_duplicate(conflict: dict[str, Any]) -> None:
    match = compare_profiles(CERTAIN_CHILD, change_profile(**conflict))
    assert match is not None
    assert not match.is_household
