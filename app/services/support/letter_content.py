"""The content of the letter to a provider: the shared values as text, and the fixed labels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from app.kit.formatting import format_number, format_person_names
from app.schemas.codes import get_code_label


class LetterLabels(NamedTuple):
    """The fixed labels of the letter in one language."""

    organisation: str
    title: str
    recipient: str
    service: str
    sent_on: str
    sender: str
    request: str
    unknown: str
    years: str
    unsafe_to_call: str
    no_difficulty: str
    agreement: str
    worker: str
    signature: str
    date: str
    page: str
    confidential: str
    recalled: str
    """Mark of a letter whose shared data has to be recalled. The placeholder is the day on which the consent ended."""


LETTER_LABELS = {
    "en": LetterLabels(
        organisation="First Step Cambodia",
        title="Referral to a service provider",
        recipient="To",
        service="Service",
        sent_on="Date",
        sender="From",
        request="We ask you to provide this service. Use the information below only for it, and tell nobody else.",
        unknown="Not known",
        years="{} years",
        unsafe_to_call="do not call",
        no_difficulty="No difficulty",
        agreement="For First Step Cambodia:",
        worker="The social worker",
        signature="Signature",
        date="Date",
        page="Page {} of {}",
        confidential="Confidential",
        recalled="Consent withdrawn on {}. Do not hand over this letter.",
    ),
    "km": LetterLabels(
        organisation="First Step Cambodia",
        title="លិខិតបញ្ជូនទៅអ្នកផ្តល់សេវា",
        recipient="ជូនចំពោះ",
        service="សេវា",
        sent_on="កាលបរិច្ឆេទ",
        sender="ផ្ញើដោយ",
        request="យើងខ្ញុំស្នើសុំឱ្យលោកអ្នកផ្តល់សេវានេះ។ សូមប្រើព័ត៌មានខាងក្រោមសម្រាប់សេវានេះតែប៉ុណ្ណោះ ហើយកុំប្រាប់អ្នកដទៃ។",
        unknown="មិនទាន់ដឹង",
        years="{} ឆ្នាំ",
        unsafe_to_call="កុំហៅទូរស័ព្ទ",
        no_difficulty="គ្មានការលំបាក",
        agreement="តំណាងឱ្យ First Step Cambodia៖",
        worker="បុគ្គលិកសង្គមកិច្ច",
        signature="ហត្ថលេខា",
        date="កាលបរិច្ឆេទ",
        page="ទំព័រទី {} នៃ {}",
        confidential="សម្ងាត់",
        recalled="ការយល់ព្រមត្រូវបានដកវិញនៅថ្ងៃទី {}។ កុំប្រគល់លិខិតនេះ។",
    ),
}


@dataclass(frozen=True, slots=True)
class PrintableLetter:
    """A sent service referral as the letter shows it. It contains no value that was not shared."""

    file_name: str
    provider_name: str
    service: str
    sent_on: date
    sender_name: str
    fields: list[tuple[str, str]]
    """Label and text of each shared field."""
    recall_requested_on: date | None
    """Day on which the consent ended; None if it permits the sharing."""
    language: str


def build_letter_fields(
    shared: Mapping[str, Any], place_names: Mapping[str | None, str], language: str
) -> list[tuple[str, str]]:
    """Return the label and the text of each shared field, in the order in which they were chosen."""
    writer = _FieldWriter(place_names, language)
    return [
        (get_code_label("shared_field", field, language), writer.write(field, value))
        for field, value in shared.items()
    ]


@dataclass(frozen=True, slots=True)
class _FieldWriter:
    place_names: Mapping[str | None, str]
    language: str

    def write(self, field: str, value: Any) -> str:
        """Return the text of a shared value."""
        lines = [] if value is None else list(getattr(self, f"_list_{field}_lines")(value))
        return "\n".join(filter(None, lines)) or LETTER_LABELS[self.language].unknown

    def _label(self, code_list: str, code: str) -> str:
        return get_code_label(code_list, code, self.language)

    def _list_names_lines(self, names: Any) -> list[str]:
        return format_person_names({"names": names}, self.language)  # type: ignore[arg-type]  # only the names of a person are shared

    def _list_age_lines(self, age: Any) -> list[str]:
        years = age["min"] if age["min"] == age["max"] else f"{age['min']}-{age['max']}"
        return [LETTER_LABELS[self.language].years.format(format_number(years, self.language))]

    def _list_sex_lines(self, sex: str) -> list[str]:
        return [self._label("sex", sex)]

    def _list_place_lines(self, place: Any) -> list[str]:
        return [self.place_names.get(place["place_code"], ""), place["address_detail"] or ""]

    def _list_phone_lines(self, phone: Any) -> list[str]:
        owner = self._label("phone_owner", phone["owner"]) if phone["owner"] else ""
        warning = "" if phone["safe_to_call"] is not False else LETTER_LABELS[self.language].unsafe_to_call
        return [", ".join(filter(None, (phone["number"], owner, phone["note"], warning)))]

    def _list_phones_lines(self, phones: Any) -> Iterator[str]:
        for phone in phones:
            yield from self._list_phone_lines(phone)

    def _list_languages_lines(self, languages: Any) -> list[str]:
        return [", ".join(self._label("language", language) for language in languages)]

    def _list_disability_lines(self, disability: Any) -> list[str]:
        if not disability["has_difficulty"]:
            return [LETTER_LABELS[self.language].no_difficulty, disability["note"] or ""]
        difficulties = [
            f"{self._label('difficulty_domain', domain)}: {self._label('difficulty_level', level)}"
            for domain, level in disability["difficulties"].items()
        ]
        return [*difficulties, disability["note"] or ""]

    def _list_school_lines(self, school: Any) -> list[str]:
        grade = self._label("school_grade", school["grade"]) if school["grade"] else ""
        return [self._label("school_status", school["status"]), grade, school["name"] or ""]

    def _list_supporter_lines(self, supporters: Any) -> Iterator[str]:
        for supporter in supporters:
            yield " · ".join(self._list_names_lines(supporter["names"] or []))
            yield from self._list_phones_lines(supporter["phones"])

    def _list_need_lines(self, need: str) -> list[str]:
        return [need]
