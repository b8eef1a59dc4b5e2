"""The letter to a provider: exactly the shared fields, in English and Khmer, after the sending."""

from typing import Any

import pytest

from app.kit.dates import today
from app.kit.formatting import format_date
from app.schemas.codes import get_code_label, get_codes
from app.services.support.letter_content import LETTER_LABELS
from tests.support.case_lifecycle import create_case_path
from tests.support.printed_pages import extract_page_text, extract_text, parse_pdf
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario
from tests.support.service_referrals import create_consent, create_service_referral

VALUES = {
    "names": {"latin": "Test", "khmer": ""},
    "age": "years",
    "sex": "Male",
    "place": "Siem Reap",
    "phones": "012 999 888",
    "languages": "Khmer",
    "disability": "Seeing",
    "school": "Wat Bo school",
    "supporter": "Bopha",
    "need": "Zqx stomach pain.",
}
CHILD_PATCH = {
    "phones": [{"number": "012 999 888", "owner": "self", "safe_to_call": False}],
    "disability": {"has_difficulty": True, "difficulties": {"seeing": "some"}},
    "school": {"status": "attending", "grade": "4", "name": "Wat Bo school"},
}


async def send_referral(
    scenario: Scenario, *fields: str, need: str = "Zqx stomach pain."
) -> tuple[str, dict[str, Any]]:
    """Send a service referral that shares these fields. Return its path and the record."""
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    child_id = expect_json(await worker.get(case_path))["child_id"]
    expect_json(await worker.patch(f"/v1/children/{child_id}", CHILD_PATCH, etag='"1"'))
    consent_id = await create_consent(scenario, case_path)
    path = await create_service_referral(
        scenario, case_path, consent_id=consent_id, shared_fields=list(fields), need=need
    )
    return path, expect_json(await worker.act(path, "send"))


async def read_letter(scenario: Scenario, path: str, language: str = "en") -> Any:
    response = await scenario.worker_north.get(f"{path}/letter.pdf", params={"lang": language})
    assert response.status_code == 200, response.text
    assert response.headers["missing-characters"] == "0"
    assert response.headers["content-language"] == language
    return parse_pdf(response.content)


async def test_letter_exists_after_the_sending_only(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    path = await create_service_referral(scenario, case_path)
    refused = await worker.get(f"{path}/letter.pdf")
    assert parse_unmet_pointers(refused) == {"status": "/status"}
    expect_json(await worker.act(path, "send"))
    letter = await worker.get(f"{path}/letter.pdf?lang=km")
    assert (letter.status_code, letter.headers["content-type"]) == (200, "application/pdf")
    assert (await scenario.worker_south.get(f"{path}/letter.pdf")).status_code == 404
    assert (await worker.get(f"{path}/letter.pdf?lang=fr")).status_code == 422
    entries = await scenario.list_access_entries(letter.headers["x-request-id"])
    assert [entry["record"]["kind"] for entry in entries] == ["service_referral"]


@pytest.mark.parametrize("language", ["en", "km"])
async def test_letter_is_marked_on_every_page_after_the_consent_ended(
    scenario: Scenario, language: str
) -> None:
    # Catches: the mark on the first page only, or in the language of the letter only.
    need = "\n".join(f"Line {number} of the need." for number in range(80))
    path, referral = await send_referral(scenario, "need", need=need)
    warning = "Do not hand over this letter."
    assert warning not in extract_text(await read_letter(scenario, path, language))
    consent = f"/v1/consents/{referral['consent_id']}"
    expect_json(await scenario.worker_north.act(consent, "withdraw", {"reason": "No more."}))
    pages = (await read_letter(scenario, path, language)).pages
    assert len(pages) > 1
    for page in pages:
        text = extract_page_text(page)
        for written in ("en", "km"):
            assert LETTER_LABELS[written].recalled.format(format_date(today(), written)) in text
    assert "Line 79" in extract_page_text(pages[-1])


@pytest.mark.parametrize("language", ["en", "km"])
@pytest.mark.parametrize(
    "fields",
    [
        ("need",),
        ("names", "age", "sex", "need"),
        ("place", "phone", "languages"),
        ("phones", "disability", "school", "supporter"),
    ],
)
async def test_letter_contains_exactly_the_shared_fields(
    scenario: Scenario, fields: tuple[str, ...], language: str
) -> None:
    # Catches: one field more than the shared ones; the last one removed.
    path, referral = await send_referral(scenario, *fields)
    text = extract_text(await read_letter(scenario, path, language))
    labels = {code: get_code_label("shared_field", code, language) for code in get_codes("shared_field")}
    after_request = text.split(LETTER_LABELS[language].request[-12:])[-1]
    found = [code for code, label in labels.items() if _contains_line(after_request, label, labels.values())]
    assert sorted(found) == sorted(fields)
    given_name = (referral["shared"].get("names") or [{"given": "Test"}])[0]["given"]
    for field, value in {
        "names": given_name,
        "need": "Zqx",
        "supporter": "Bopha",
        "school": "Wat Bo",
    }.items():
        assert (value in text) == (field in fields), field


def _contains_line(text: str, label: str, labels: Any) -> bool:
    """Return whether a label occurs that is not only a part of a longer label."""
    for longer in labels:
        if label != longer and label in longer:
            text = text.replace(longer, "")
    return label in text


async def test_long_letter_keeps_the_signature_with_the_end_of_the_text(scenario: Scenario) -> None:
    # Catches: `following_height` 0.
    for length in (20, 33, 36, 39):
        need = "\n".join(f"Line {number} of the need." for number in range(length))
        path, _ = await send_referral(scenario, "need", need=need)
        reader = await read_letter(scenario, path)
        last_page = extract_page_text(reader.pages[-1])
        assert f"Line {length - 1}" in last_page
        assert "The social worker" in last_page
