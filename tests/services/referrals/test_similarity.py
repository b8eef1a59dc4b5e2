"""One child reported twice is seen as one; brothers, namesakes and strangers are not."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.dates import BirthRange
from app.services.persons.name_matching import Name
from app.services.referrals.similarity import DUPLICATE_THRESHOLD, IdentityProfile, score_similarity

CLEARLY = 0.1
"""What is 'clearly below' the threshold."""

WHYS = {
    "name_same",
    "name_similar",
    "nickname_similar",
    "birth_compatible",
    "birth_conflict",
    "sex_same",
    "sex_conflict",
    "place_same",
    "place_near",
    "phone_shared",
    "caregiver_similar",
}


def latin(family: str | None, given_name: str | None) -> Name:
    return {"script": "latin", "family": family, "given": given_name}


def khmer(family: str | None, given_name: str | None) -> Name:
    return {"script": "khmer", "family": family, "given": given_name}


def guessed(age: int, on: str = "2026-11-14") -> BirthRange:
    return BirthRange.from_details({"estimated_age": age, "estimated_on": on})


def born(day: str, precision: str = "day") -> BirthRange:
    return BirthRange.from_details({"date": day, "precision": precision})


def profile(*names: Name, **known: Any) -> IdentityProfile:
    facts: dict[str, Any] = {
        "nickname": None,
        "sex": None,
        "birth": None,
        "place_code": None,
        "phones": frozenset(),
        "caregiver_names": (),
    }
    return IdentityProfile(names=names, **(facts | known))


SIEM_REAP = profile(
    khmer("សុខ", "វិចិត្រ"),
    latin("Sok", "Vichet"),
    nickname="Chet",
    sex="male",
    birth=born("2016-03-01", "month"),
    place_code="17100901",
    phones=frozenset({"+85512345678"}),
    caregiver_names=[khmer("ជា", "ស្រីមុំ")],
)
ESTIMATED = profile(
    latin("Chan", "Dara"),
    nickname="ដារ៉ា",
    sex="male",
    birth=guessed(13, "2026-11-01"),
    place_code="0203",
    phones=frozenset({"+855977001122"}),
    caregiver_names=[latin("Chan", "Sophal")],
)
EMERGENCY = profile(nickname="Srey Touch", sex="female", birth=guessed(7, "2026-11-19"), place_code="12")
EIGHTEEN = profile(
    khmer("លី", "សុភា"),
    latin("Ly", "Sophea"),
    sex="female",
    birth=born("2008-02-29"),
    place_code="171009",
)
OTHER_SPELLING = profile(
    latin("Sokh", "Vicheth"),
    sex="male",
    birth=guessed(10),
    place_code="171009",
    phones=frozenset({"+85512345678"}),
    caregiver_names=[latin("Chea", "Srey Mom")],
)
SAMPLES = [SIEM_REAP, ESTIMATED, EMERGENCY, EIGHTEEN, OTHER_SPELLING]


def test_the_same_child_in_another_spelling_is_found_and_the_reasons_are_said() -> None:
    score, why = score_similarity(SIEM_REAP, OTHER_SPELLING)
    assert score >= DUPLICATE_THRESHOLD + CLEARLY
    assert why == ["name_similar", "birth_compatible", "sex_same", "place_same", "phone_shared"]


def test_the_same_child_is_found_without_a_shared_phone() -> None:
    score, _ = score_similarity(
        SIEM_REAP, profile(latin("Sokh", "Vicheth"), sex="male", birth=guessed(10), place_code="171009")
    )
    assert score >= DUPLICATE_THRESHOLD


def test_no_other_pair_of_these_children_is_near() -> None:
    for one, other in combinations(SAMPLES, 2):
        if {id(one), id(other)} != {id(SIEM_REAP), id(OTHER_SPELLING)}:
            assert score_similarity(one, other)[0] <= DUPLICATE_THRESHOLD - CLEARLY


def test_one_record_resembles_itself_fully() -> None:
    assert score_similarity(SIEM_REAP, SIEM_REAP)[0] == 1


def test_sex_age_and_province_alone_say_little() -> None:
    one = profile(sex="female", birth=guessed(12), place_code="17")
    assert score_similarity(one, one)[0] <= DUPLICATE_THRESHOLD - CLEARLY
    named = profile(latin("Kim", "Sreyneang"), sex="female", birth=guessed(12), place_code="17")
    other = profile(latin("Heng", "Bopha"), sex="female", birth=guessed(12), place_code="17")
    assert score_similarity(named, other)[0] <= DUPLICATE_THRESHOLD - CLEARLY


@pytest.mark.parametrize(
    ("one", "other"),
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
def test_children_who_share_half_a_common_name_stay_apart(one: Name, other: Name) -> None:
    near = {"sex": "male", "birth": guessed(11), "place_code": "171009"}
    assert score_similarity(profile(one, **near), profile(other, **near))[0] <= DUPLICATE_THRESHOLD - CLEARLY


def test_a_common_name_with_another_age_is_another_child() -> None:
    small = profile(latin("Sok", "Dara"), sex="male", birth=guessed(6), place_code="171009")
    tall = profile(latin("Sok", "Dara"), sex="male", birth=born("2010-01-05"), place_code="171009")
    score, why = score_similarity(small, tall)
    assert score <= DUPLICATE_THRESHOLD - CLEARLY
    assert "name_same" in why
    assert "birth_conflict" in why


def test_a_common_name_alone_is_not_enough() -> None:
    assert (
        score_similarity(profile(latin("Sok", "Dara")), profile(latin("Sok", "Dara")))[0]
        <= DUPLICATE_THRESHOLD - CLEARLY
    )


def test_one_name_one_sex_and_one_birthday_are_enough_in_any_province() -> None:
    here = profile(latin("Sok", "Dara"), sex="male", birth=born("2014-05-02"), place_code="1710")
    there = profile(latin("Sok", "Dara"), sex="male", birth=born("2014-05-02"), place_code="12")
    assert score_similarity(here, there)[0] >= DUPLICATE_THRESHOLD


HOUSEHOLD: dict[str, Any] = {
    "place_code": "17100901",
    "phones": frozenset({"+85512345678"}),
    "caregiver_names": [latin("Chea", "Srey Mom")],
}


@pytest.mark.parametrize(
    ("given_name", "birth"),
    [
        ("Dara", guessed(6)),
        ("Sreyneang", born("2012-08-09")),
        ("Veasna", born("2019-01-01", "year")),
        ("Vicheka", guessed(6)),
    ],
)
def test_brothers_and_sisters_are_two_children(given_name: str, birth: BirthRange) -> None:
    child = profile(latin("Sok", "Vichet"), sex="male", birth=guessed(10), **HOUSEHOLD)
    sibling = profile(latin("Sok", given_name), sex="male", birth=birth, **HOUSEHOLD)
    score, why = score_similarity(child, sibling)
    assert score <= DUPLICATE_THRESHOLD - CLEARLY
    assert {"phone_shared", "caregiver_similar", "place_same", "birth_conflict"} <= set(why)


def test_twins_with_other_names_are_two_children() -> None:
    twins = [
        profile(latin("Sok", name), sex="male", birth=born("2016-03-14"), **HOUSEHOLD)
        for name in ("Vichet", "Dara")
    ]
    assert score_similarity(*twins)[0] < DUPLICATE_THRESHOLD


def test_a_child_known_in_another_script_is_found_by_birthday_and_household() -> None:
    written = profile(khmer("សុខ", "វិចិត្រ"), sex="male", birth=born("2016-03-14"), **HOUSEHOLD)
    spelled = profile(latin("Sok", "Vichet"), sex="male", birth=born("2016-03-14"), **HOUSEHOLD)
    assert score_similarity(written, spelled)[0] >= DUPLICATE_THRESHOLD


def test_a_nickname_meets_a_given_name() -> None:
    called = profile(nickname="Vichet", birth=guessed(10), sex="male", **HOUSEHOLD)
    score, why = score_similarity(called, SIEM_REAP)
    assert "nickname_similar" in why
    assert score >= DUPLICATE_THRESHOLD


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("17100901", "17100901", "place_same"),
        ("17100901", "171009", "place_same"),
        ("17100901", "17100902", "place_near"),
        ("17100901", "1710", "place_near"),
        ("17100901", "17", None),
        ("17", "17", None),
        ("17100901", "12010101", None),
        ("17100901", None, None),
    ],
)
def test_places_are_compared_as_far_as_both_are_known(
    one: str | None, other: str | None, why: str | None
) -> None:
    _, whys = score_similarity(profile(place_code=one), profile(place_code=other))
    assert whys == ([why] if why else [])


def test_another_sex_speaks_against_and_an_unknown_one_says_nothing() -> None:
    boy = profile(latin("Sok", "Dara"), sex="male", birth=guessed(10))
    girl = profile(latin("Sok", "Dara"), sex="female", birth=guessed(10))
    unsaid = profile(latin("Sok", "Dara"), sex="unknown", birth=guessed(10))
    assert score_similarity(boy, girl)[0] < score_similarity(boy, unsaid)[0] < score_similarity(boy, boy)[0]
    assert "sex_conflict" in score_similarity(boy, girl)[1]


def test_two_empty_records_resemble_in_nothing() -> None:
    assert score_similarity(profile(), profile()) == (0, [])


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
    birth=st.none() | st.builds(guessed, st.integers(3, 17)) | st.just(born("2016-03-01", "month")),
    place_code=st.none() | st.sampled_from(["17", "1710", "171009", "17100901", "0203"]),
    phones=st.frozensets(st.sampled_from(["+85512345678", "+855977001122"])),
    caregiver_names=st.lists(NAME, max_size=1),
)


@given(PROFILE, PROFILE)
def test_resemblance_is_symmetric_bounded_and_explained_in_known_codes(
    one: IdentityProfile, other: IdentityProfile
) -> None:
    score, why = score_similarity(one, other)
    assert (score, why) == score_similarity(other, one)
    assert 0 <= score <= 1
    assert score == round(score, 2)
    assert set(why) <= WHYS
    assert len(why) == len(set(why))


@given(PROFILE, PROFILE)
def test_a_shared_phone_never_makes_two_records_less_alike(
    one: IdentityProfile, other: IdentityProfile
) -> None:
    def reachable(known: IdentityProfile) -> IdentityProfile:
        facts = {name: getattr(known, name) for name in IdentityProfile.__slots__}
        return IdentityProfile(**(facts | {"phones": known.phones | {"+85510222333"}}))

    assert score_similarity(reachable(one), reachable(other))[0] >= score_similarity(one, other)[0]
