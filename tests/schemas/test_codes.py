import json
import re
import unicodedata
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from app.errors import NotFound
from app.schemas import codes
from app.schemas.codes import CODE_LISTS, CodeList, CodeOf, get_code_label, get_codes

FILES = sorted((Path(codes.__file__).parent / "code_lists").glob("*.json"))
LISTS = list(CODE_LISTS.values())

# Codes fixed by the contract. The order of statuses is the order of the life cycle.
CONTRACT_CODES = {
    "urgency": ("emergency", "urgent", "routine"),
    "concern_kind": ("survivor", "hsb", "both", "suspected"),
    "case_kind": ("survivor", "hsb", "both"),
    "case_status": ("assessment", "planning", "active", "exiting", "closed"),
    "referral_status": (
        "received",
        "acknowledged",
        "information_requested",
        "accepted",
        "declined",
        "withdrawn",
    ),
    "script": ("khmer", "latin"),
    "birth_precision": ("day", "month", "year"),
    "person_role": ("supporter", "family", "other"),
    "area": (
        "emotional_health",
        "physical_health",
        "shelter_safety",
        "behaviour",
        "relationships",
        "education",
        "legal",
    ),
    "subject": ("child", "supporter", "family"),
    "role": (
        "social_worker",
        "supervisor",
        "programme_manager",
        "finance_officer",
        "me_officer",
        "data_protection_officer",
        "administrator",
        "partner_system",
        "reporting_script",
    ),
}

# Codes that partners' systems send.
PARTNER_CODES = {
    "sex": {"male", "female"},
    "relationship": {"mother", "grandmother"},
    "phone_owner": {"self", "family", "friend"},
    "language": {"km", "vi", "en"},
    "school_status": {"attending", "dropped_out"},
    "school_grade": {str(grade) for grade in range(1, 13)},
    "authority": {"commune_committee", "police", "district_social_affairs", "school"},
    "service": {"medical", "shelter"},
    "consent_giver": {"child", "caregiver"},
    "consent_method": {"oral", "written", "thumbprint"},
    "consent_scope": {"services", "share_with_fsc"},
    "basis_without_consent": {"vital_interest"},
    "difficulty_domain": {"seeing", "hearing", "walking", "remembering", "self_care", "communicating"},
    "decline_reason": {"outside_age_range"},
}

URGENCIES = get_codes("urgency")


class Intake(BaseModel):
    urgency: Annotated[str, CodeOf("urgency")]
    languages: list[Annotated[str, CodeOf("language")]] = []
    sex: Annotated[str, CodeOf("sex")] | None = None


def test_every_file_has_the_name_of_its_list() -> None:
    assert [path.stem for path in FILES] == list(CODE_LISTS)
    assert all(name == code_list.name for name, code_list in CODE_LISTS.items())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_contains_only_titles_codes_and_labels(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert set(content) == {"list", "title", "codes"}
    assert set(content["title"]) == {"en", "km"}
    assert all(set(code) == {"code", "en", "km"} for code in content["codes"])


@pytest.mark.parametrize("code_list", LISTS, ids=lambda code_list: code_list.name)
def test_codes_and_labels_of_a_list_are_unique(code_list: CodeList) -> None:
    for column in ("code", "en", "km"):
        values = [getattr(code, column) for code in code_list.codes]
        assert len(values) == len(set(values)) > 0


@pytest.mark.parametrize("code_list", LISTS, ids=lambda code_list: code_list.name)
def test_list_has_an_english_and_a_khmer_title(code_list: CodeList) -> None:
    assert code_list.titles["en"].isascii()
    assert re.search("[\u1780-\u17b3]", code_list.titles["km"])


@pytest.mark.parametrize("code_list", LISTS, ids=lambda code_list: code_list.name)
def test_codes_are_snake_case_and_labels_use_their_script(code_list: CodeList) -> None:
    for code in code_list.codes:
        assert re.fullmatch("[a-z0-9_]+", code.code)
        assert re.search("[A-Za-z]", code.en)
        assert not re.search("[\u1780-\u17ff]", code.en)
        assert re.search("[\u1780-\u17b3]", code.km)


@pytest.mark.parametrize("code_list", LISTS, ids=lambda code_list: code_list.name)
def test_labels_are_normalized(code_list: CodeList) -> None:
    for text in (text for code in code_list.codes for text in (code.en, code.km)):
        assert text == unicodedata.normalize("NFC", " ".join(text.split()))
        assert not [char for char in text if unicodedata.category(char) in {"Cf", "Cc", "Co", "Cn"}]


@pytest.mark.parametrize("code_list", LISTS, ids=lambda code_list: code_list.name)
def test_khmer_labels_are_valid_khmer(code_list: CodeList) -> None:
    # A coeng joins two consonants. A dependent vowel or sign follows a letter.
    for text in (code_list.titles["km"], *(code.km for code in code_list.codes)):
        assert not re.search("\u17d2(?![\u1780-\u17a2])", text)
        assert not re.search("(?:^|[^\u1780-\u17d3])[\u17b6-\u17d3]", text)


def test_labels_avoid_stigmatizing_words() -> None:
    words = " ".join(code.en.lower() for code_list in LISTS for code in code_list.codes)
    assert not re.search("perpetrator|offender|abuser|victim", words)


@pytest.mark.parametrize(("name", "expected"), CONTRACT_CODES.items(), ids=list(CONTRACT_CODES))
def test_codes_of_the_contract_do_not_change(name: str, expected: tuple[str, ...]) -> None:
    assert get_codes(name) == expected


@pytest.mark.parametrize(("name", "expected"), PARTNER_CODES.items(), ids=list(PARTNER_CODES))
def test_lists_contain_the_codes_that_partners_send(name: str, expected: set[str]) -> None:
    assert expected <= set(get_codes(name))


def test_case_kinds_are_a_subset_of_concern_kinds() -> None:
    assert set(get_codes("case_kind")) < set(get_codes("concern_kind"))


def test_label_is_returned_in_the_requested_language() -> None:
    assert get_code_label("urgency", "urgent", "en") == "Urgent"
    assert get_code_label("urgency", "urgent", "km") == "បន្ទាន់"
    assert get_code_label("urgency", "urgent", "fr") == "Urgent"


@pytest.mark.parametrize(("name", "code"), [("urgency", "someday"), ("someday", "urgent"), ("", "")])
def test_label_of_an_unknown_code_is_not_found(name: str, code: str) -> None:
    with pytest.raises(NotFound) as raised:
        get_code_label(name, code, "en")
    assert "someday" not in str(raised.value)


def test_unknown_list_raises_not_found() -> None:
    with pytest.raises(NotFound):
        get_codes("urgencies")
    with pytest.raises(NotFound):
        CodeOf("urgencies")


@pytest.mark.parametrize("name", CODE_LISTS)
def test_every_code_is_accepted_and_serialized_unchanged(name: str) -> None:
    field = TypeAdapter[str](Annotated[str, CodeOf(name)])
    for code in get_codes(name):
        assert field.dump_python(field.validate_python(code)) == code
        assert field.validate_json(field.dump_json(code)) == code


@pytest.mark.parametrize("value", ["URGENT", " urgent", "", "Urgent", 1, None, True, ["urgent"], {"a": 1}])
def test_value_that_is_not_a_code_is_a_literal_error(value: Any) -> None:
    with pytest.raises(ValidationError) as raised:
        Intake(urgency=value)
    assert [(error["type"], error["loc"]) for error in raised.value.errors()] == [
        ("literal_error", ("urgency",))
    ]


@given(st.text("urgentmcyoi URGENT_-1\u200b\u1780", max_size=12).filter(lambda text: text not in URGENCIES))
def test_text_that_is_not_a_code_is_rejected(text: str) -> None:
    with pytest.raises(ValidationError):
        Intake.model_validate({"urgency": text})


def test_wrong_code_in_an_array_is_located() -> None:
    with pytest.raises(ValidationError) as raised:
        Intake(urgency="urgent", languages=["km", "klingon"])
    assert raised.value.errors()[0]["loc"] == ("languages", 1)


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_json_schema_refers_to_one_named_enum_per_list(mode: Any) -> None:
    schema = Intake.model_json_schema(mode=mode)
    properties, enums = schema["properties"], schema["$defs"]
    assert properties["urgency"] == {"$ref": "#/$defs/Urgency"}
    assert enums["Urgency"] == {"type": "string", "enum": ["emergency", "urgent", "routine"]}
    assert properties["languages"]["items"] == {"$ref": "#/$defs/Language"}
    assert enums["Language"]["enum"] == list(get_codes("language"))
    assert properties["sex"]["anyOf"] == [{"$ref": "#/$defs/Sex"}, {"type": "null"}]
    assert enums["Sex"] == {"type": "string", "enum": list(get_codes("sex"))}


def test_stored_code_outside_its_list_is_serialized() -> None:
    assert Intake.model_construct(urgency="retired").model_dump_json() == (
        '{"urgency":"retired","languages":[],"sex":null}'
    )


def test_code_lists_are_immutable() -> None:
    with pytest.raises(TypeError):
        CODE_LISTS["urgency"] = LISTS[0]  # type: ignore[index]  # the assignment must fail
    with pytest.raises(TypeError):
        CODE_LISTS["urgency"].titles["en"] = "Haste"  # type: ignore[index]  # the assignment must fail
