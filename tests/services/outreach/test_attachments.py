"""Attachments of outreach activities: upload, download, lists and marks."""

import asyncio
import uuid
from base64 import b64encode

import pytest

from app.services.outreach import attachments
from tests.support.documents import ACCEPTED_FILES, REJECTED_FILES
from tests.support.list_pages import check_order
from tests.support.outreach import ACTIVITIES, ATTACHMENT_PAYLOAD, create_activity, create_attachment
from tests.support.responses import expect_json, get_etag, parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario
from tests.support.sql_statements import record_statements

ATTACHMENTS = "/v1/outreach-attachments"
REASON = {"reason": "The photo shows another school."}


@pytest.mark.parametrize("name", ["pdf", "png", "docx", "text"])
async def test_attachment_is_downloaded_unchanged(scenario: Scenario, name: str) -> None:
    # Catches: the content of another attachment in DOWNLOAD_QUERY.
    content, media_type = ACCEPTED_FILES[name]
    activity = await create_activity(scenario)
    await create_attachment(scenario, activity)
    attachment = await create_attachment(
        scenario,
        activity,
        content=b64encode(content).decode(),
        description="Two pages.",
        file_name="Résumé.exe",
    )
    assert (attachment["media_type"], attachment["size"]) == (media_type, len(content))
    assert (attachment["title"], attachment["description"]) == ("Programme", "Two pages.")
    assert attachment["recorded_by"]["name"] == "Worker North"
    path = f"{ATTACHMENTS}/{attachment['id']}"
    for reader in (scenario.finance, scenario.admin, scenario.me_officer):
        assert expect_json(await reader.get(path)) == attachment
        file_response = await reader.get(f"{path}/content")
        assert (file_response.status_code, file_response.content) == (200, content)
        assert file_response.headers["content-type"].partition(";")[0] == media_type
        assert file_response.headers["content-disposition"].startswith("attachment; ")
        assert file_response.headers["cache-control"] == "no-store"
    for outsider in (scenario.dpo, scenario.partner_one, scenario.reporting):
        assert (await outsider.get(path)).status_code == 403
        assert (await outsider.get(f"{path}/content")).status_code == 403


async def test_rejected_upload_stores_nothing(scenario: Scenario) -> None:
    # Catches: `decode_file` without `detect_media_type`.
    activity = await create_activity(scenario)
    path = f"{ACTIVITIES}/{activity['id']}/attachments"
    for name in ("html", "svg", "word with macros", "windows program"):
        payload = {**ATTACHMENT_PAYLOAD, "content": b64encode(REJECTED_FILES[name]).decode()}
        faults = parse_faults(await scenario.worker_north.post(path, payload))
        assert faults == {("/content", "media_type_unsupported")}, name
    not_base64 = await scenario.worker_north.post(path, {**ATTACHMENT_PAYLOAD, "content": "????"})
    assert parse_faults(not_base64) == {("/content", "base64_invalid")}
    assert (await scenario.finance.post(path, ATTACHMENT_PAYLOAD)).status_code == 403
    unknown = f"{ACTIVITIES}/{uuid.uuid4()}/attachments"
    assert (await scenario.worker_north.post(unknown, ATTACHMENT_PAYLOAD)).status_code == 404
    assert (await scenario.worker_north.get(unknown)).status_code == 404
    assert expect_json(await scenario.worker_north.get(path))["items"] == []
    assert expect_json(await scenario.worker_north.get(f"{ACTIVITIES}/{activity['id']}")) == activity


async def test_large_file_is_accepted_and_a_larger_one_rejected(scenario: Scenario) -> None:
    # Catches: `_UPLOAD_PATH` without the attachments of outreach activities.
    activity = await create_activity(scenario)
    large = b"%PDF-1.7\n" + bytes(3 * 1024 * 1024)
    attachment = await create_attachment(scenario, activity, content=b64encode(large).decode())
    assert attachment["size"] == len(large)
    path = f"{ACTIVITIES}/{activity['id']}/attachments"
    too_large = {**ATTACHMENT_PAYLOAD, "content": b64encode(b"%PDF-1.7\n" + bytes(11 * 1024 * 1024)).decode()}
    assert (await scenario.worker_north.post(path, too_large)).status_code in {413, 422}
    assert (await scenario.http.post(path, json=ATTACHMENT_PAYLOAD)).status_code == 401


async def test_upload_can_be_retried(scenario: Scenario) -> None:
    path = f"{ACTIVITIES}/{(await create_activity(scenario))['id']}/attachments"
    payload = {**ATTACHMENT_PAYLOAD, "id": str(uuid.uuid4())}
    first = await scenario.worker_north.post(path, payload, key="once")
    retried = await scenario.worker_north.post(path, payload, key="once")
    assert (first.status_code, retried.json()) == (201, first.json())
    assert first.headers["location"] == f"{ATTACHMENTS}/{payload['id']}"
    assert (await scenario.worker_north.post(path, payload)).status_code == 409
    assert len(expect_json(await scenario.manager.get(path))["items"]) == 1


async def test_attachments_are_listed_without_their_files(scenario: Scenario) -> None:
    activity = await create_activity(scenario)
    other = await create_attachment(scenario, await create_activity(scenario))
    created = [await create_attachment(scenario, activity, title=f"Photo {number}") for number in range(3)]
    path = f"{ACTIVITIES}/{activity['id']}/attachments"
    await check_order(scenario.finance, path, "created_at", [attachment["id"] for attachment in created])
    with record_statements(scenario) as statements:
        page = expect_json(await scenario.finance.get(f"{path}?count=true"))
    assert (page["items"], page["total"]) == (created[::-1], 3)
    assert other["id"] not in str(page)
    assert not any("content_encrypted" in statement for statement in statements)
    assert expect_json(await scenario.finance.get(f"{ACTIVITIES}/{activity['id']}"))["attachment_count"] == 3


async def test_marked_attachment_stays_readable_and_does_not_count(scenario: Scenario) -> None:
    # Catches: `is_valid` omitted from the number of attachments.
    activity = await create_activity(scenario)
    attachment = await create_attachment(scenario, activity)
    path = f"{ATTACHMENTS}/{attachment['id']}"
    assert (await scenario.admin.post(f"{path}/enter-in-error", REASON, etag='"1"')).status_code == 403
    assert (await scenario.manager.post(f"{path}/enter-in-error", REASON, etag='"2"')).status_code == 412
    marked = expect_json(await scenario.manager.post(f"{path}/enter-in-error", REASON, etag='"1"'))
    assert marked["entered_in_error"]["reason"] == REASON["reason"]
    again = await scenario.manager.post(f"{path}/enter-in-error", REASON, etag='"2"')
    assert parse_unmet_pointers(again) == {"entered_in_error": None}
    assert (await scenario.finance.get(f"{path}/content")).status_code == 200
    list_path = f"{ACTIVITIES}/{activity['id']}/attachments"
    assert expect_json(await scenario.finance.get(list_path))["items"] == []
    assert expect_json(await scenario.finance.get(f"{list_path}?entered_in_error=true"))["items"] == [marked]
    assert expect_json(await scenario.finance.get(f"{ACTIVITIES}/{activity['id']}"))["attachment_count"] == 0
    history = expect_json(await scenario.finance.get(f"{ACTIVITIES}/{activity['id']}/history"))["items"]
    assert [entry["changes"] for entry in history] == [
        [{"field": "attachments", "before": "Programme", "after": None}],
        [{"field": "attachments", "before": None, "after": "Programme"}],
    ]


async def test_marked_activity_rejects_new_attachments_and_marks_of_attachments(scenario: Scenario) -> None:
    # Catches: `check_not_entered_in_error` omitted from `create_outreach_attachment`, from `mark_outreach_attachment`.
    activity = await create_activity(scenario)
    attachment = await create_attachment(scenario, activity)
    path = f"{ACTIVITIES}/{activity['id']}"
    etag = await get_etag(path, scenario.manager)
    expect_json(await scenario.manager.post(f"{path}/enter-in-error", REASON, etag=etag))
    for refused in (
        await scenario.worker_north.post(f"{path}/attachments", ATTACHMENT_PAYLOAD),
        await scenario.manager.post(f"{ATTACHMENTS}/{attachment['id']}/enter-in-error", REASON, etag='"1"'),
    ):
        assert parse_unmet_pointers(refused) == {"entered_in_error": None}


async def test_concurrent_uploads_keep_the_maximum_number(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Catches: `get_for_share` instead of `get_for_update` in `create_outreach_attachment`.
    monkeypatch.setattr(attachments, "MAX_ATTACHMENTS", 3)
    activity = await create_activity(scenario)
    path = f"{ACTIVITIES}/{activity['id']}/attachments"
    responses = await asyncio.gather(
        *(scenario.worker_north.post(path, ATTACHMENT_PAYLOAD) for _ in range(6))
    )
    assert sorted(response.status_code for response in responses) == [201] * 3 + [409] * 3
    refused = next(response for response in responses if response.status_code == 409)
    assert parse_unmet_pointers(refused) == {"too_many": None}


async def test_title_with_personal_data_gets_a_warning(scenario: Scenario) -> None:
    activity = await create_activity(scenario)
    attachment = await create_attachment(
        scenario, activity, title="Photo of Mr Dara", description="012 345 678"
    )
    pointers = {warning["pointer"] for warning in attachment["warnings"]}
    assert pointers == {"/title", "/description"}
