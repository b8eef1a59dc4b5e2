"""Given names: spellings of one name, typing errors, and the similar names of siblings."""

import pytest

from app.services.persons.given_names import GivenNameAgreement, compare_given_names
from app.services.persons.name_similarity import Name
from app.text_folding import detect_script
from bench.identity_names import GIVEN_SPELLINGS, SIMILAR_GIVEN_NAMES

SAME, UNCLEAR, DIFFERENT, UNKNOWN = (
    GivenNameAgreement.same, GivenNameAgreement.unclear, GivenNameAgreement.different, GivenNameAgreement.unknown,
)  # fmt: skip
COMMON_NAMES = """
ចាន់ណា Channa|នារី Neary Nary|ណារី Nary|សុផាត Sophat|កុសុម Kosom|សុវណ្ណារី Sovannary|ចន្ធូ Chanthou|វិសាល Visal|សុជាតិ Socheat|ភារម្យ Phearom
ភារិទ្ធ Phearith|ស្រីនិច Sreynich|ស្រីនួន Sreynuon|សុម៉ាលី Somaly|សំអឿន Samoeun|សំអាត Samath|សុខុម Sokhom|សុខលាង Sokleang|គឹមឡេង Kimleng
លីហួរ Lyhour|មុនីរ័ត្ន Monyrath|បូផា Bopha|ផលលា Phalla|សុផល្លា Sophalla|ណាវី Navy|នាវី Neavy Navy|ប៊ុនធី Bunthy|ពន្លក Ponlok|ពុទ្ធា Puthea
ចំណាន Chamnan|ឆេងលី Chhengly|ជីវិត Chivit|ដារីន Darin|ថារី Thary|ទេវី Tevy|ធារ៉ា Theara Thara|នីតា Nita|បូរី Borey|ពិសាល Pisal|ភាព Pheap
មរកត Morokot|មាលា Mealea Malea|ម៉ាលីន Malin|យ៉ារី Yary|រចនា Rachana|រាហ៊ូ Reahou Rahu|រីណា Rina|លីសា Lisa|វណ្ណដា Vannda|វាន់នី Veanny Vanny
សុគន្ធ Sokunth|សុនីតា Sonita|សុវិជ្ជា Sovichea|សេងហុង Senghong|ហៀង Hieng Heang|អរុណ Arun|អានី Any|ឧសភា Ousaphea|ខេមរិន្ទ Khemrin|គង្គា Kongkea
ចន្ទ្រា Chantrea|ផានិត Phanit|សុវត្ថិ Sovath|ភិរម្យ Phirom Pirom|ចាន់ធា Chanthea|ស៊ីវ៉ា Siva|ឯករាជ្យ Ekreach|កក្កដា Kakada
"""


def name(given: str, family: str | None = "Sok") -> list[Name]:
    script = detect_script(given)
    family = "សុខ" if family == "Sok" and script == "khmer" else family
    return [{"script": script, "family": family, "given": given}]


def compare(first: str, second: str) -> GivenNameAgreement:
    agreement = compare_given_names(name(first), name(second))
    assert agreement is compare_given_names(name(second), name(first))
    return agreement


def test_common_names_are_equal_in_both_scripts() -> None:
    entries = [entry.split() for line in COMMON_NAMES.strip().splitlines() for entry in line.split("|")]
    assert len(entries) > 60
    wrong = [
        (khmer, latin)
        for khmer, *spellings in entries
        for latin in spellings
        if compare(khmer, latin) is not SAME
    ]
    assert wrong == []


def test_usual_spellings_of_a_name_are_equal() -> None:
    different = {
        (spellings[0], spelling)
        for _, spellings in GIVEN_SPELLINGS
        for spelling in spellings[1:]
        if compare(spellings[0], spelling) is not SAME
    }
    assert different <= {("Chariya", "Chakriya")}, "a silent consonant is written in one of them"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Sokha", "Sokkha"), ("Vichet", "Wichet"), ("Vichet", "Vihcet"), ("Sophea", "Sophia"), ("Sreymom", "Srey Mom"),
        ("Sreymom", "Mom"), ("Dara", "Tara"), ("Ratha", "Rotha"), ("Leang", "Lieng"), ("Theara", "Thara"), ("Makara", "Mokara"),
        ("ដារ៉ា", "ដារា"), ("សុភា", "សុផា"), ("វិចិត្រ", "វិជិត"), ("Kim Heng", "Heng"), ("Chan", "Chann"),
    ],
)  # fmt: skip
def test_spelling_variant_is_equal_to_the_name(first: str, second: str) -> None:
    assert compare(first, second) is SAME


@pytest.mark.parametrize("pair", SIMILAR_GIVEN_NAMES)
def test_similar_names_of_siblings_are_different_in_each_script(
    pair: tuple[tuple[str, str], ...],
) -> None:
    # Catches: the similarity of the names decides. Sophea and Sopheap then have 0.97.
    (khmer, latin), (other_khmer, other_latin) = pair
    assert compare(khmer, other_khmer) is DIFFERENT
    assert compare(latin, other_latin) is DIFFERENT
    assert compare(khmer, other_latin) is DIFFERENT


@pytest.mark.parametrize(
    ("first", "second"), [("Chann", "Channa"), ("Davy", "Thavy"), ("Sina", "Sona"), ("ចាន់", "Channa")]
)
def test_small_difference_in_a_short_name_makes_another_name(first: str, second: str) -> None:
    assert compare(first, second) is DIFFERENT


@pytest.mark.parametrize(
    ("first", "second"), [("Vichet", "Vachet"), ("Sopheak", "Sapheak"), ("Bunthoeun", "Bumthoeun")]
)
def test_one_different_letter_before_the_last_syllable_may_be_a_typing_error(first: str, second: str) -> None:
    assert compare(first, second) in {UNCLEAR, SAME}
    assert compare(first, second[:-2]) is DIFFERENT


def test_fields_of_a_name_can_be_exchanged_or_joined() -> None:
    vichet = name("Vichet")
    for other in (
        name("Sok", "Vichet"),
        name("Sok Vichet", None),
        name("Sokvichet", None),
        name("Vichet", None),
        name("Vichet", "Chan"),
    ):
        assert compare_given_names(vichet, other) is SAME
    for other in (name("Dara"), name("Sok Dara", None), name("Dara", None), name("Sok", "Dara")):
        assert compare_given_names(vichet, other) is DIFFERENT


def test_agreement_with_a_missing_given_name_is_unknown() -> None:
    assert compare_given_names([], name("Dara")) is UNKNOWN
    family_only: list[Name] = [{"script": "latin", "family": "Sok", "given": None}]
    assert compare_given_names(family_only, family_only) is UNKNOWN
