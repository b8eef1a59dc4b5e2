"""Documents of a case: upload, download and lists."""

import asyncio
import uuid
from base64 import b64encode
from typing import Any

import pytest

from app.schemas.documents import MAX_FILE_BYTES
from app.services.support.media_types import EXTENSIONS
from tests.support.case_lifecycle import create_case_path
from tests.support.documents import (
    ACCEPTED_FILES,
    LETTER_CONTENT,
    REJECTED_FILES,
    letter_payload,
    upload_document,
)
from tests.support.list_pages import check_order, fetch_items
from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import Scenario, id_of
from tests.support.service_referrals import create_consent
from tests.support.sql_statements import record_statements

PNG_FILE = ACCEPTED_FILES["png"][0]


async def test_document_is_added_listed_and_downloaded_unchanged(scenario: Scenario) -> None:
    case_path, worker, document_id = (
        await create_case_path(scenario),
        scenario.worker_north,
        str(uuid.uuid4()),
    )
    [person] = expect_json(await worker.get(f"{case_path}/people"))["items"]
    payload = letter_payload(
        id=document_id, description="She asks for leave.", about={"kind": "person", "id": person["id"]}
    )
    response = await worker.post(f"{case_path}/documents", payload, key="once")
    document, document_path = expect_json(response, 201), f"/v1/documents/{document_id}"
    assert (response.headers["location"], response.headers["etag"]) == (document_path, '"1"')
    expected_fields = {name: payload[name] for name in ("id", "kind", "title", "description", "about")}
    assert {name: document[name] for name in expected_fields} == expected_fields
    assert (document["tier"], document["media_type"], document["size"]) == (
        "case",
        "text/plain",
        len(LETTER_CONTENT),
    )
    assert (document["author_id"], document["file_name"]) == (str(worker.id), "To the school.txt")
    assert "content" not in document
    assert expect_json(await worker.get(document_path)) == document
    assert expect_json(await worker.get(f"{case_path}/documents"))["items"] == [document]
    file_response = await worker.get(f"{document_path}/content")
    assert (file_response.status_code, file_response.content) == (200, LETTER_CONTENT)

    replayed_response = await worker.post(f"{case_path}/documents", payload, key="once")
    assert (replayed_response.headers["idempotent-replayed"], replayed_response.json()) == ("true", document)
    reused_response = await worker.post(
        f"{case_path}/documents", {**payload, "content": b64encode(PNG_FILE).decode()}, key="once"
    )
    assert (reused_response.status_code, reused_response.json()["type"]) == (
        422,
        "urn:firststep:problem:idempotency-key-reused",
    )
    assert (await worker.post(f"{case_path}/documents", payload)).status_code == 409
    entry = expect_json(await worker.get(f"{case_path}/timeline"))["items"][0]
    assert (entry["kind"], entry["record_id"], entry["detail"]) == (
        "document_added",
        document_id,
        {"kind": "letter"},
    )


@pytest.mark.parametrize("name", ACCEPTED_FILES)
async def test_accepted_file_is_downloaded_with_its_detected_type(scenario: Scenario, name: str) -> None:
    content, media_type = ACCEPTED_FILES[name]
    case_path = await create_case_path(scenario)
    await create_consent(scenario, case_path, scope=["recording"])
    document = await upload_document(scenario, case_path, content=content, file_name="Résumé ខ្មែរ.exe")
    extension = EXTENSIONS[media_type][0]
    assert (document["media_type"], document["file_name"]) == (media_type, f"Résumé ខ្មែរ.exe{extension}")
    file_response = await scenario.worker_north.get(f"/v1/documents/{document['id']}/content")
    assert file_response.content == content
    assert file_response.headers["content-type"].partition(";")[0] == media_type
    assert file_response.headers["content-disposition"] == (
        f'attachment; filename="R_sum_ _____.exe{extension}"; '
        f"filename*=UTF-8''R%C3%A9sum%C3%A9%20%E1%9E%81%E1%9F%92%E1%9E%98%E1%9F%82%E1%9E%9A.exe{extension}"
    )
    assert (file_response.headers["x-content-type-options"], file_response.headers["cache-control"]) == (
        "nosniff",
        "no-store",
    )
    policy = file_response.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "sandbox"} <= set(policy)
    assert file_response.headers["cross-origin-resource-policy"] == "same-origin"


async def test_file_name_extension_matches_the_content(scenario: Scenario) -> None:
    case_path = await create_case_path(scenario)
    for sent_name, content, expected_name in (
        ("letter.TXT", LETTER_CONTENT, "letter.TXT"),
        ("photo.jpeg", ACCEPTED_FILES["jpeg"][0], "photo.jpeg"),
        ("page.html", b"Hello <script>alert(1)</script>", "page.html.txt"),
        ("invoice.pdf", PNG_FILE, "invoice.pdf.png"),
        ("../../etc/passwd", LETTER_CONTENT, "_.._etc_passwd.txt"),
        ('a"\r\nSet-Cookie: x=1', LETTER_CONTENT, "a_ Set-Cookie_ x=1.txt"),
        ("\u202egnp.exe", PNG_FILE, None),
        ("..", LETTER_CONTENT, "document.txt"),
    ):
        document = await upload_document(scenario, case_path, content=content, file_name=sent_name)
        if expected_name is not None:
            assert document["file_name"] == expected_name
        assert document["file_name"].isprintable()
        file_response = await scenario.worker_north.get(f"/v1/documents/{document['id']}/content")
        assert file_response.status_code == 200
        assert "set-cookie" not in file_response.headers
        assert "script" not in file_response.headers["content-type"]


async def test_rejected_upload_stores_nothing(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    for name, content in REJECTED_FILES.items():
        response = await worker.post(
            f"{case_path}/documents", letter_payload(content, file_name="letter.pdf")
        )
        assert parse_faults(response) in (
            {("/content", "media_type_unsupported")},
            {("/content", "string_too_short")},
        ), name
    other_case_path = await create_case_path(scenario)
    [other_person] = expect_json(await worker.get(f"{other_case_path}/people"))["items"]
    for invalid_fields, expected_fault in (
        ({"content": "no base64!"}, ("/content", "base64_invalid")),
        ({"content": "QUJD\n"}, ("/content", "base64_invalid")),
        ({"content": "ខ្មែរ"}, ("/content", "base64_invalid")),
        ({"content": None}, ("/content", "string_type")),
        ({"kind": "secret"}, ("/kind", "literal_error")),
        ({"tier": "public"}, ("/tier", "literal_error")),
        ({"title": ""}, ("/title", "string_too_short")),
        ({"media_type": "image/png"}, ("/media_type", "extra_forbidden")),
        ({"about": {"kind": "person", "id": str(uuid.uuid4())}}, ("/about", "reference_unknown")),
        ({"about": {"kind": "person", "id": other_person["id"]}}, ("/about", "reference_unknown")),
        ({"about": {"kind": "agency", "id": str(id_of("Helping Hands"))}}, ("/about", "reference_unknown")),
    ):
        assert parse_faults(
            await worker.post(f"{case_path}/documents", {**letter_payload(), **invalid_fields})
        ) == {expected_fault}, invalid_fields
    assert expect_json(await worker.get(f"{case_path}/documents"))["items"] == []


async def test_file_size_is_limited_to_ten_mebibytes(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    largest_file = PNG_FILE + bytes(MAX_FILE_BYTES - len(PNG_FILE))
    long_texts = {"title": "ក" * 200, "description": "ក" * 4000}
    document = await upload_document(scenario, case_path, content=largest_file, **long_texts)
    assert document["size"] == MAX_FILE_BYTES
    file_response = await worker.get(f"/v1/documents/{document['id']}/content")
    assert file_response.content == largest_file

    response = await worker.post(f"{case_path}/documents", letter_payload(largest_file + b"\0"))
    assert parse_faults(response) == {("/content", "file_too_large")}
    response = await worker.post(f"{case_path}/documents", letter_payload(largest_file + bytes(1_000_000)))
    assert (response.status_code, response.json()["type"]) == (413, "urn:firststep:problem:too-large")


async def test_anonymous_request_body_is_limited(scenario: Scenario) -> None:
    case_path = await create_case_path(scenario)
    sent_bytes = 0

    async def stream_body() -> Any:
        nonlocal sent_bytes
        while sent_bytes < 10_000_000:
            sent_bytes += 100_000
            yield b"x" * 100_000

    headers = {"content-type": "application/json"}
    for authorization in (None, "Bearer x.y.z"):
        authorization_header = {"authorization": authorization} if authorization else {}
        response = await scenario.http.post(
            f"{case_path}/documents", content=stream_body(), headers={**headers, **authorization_header}
        )
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        assert sent_bytes == 0
    response = await scenario.worker_north.request(
        "POST", f"{case_path}/people", content=stream_body(), headers=headers
    )
    assert response.status_code == 413
    assert sent_bytes < 2_000_000


async def test_list_filters_and_pages_without_reading_files(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    letter = await upload_document(scenario, case_path)
    about = {"kind": "document", "id": letter["id"]}
    for kind in ("receipt", "drawing"):
        await upload_document(scenario, case_path, kind=kind, tier="clinical", about=about)
    for filters, count in (
        ({"kind": "receipt"}, 1),
        ({"kind": "receipt,letter"}, 2),
        ({"tier": "clinical"}, 2),
        ({"tier": "clinical,case"}, 3),
        ({"about_id": letter["id"]}, 2),
    ):
        assert (
            len(expect_json(await worker.get(f"{case_path}/documents", params=filters))["items"]) == count
        ), filters
    items = await fetch_items(worker, f"{case_path}/documents", limit=2)
    assert [item["kind"] for item in items] == ["drawing", "receipt", "letter"]
    ids = [item["id"] for item in items]
    await check_order(worker, f"{case_path}/documents", "created_at", ids[::-1])
    assert letter in items
    assert letter["author"] == {"id": str(worker.id), "name": "Worker North"}
    with record_statements(scenario) as statements:
        expect_json(await worker.get(f"{case_path}/documents"))
    assert len(statements) == 1
    assert not any("document_contents" in statement for statement in statements)


async def test_access_log_distinguishes_metadata_and_download(scenario: Scenario) -> None:
    case_path = await create_case_path(scenario)
    document = await upload_document(scenario, case_path)
    for suffix, kind in (("", "document"), ("/content", "document_content")):
        response = await scenario.manager.get(f"/v1/documents/{document['id']}{suffix}")
        [entry] = await scenario.list_access_entries(response.headers["x-request-id"])
        assert entry["record"] == {"kind": kind, "id": document["id"]}
        assert (entry["act"], entry["outcome"], entry["child_id"]) == (
            "document.read",
            "allowed",
            document["child_id"],
        )


async def test_concurrent_retries_of_an_upload_create_one_document(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    responses = await asyncio.gather(
        *(worker.post(f"{case_path}/documents", letter_payload(), key="twice") for _ in range(4))
    )
    assert {response.status_code for response in responses} <= {201, 409}
    assert len(expect_json(await worker.get(f"{case_path}/documents"))["items"]) == 1
