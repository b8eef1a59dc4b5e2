"""Encryption of documents and their files."""

from base64 import b64encode
from typing import Any

import httpx
import pytest

from app.access.encryption import get_encryption_key_id
from app.config import Settings, get_settings
from app.server import key_rotation as key_care
from tests.support.case_lifecycle import create_case_path
from tests.support.documents import (
    ACCEPTED_FILES,
    LETTER_CONTENT,
    letter_payload,
    upload_document,
)
from tests.support.key_rotation import register_key_ring, rotate_encryption_key
from tests.support.responses import expect_json
from tests.support.scenario import Scenario

PNG_FILE = ACCEPTED_FILES["png"][0]


async def test_changed_or_swapped_file_cannot_be_decrypted(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    documents = [
        await upload_document(scenario, case_path),
        await upload_document(scenario, case_path, content=PNG_FILE),
    ]
    paths = [f"/v1/documents/{document['id']}/content" for document in documents]

    async def expect_decryption_failure(response: httpx.Response) -> None:
        assert (response.status_code, response.json()["type"]) == (500, "urn:firststep:problem:internal")
        assert b"Zqxcanary" not in response.content
        assert "content-disposition" not in response.headers
        assert (await scenario.list_access_entries(response.headers["x-request-id"]))[0][
            "outcome"
        ] == "failed"

    swap_sql = (
        "UPDATE document_contents c SET content_encrypted = o.content_encrypted FROM document_contents o"
        " WHERE o.id <> c.id AND o.case_id = c.case_id"
    )
    await superuser_connection.execute(swap_sql)
    for path in paths:
        await expect_decryption_failure(await worker.get(path))
    await superuser_connection.execute(swap_sql)
    assert [(await worker.get(path)).status_code for path in paths] == [200, 200]
    flip_bit_sql = "UPDATE document_contents SET content_encrypted = set_byte(content_encrypted, {0}, get_byte(content_encrypted, {0}) # 1)"
    for byte_index in (0, 1, 20, 40):
        await superuser_connection.execute(flip_bit_sql.format(byte_index))
        await expect_decryption_failure(await worker.get(paths[0]))
        await superuser_connection.execute(flip_bit_sql.format(byte_index))
    await superuser_connection.execute(
        "UPDATE document_contents SET content_encrypted = substring(content_encrypted FROM 1 FOR 30)"
    )
    await expect_decryption_failure(await worker.get(paths[0]))
    assert expect_json(await worker.get(f"/v1/documents/{documents[0]['id']}")) == documents[0]


async def test_database_dump_contains_no_plaintext(scenario: Scenario, superuser_connection: Any) -> None:
    case_path = await create_case_path(scenario)
    fields: dict[str, Any] = {
        "title": "Zqxcanary title",
        "file_name": "Zqxcanary.txt",
        "description": "Zqxcanary said",
    }
    response = await scenario.worker_north.post(
        f"{case_path}/documents", letter_payload(**fields), key="kept"
    )
    document = expect_json(response, 201)
    assert (
        expect_json(await scenario.worker_north.get(f"/v1/documents/{document['id']}"))["title"]
        == fields["title"]
    )
    tables = (
        "documents",
        "document_contents",
        "case_history",
        "idempotency_records",
        "access_entries",
        "access_events",
    )
    dumped = b""
    for table in tables:
        for row in await superuser_connection.fetch(f"SELECT * FROM {table}"):  # noqa: S608 - a fixed list of tables
            dumped += b"".join(
                value if isinstance(value, bytes) else str(value).encode() for value in row.values()
            )
    assert document["id"].encode() in dumped
    for plaintext in (b"Zqxcanary", b64encode(LETTER_CONTENT), LETTER_CONTENT[:12], LETTER_CONTENT[-12:]):
        assert plaintext.lower() not in dumped.lower()
    largest_response = await superuser_connection.fetchval(
        "SELECT max(length(response_encrypted)) FROM idempotency_records"
    )
    large_response = await scenario.worker_north.post(
        f"{case_path}/documents", letter_payload(LETTER_CONTENT * 10_000), key="big"
    )
    expect_json(large_response, 201)
    assert (
        await superuser_connection.fetchval("SELECT max(length(response_encrypted)) FROM idempotency_records")
        < largest_response + 200
    )


async def test_key_rotation_reencrypts_files_in_batches(
    scenario: Scenario, superuser_connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_path = await create_case_path(scenario)
    documents = [await upload_document(scenario, case_path) for _ in range(7)]
    monkeypatch.setattr(key_care, "RELOAD_INTERVAL_SECONDS", 0)
    settings = Settings(
        owner_database_url=scenario.urls.owner,
        api_database_url=scenario.urls.api,
        keys_file=get_settings().key_ring_path,
    )
    await register_key_ring(settings)
    key_id = await rotate_encryption_key(settings)
    assert await key_care.reencrypt_all(settings, show_progress=False) > len(documents)
    rows = await superuser_connection.fetch("SELECT content_encrypted FROM document_contents")
    assert {get_encryption_key_id(row["content_encrypted"]) for row in rows} == {key_id}
    for document in documents:
        file_response = await scenario.worker_north.get(f"/v1/documents/{document['id']}/content")
        assert file_response.content == LETTER_CONTENT
    assert await key_care.reencrypt_all(settings, show_progress=False) == 0
