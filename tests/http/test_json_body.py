import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Body, FastAPI, Request
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from app.errors import MalformedRequest
from app.http import problem_details as error_handlers
from app.http.json_body import MAX_CONTAINERS, MAX_DEPTH, MAX_KEYS, StrictRequest, StrictRoute, parse


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    text: str
    count: int = 0


router = APIRouter(prefix="/v1", route_class=StrictRoute)


@router.post("/notes")
async def create_note(note: Note) -> Note:
    return note


@router.patch("/notes")
async def update_note(note: Note) -> Note:
    return note


@router.post("/notes/acknowledge")
async def acknowledge_note() -> dict[str, bool]:
    return {"done": True}


@router.post("/optional-note")
async def accept_optional_note(note: Note | None = None) -> dict[str, bool]:
    return {"given": note is not None}


@router.put("/files")
async def upload_file(content: Annotated[bytes, Body(media_type="application/octet-stream")]) -> int:
    return len(content)


@router.post("/request-class")
async def inspect_request(request: Request, note: Note) -> list[Any]:
    return [isinstance(request, StrictRequest), await request.json() == note.model_dump(exclude_unset=True)]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(openapi_url=None)
    error_handlers.install(app)
    app.router.routes += router.routes
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


def get_rejection_code(body: bytes) -> str:
    with pytest.raises(MalformedRequest) as caught:
        parse(body)
    [fault] = caught.value.faults
    assert fault.pointer == ""
    return fault.code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "body_missing"),
        (b" ", "json_invalid"),
        (b"\xef\xbb\xbf{}", "byte_order_mark"),
        ("{}".encode("utf-16"), "not_utf8"),
        (b'"\xff"', "not_utf8"),
        (b'"\xed\xa0\x80"', "not_utf8"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate_key"),
        (b'[{"b": {"a": 1, "a": 1}}]', "duplicate_key"),
        (b"NaN", "json_invalid"),
        (b'{"a": Infinity}', "json_invalid"),
        (b"[-Infinity]", "json_invalid"),
        (b"1e400", "number_too_large"),
        (b"[-1e400]", "number_too_large"),
        (b"9223372036854775808", "number_too_large"),
        (b"-9223372036854775809", "number_too_large"),
        (b"9" * 100_000, "number_too_large"),
        (b'"\\ud800"', "lone_surrogate"),
        (b'{"\\udfff": 1}', "lone_surrogate"),
        (b'["\\ude00\\ud83d"]', "lone_surrogate"),
        (b'{"a": ["b\\u0000"]}', "nul_character"),
        (b'{"\\u0000": 1}', "nul_character"),
        (b'"\x00"', "json_invalid"),
        (b"\x00", "json_invalid"),
        (b"{} {}", "json_invalid"),
        (b"{},", "json_invalid"),
        (b"[1,]", "json_invalid"),
        (b"{'a': 1}", "json_invalid"),
        (b"01", "json_invalid"),
        (b'"a\nb"', "json_invalid"),
        (b"[" * 33 + b"]" * 33, "too_deep"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "too_deep"),
        (b"[" * 4_000, "too_deep"),
        (b"[" * 1_000_000, "too_many"),
        (b"]" * 100, "json_invalid"),
        (json.dumps({"a": [dict.fromkeys(map(str, range(MAX_KEYS + 1)))]}).encode(), "too_many"),
        (b"[" + b"[]," * MAX_CONTAINERS + b"1]", "too_many"),
        (b"[" + b'{"a":[]},' * 2_500 + b"1]", "too_many"),
    ],
)
def test_invalid_json_is_rejected_with_its_code(body: bytes, code: str) -> None:
    assert get_rejection_code(body) == code


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"null", None),
        (b"-9223372036854775808", -(2**63)),
        (b"1.5e3", 1500.0),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\\\u0000 \\\\ud800"', "\\u0000 \\ud800"),
        ('"ស្រី\u200b"'.encode(), "ស្រី\u200b"),
        (b" [1, 2]\n", [1, 2]),
        (b'"' + b"[" * 100 + b'\\"]"', "[" * 100 + '"]'),
        (b"[" + b"[]," * 99 + b"{}]", [[]] * 99 + [{}]),
        (b'["[[",' + b"[]," * (MAX_CONTAINERS - 2) + b"{}]", ["[[", *[[]] * (MAX_CONTAINERS - 2), {}]),
    ],
)
def test_valid_json_is_parsed(body: bytes, value: Any) -> None:
    assert parse(body) == value


def test_maximum_nesting_is_accepted() -> None:
    parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    parse(b'{"[":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH)


@settings(max_examples=80, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("ab[{\"'\\ក"), inner),
        max_leaves=40,
    ),
    st.booleans(),
)
def test_serialized_json_is_parsed_to_the_same_value(value: Any, ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text('[]{}",:\\u0d8e1 ', max_size=60).map(str.encode))
def test_random_bytes_are_parsed_or_rejected(body: bytes) -> None:
    with suppress(MalformedRequest):
        parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b'"' + b"a" * 10_000_000 + b'"',
        b'"' + b'\\"' * 500_000,
        b"[" * 500_000 + b"]" * 500_000,
        b'["' + b"\\ud83d\\ude00" * 80_000 + b'"]',
        b"[" + b"[]," * 300_000 + b"[]]",
    ],
)
def test_hostile_bodies_are_parsed_in_linear_time(body: bytes) -> None:
    started = time.process_time()
    with suppress(MalformedRequest):
        parse(body)
    assert time.process_time() - started < 2


async def test_body_is_parsed_once(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/request-class", json={"text": "x"})
    assert response.json() == [True, True]


@pytest.mark.parametrize("body", [b'{"text": NaN}', b'{"text": "\\ud800"}', b'{"text": "a", "text": "b"}'])
async def test_malformed_body_returns_400(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/v1/notes", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json()["type"] == "urn:firststep:problem:malformed-request"
    assert response.json()["errors"][0]["pointer"] == ""


@pytest.mark.parametrize(
    "label",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/vnd.api+json",
        "application/merge-patch+json",
        "application/jsonx",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/v1/notes", "/v1/notes/acknowledge"])
async def test_wrong_content_type_returns_415(client: httpx.AsyncClient, path: str, label: str) -> None:
    response = await client.post(path, content=b'{"text": "x"}', headers={"content-type": label})
    assert response.status_code == 415


async def test_missing_content_type_returns_415(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/notes", content=b'{"text": "x"}')).status_code == 415
    assert (await client.post("/v1/notes/acknowledge", content=b"{}")).status_code == 415


async def test_compressed_body_returns_415(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert (await client.post("/v1/notes", content=b"\x1f\x8b", headers=headers)).status_code == 415


@pytest.mark.parametrize("label", ["application/json", 'Application/JSON ; Charset="UTF-8"'])
async def test_json_content_type_variants_are_accepted(client: httpx.AsyncClient, label: str) -> None:
    response = await client.post("/v1/notes", content=b'{"text": "x"}', headers={"content-type": label})
    assert response.json() == {"text": "x", "count": 0}


async def test_patch_accepts_merge_patch_content_type(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/merge-patch+json"}
    response = await client.patch("/v1/notes", content=b'{"text": "x"}', headers=headers)
    assert response.status_code == 200


async def test_missing_required_body_returns_422(client: httpx.AsyncClient) -> None:
    for headers in ({}, {"content-type": "application/json"}):
        response = await client.post("/v1/notes", headers=headers)
        assert response.status_code == 422
        assert response.json()["errors"] == [
            {"pointer": "", "code": "missing", "params": {}, "detail": "This field is required."}
        ]


async def test_request_without_body_needs_no_content_type(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/notes/acknowledge")).json() == {"done": True}
    assert (await client.post("/v1/optional-note")).json() == {"given": False}


async def test_binary_body_is_not_parsed(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/octet-stream"}
    assert (await client.put("/v1/files", content=b"\xff\x00", headers=headers)).json() == 2
