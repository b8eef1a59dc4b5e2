"""Documents on a case: what goes in, what comes out, who reads which tier."""

import asyncio
import uuid
from base64 import b64encode
from typing import Any

import httpx
import pytest

from app.access.encryption import get_encryption_key_id
from app.config import Settings, get_settings
from app.schemas.documents import MAX_FILE_BYTES
from app.server import key_rotation as key_care
from app.services.support.media_types import EXTENSIONS
from tests.support.case_lifecycle import create_case_path
from tests.support.documents import (
    ACCEPTED_FILES,
    LETTER_CONTENT,
    REJECTED_FILES,
    letter_payload,
    upload_document,
)
from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import Scenario, id_of
from tests.support.sql_statements import record_statements

PNG = ACCEPTED_FILES["png"][0]


async def test_a_document_is_added_listed_and_its_file_comes_back_as_it_was(scenario: Scenario) -> None:
    case, worker, chosen = await create_case_path(scenario), scenario.worker_north, str(uuid.uuid4())
    [mother] = expect_json(await worker.get(f"{case}/people"))["items"]
    told = letter_payload(
        id=chosen, description="She asks for leave.", about={"kind": "person", "id": mother["id"]}
    )
    made = await worker.post(f"{case}/documents", told, key="once")
    document, here = expect_json(made, 201), f"/v1/documents/{chosen}"
    assert (made.headers["location"], made.headers["etag"]) == (here, '"1"')
    kept = {name: told[name] for name in ("id", "kind", "title", "description", "about")}
    assert {name: document[name] for name in kept} == kept
    assert (document["tier"], document["media_type"], document["size"]) == (
        "case",
        "text/plain",
        len(LETTER_CONTENT),
    )
    assert (document["author_id"], document["file_name"]) == (str(worker.id), "To the school.txt")
    assert "content" not in document
    assert expect_json(await worker.get(here)) == document
    assert expect_json(await worker.get(f"{case}/documents"))["items"] == [document]
    file = await worker.get(f"{here}/content")
    assert (file.status_code, file.content) == (200, LETTER_CONTENT)

    again = await worker.post(f"{case}/documents", told, key="once")
    assert (again.headers["idempotent-replayed"], again.json()) == ("true", document)
    other = await worker.post(f"{case}/documents", {**told, "content": b64encode(PNG).decode()}, key="once")
    assert (other.status_code, other.json()["type"]) == (422, "urn:firststep:problem:idempotency-key-reused")
    assert (await worker.post(f"{case}/documents", told)).status_code == 409
    line = expect_json(await worker.get(f"{case}/timeline"))["items"][0]
    assert (line["kind"], line["record_id"], line["detail"]) == ("document_added", chosen, {"kind": "letter"})


@pytest.mark.parametrize("name", ACCEPTED_FILES)
async def test_every_kind_that_is_taken_is_served_as_what_it_is(scenario: Scenario, name: str) -> None:
    content, media_type = ACCEPTED_FILES[name]
    document = await upload_document(
        scenario, await create_case_path(scenario), content=content, file_name="Résumé ខ្មែរ.exe"
    )
    ending = EXTENSIONS[media_type][0]
    assert (document["media_type"], document["file_name"]) == (media_type, f"Résumé ខ្មែរ.exe{ending}")
    file = await scenario.worker_north.get(f"/v1/documents/{document['id']}/content")
    assert file.content == content
    assert file.headers["content-type"].partition(";")[0] == media_type
    assert file.headers["content-disposition"] == (
        f'attachment; filename="R_sum_ _____.exe{ending}"; '
        f"filename*=UTF-8''R%C3%A9sum%C3%A9%20%E1%9E%81%E1%9F%92%E1%9E%98%E1%9F%82%E1%9E%9A.exe{ending}"
    )
    assert (file.headers["x-content-type-options"], file.headers["cache-control"]) == ("nosniff", "no-store")
    policy = file.headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "sandbox"} <= set(policy)
    assert file.headers["cross-origin-resource-policy"] == "same-origin"


async def test_a_name_cannot_make_a_file_what_it_is_not(scenario: Scenario) -> None:
    case = await create_case_path(scenario)
    for given, content, name in (
        ("letter.TXT", LETTER_CONTENT, "letter.TXT"),
        ("photo.jpeg", ACCEPTED_FILES["jpeg"][0], "photo.jpeg"),
        ("page.html", b"Hello <script>alert(1)</script>", "page.html.txt"),
        ("invoice.pdf", PNG, "invoice.pdf.png"),
        ("../../etc/passwd", LETTER_CONTENT, "_.._etc_passwd.txt"),
        ('a"\r\nSet-Cookie: x=1', LETTER_CONTENT, "a_ Set-Cookie_ x=1.txt"),
        ("\u202egnp.exe", PNG, None),
        ("..", LETTER_CONTENT, "document.txt"),
    ):
        document = await upload_document(scenario, case, content=content, file_name=given)
        if name is not None:
            assert document["file_name"] == name
        assert document["file_name"].isprintable()
        file = await scenario.worker_north.get(f"/v1/documents/{document['id']}/content")
        assert file.status_code == 200
        assert "set-cookie" not in file.headers
        assert "script" not in file.headers["content-type"]


async def test_what_is_refused_leaves_nothing(scenario: Scenario) -> None:
    case, worker = await create_case_path(scenario), scenario.worker_north
    for name, content in REJECTED_FILES.items():
        answer = await worker.post(f"{case}/documents", letter_payload(content, file_name="letter.pdf"))
        assert parse_faults(answer) in (
            {("/content", "media_type_unsupported")},
            {("/content", "string_too_short")},
        ), name
    other = await create_case_path(scenario)
    [elsewhere] = expect_json(await worker.get(f"{other}/people"))["items"]
    for wrong, fault in (
        ({"content": "no base64!"}, ("/content", "base64_invalid")),
        ({"content": "QUJD\n"}, ("/content", "base64_invalid")),
        ({"content": "ខ្មែរ"}, ("/content", "base64_invalid")),
        ({"content": None}, ("/content", "string_type")),
        ({"kind": "secret"}, ("/kind", "literal_error")),
        ({"tier": "public"}, ("/tier", "literal_error")),
        ({"title": ""}, ("/title", "string_too_short")),
        ({"media_type": "image/png"}, ("/media_type", "extra_forbidden")),
        ({"about": {"kind": "person", "id": str(uuid.uuid4())}}, ("/about", "reference_unknown")),
        ({"about": {"kind": "person", "id": elsewhere["id"]}}, ("/about", "reference_unknown")),
        ({"about": {"kind": "agency", "id": str(id_of("Helping Hands"))}}, ("/about", "reference_unknown")),
    ):
        assert parse_faults(await worker.post(f"{case}/documents", {**letter_payload(), **wrong})) == {
            fault
        }, wrong
    assert expect_json(await worker.get(f"{case}/documents"))["items"] == []


async def test_ten_mebibytes_are_taken_and_one_byte_more_is_not(scenario: Scenario) -> None:
    case, worker = await create_case_path(scenario), scenario.worker_north
    largest = PNG + bytes(MAX_FILE_BYTES - len(PNG))
    said = {"title": "ក" * 200, "description": "ក" * 4000}
    document = await upload_document(scenario, case, content=largest, **said)
    assert document["size"] == MAX_FILE_BYTES
    file = await worker.get(f"/v1/documents/{document['id']}/content")
    assert file.content == largest

    answer = await worker.post(f"{case}/documents", letter_payload(largest + b"\0"))
    assert parse_faults(answer) == {("/content", "file_too_large")}
    answer = await worker.post(f"{case}/documents", letter_payload(largest + bytes(1_000_000)))
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:firststep:problem:too-large")


async def test_nobody_without_a_token_sends_much(scenario: Scenario) -> None:
    case = await create_case_path(scenario)
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 10_000_000:
            sent += 100_000
            yield b"x" * 100_000

    headers = {"content-type": "application/json"}
    for token in (None, "Bearer x.y.z"):
        known = {"authorization": token} if token else {}
        answer = await scenario.http.post(
            f"{case}/documents", content=endless(), headers={**headers, **known}
        )
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert sent == 0
    elsewhere = await scenario.worker_north.request(
        "POST", f"{case}/people", content=endless(), headers=headers
    )
    assert elsewhere.status_code == 413
    assert sent < 2_000_000


async def test_a_list_is_filtered_paged_and_reads_no_file(scenario: Scenario) -> None:
    case, worker = await create_case_path(scenario), scenario.worker_north
    first = await upload_document(scenario, case)
    about = {"kind": "document", "id": first["id"]}
    for kind in ("receipt", "drawing"):
        await upload_document(scenario, case, kind=kind, tier="clinical", about=about)
    for filters, count in (
        ({"kind": "receipt"}, 1),
        ({"tier": "clinical"}, 2),
        ({"about_id": first["id"]}, 2),
    ):
        assert len(expect_json(await worker.get(f"{case}/documents", params=filters))["items"]) == count, (
            filters
        )
    page = expect_json(await worker.get(f"{case}/documents", params={"limit": 2}))
    rest = expect_json(
        await worker.get(f"{case}/documents", params={"limit": 2, "cursor": page["next_cursor"]})
    )
    assert [item["kind"] for item in page["items"] + rest["items"]] == ["drawing", "receipt", "letter"]
    with record_statements(scenario) as statements:
        expect_json(await worker.get(f"{case}/documents"))
    assert len(statements) <= 5
    assert not any("document_contents" in statement for statement in statements)


async def test_every_download_is_in_the_log_as_such(scenario: Scenario) -> None:
    case = await create_case_path(scenario)
    document = await upload_document(scenario, case)
    for path, kind in (("", "document"), ("/content", "document_content")):
        answer = await scenario.manager.get(f"/v1/documents/{document['id']}{path}")
        [entry] = await scenario.list_access_entries(answer.headers["x-request-id"])
        assert entry["record"] == {"kind": kind, "id": document["id"]}
        assert (entry["act"], entry["outcome"], entry["child_id"]) == (
            "document.read",
            "allowed",
            document["child_id"],
        )


async def test_a_file_that_was_tampered_with_or_exchanged_does_not_open(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, worker = await create_case_path(scenario), scenario.worker_north
    files = [await upload_document(scenario, case), await upload_document(scenario, case, content=PNG)]
    paths = [f"/v1/documents/{document['id']}/content" for document in files]

    async def broken(answer: httpx.Response) -> None:
        assert (answer.status_code, answer.json()["type"]) == (500, "urn:firststep:problem:internal")
        assert b"Zqxcanary" not in answer.content
        assert "content-disposition" not in answer.headers
        assert (await scenario.list_access_entries(answer.headers["x-request-id"]))[0]["outcome"] == "failed"

    exchange = (
        "UPDATE document_contents c SET content_encrypted = o.content_encrypted FROM document_contents o"
        " WHERE o.id <> c.id AND o.case_id = c.case_id"
    )
    await superuser_connection.execute(exchange)
    for path in paths:
        await broken(await worker.get(path))
    await superuser_connection.execute(exchange)
    assert [(await worker.get(path)).status_code for path in paths] == [200, 200]
    flip = "UPDATE document_contents SET content_encrypted = set_byte(content_encrypted, {0}, get_byte(content_encrypted, {0}) # 1)"
    for place in (0, 1, 20, 40):
        await superuser_connection.execute(flip.format(place))
        await broken(await worker.get(paths[0]))
        await superuser_connection.execute(flip.format(place))
    await superuser_connection.execute(
        "UPDATE document_contents SET content_encrypted = substring(content_encrypted FROM 1 FOR 30)"
    )
    await broken(await worker.get(paths[0]))
    assert expect_json(await worker.get(f"/v1/documents/{files[0]['id']}")) == files[0]


async def test_a_stolen_dump_holds_nothing_of_it(scenario: Scenario, superuser_connection: Any) -> None:
    case = await create_case_path(scenario)
    told: dict[str, Any] = {
        "title": "Zqxcanary title",
        "file_name": "Zqxcanary.txt",
        "description": "Zqxcanary said",
    }
    made = await scenario.worker_north.post(f"{case}/documents", letter_payload(**told), key="kept")
    document = expect_json(made, 201)
    assert (
        expect_json(await scenario.worker_north.get(f"/v1/documents/{document['id']}"))["title"]
        == told["title"]
    )
    tables = (
        "documents",
        "document_contents",
        "case_history",
        "idempotency_records",
        "access_entries",
        "access_events",
    )
    held = b""
    for table in tables:
        for row in await superuser_connection.fetch(f"SELECT * FROM {table}"):  # noqa: S608 - our own names
            held += b"".join(
                value if isinstance(value, bytes) else str(value).encode() for value in row.values()
            )
    assert document["id"].encode() in held
    for plain in (b"Zqxcanary", b64encode(LETTER_CONTENT), LETTER_CONTENT[:12], LETTER_CONTENT[-12:]):
        assert plain.lower() not in held.lower()
    kept = await superuser_connection.fetchval(
        "SELECT max(length(response_encrypted)) FROM idempotency_records"
    )
    big = await scenario.worker_north.post(
        f"{case}/documents", letter_payload(LETTER_CONTENT * 10_000), key="big"
    )
    expect_json(big, 201)
    assert (
        await superuser_connection.fetchval("SELECT max(length(response_encrypted)) FROM idempotency_records")
        < kept + 200
    )


async def test_the_same_upload_sent_twice_at_once_is_one_document(scenario: Scenario) -> None:
    case, worker = await create_case_path(scenario), scenario.worker_north
    answers = await asyncio.gather(
        *(worker.post(f"{case}/documents", letter_payload(), key="twice") for _ in range(4))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len(expect_json(await worker.get(f"{case}/documents"))["items"]) == 1


async def test_under_a_new_key_files_are_sealed_anew_a_few_at_a_time(
    scenario: Scenario, superuser_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await create_case_path(scenario)
    documents = [await upload_document(scenario, case) for _ in range(7)]
    monkeypatch.setattr(key_care, "RELOAD_INTERVAL_SECONDS", 0)
    chosen = Settings(owner_database_url=scenario.urls.owner, keys_file=get_settings().key_ring_path)
    key = key_care.create_key(chosen, "encryption")
    assert await key_care.reencrypt_all(chosen, show_progress=False) > len(documents)
    held = await superuser_connection.fetch("SELECT content_encrypted FROM document_contents")
    assert {get_encryption_key_id(row["content_encrypted"]) for row in held} == {key}
    for document in documents:
        file = await scenario.worker_north.get(f"/v1/documents/{document['id']}/content")
        assert file.content == LETTER_CONTENT
    assert await key_care.reencrypt_all(chosen, show_progress=False) == 0
