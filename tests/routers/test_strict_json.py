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
from app.http.json_body import MAX_DEPTH, StrictRequest, StrictRoute, parse


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    text: str
    count: int = 0


router = APIRouter(prefix="/v1", route_class=StrictRoute)


@router.post("/notes")
async def write(note: Note) -> Note:
    return note


@router.patch("/notes")
async def change(note: Note) -> Note:
    return note


@router.post("/notes/acknowledge")
async def acknowledge() -> dict[str, bool]:
    return {"done": True}


@router.post("/perhaps")
async def perhaps(note: Note | None = None) -> dict[str, bool]:
    return {"given": note is not None}


@router.put("/files")
async def upload(content: Annotated[bytes, Body(media_type="application/octet-stream")]) -> int:
    return len(content)


@router.post("/which-request")
async def which_request(request: Request, note: Note) -> list[Any]:
    return [isinstance(request, StrictRequest), await request.json() == note.model_dump(exclude_unset=True)]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(openapi_url=None)
    error_handlers.install(app)
    app.router.routes += router.routes
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


def refusal(body: bytes) -> str:
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
        (b"[" * 1_000_000, "too_deep"),
        (b"]" * 100, "json_invalid"),
    ],
)
def test_a_body_that_is_not_strict_json_is_refused_with_its_reason(body: bytes, code: str) -> None:
    assert refusal(body) == code


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
    ],
)
def test_strict_json_is_read_as_it_stands(body: bytes, value: Any) -> None:
    assert parse(body) == value


def test_nesting_is_allowed_down_to_the_last_permitted_level() -> None:
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
def test_whatever_is_written_as_json_reads_back_the_same(value: Any, ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text('[]{}",:\\u0d8e1 ', max_size=60).map(str.encode))
def test_any_bytes_are_either_read_or_malformed(body: bytes) -> None:
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
def test_hostile_bodies_take_time_only_in_proportion_to_their_size(body: bytes) -> None:
    started = time.process_time()
    with suppress(MalformedRequest):
        parse(body)
    assert time.process_time() - started < 2


async def test_a_write_reads_its_body_once_and_as_strict_json(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/which-request", json={"text": "x"})
    assert answer.json() == [True, True]


@pytest.mark.parametrize("body", [b'{"text": NaN}', b'{"text": "\\ud800"}', b'{"text": "a", "text": "b"}'])
async def test_a_malformed_body_answers_400_and_not_500(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/notes", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:firststep:problem:malformed-request"
    assert answer.json()["errors"][0]["pointer"] == ""


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
async def test_a_write_labelled_as_something_else_answers_415(
    client: httpx.AsyncClient, path: str, label: str
) -> None:
    answer = await client.post(path, content=b'{"text": "x"}', headers={"content-type": label})
    assert answer.status_code == 415


async def test_a_body_without_any_label_answers_415(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/notes", content=b'{"text": "x"}')).status_code == 415
    assert (await client.post("/v1/notes/acknowledge", content=b"{}")).status_code == 415


async def test_a_compressed_body_answers_415(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert (await client.post("/v1/notes", content=b"\x1f\x8b", headers=headers)).status_code == 415


@pytest.mark.parametrize("label", ["application/json", 'Application/JSON ; Charset="UTF-8"'])
async def test_json_in_utf8_is_accepted_however_it_is_spelled(client: httpx.AsyncClient, label: str) -> None:
    answer = await client.post("/v1/notes", content=b'{"text": "x"}', headers={"content-type": label})
    assert answer.json() == {"text": "x", "count": 0}


async def test_a_patch_may_also_be_labelled_merge_patch(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/merge-patch+json"}
    answer = await client.patch("/v1/notes", content=b'{"text": "x"}', headers=headers)
    assert answer.status_code == 200


async def test_an_empty_body_where_one_is_required_answers_422(client: httpx.AsyncClient) -> None:
    for headers in ({}, {"content-type": "application/json"}):
        answer = await client.post("/v1/notes", headers=headers)
        assert answer.status_code == 422
        assert answer.json()["errors"] == [
            {"pointer": "", "code": "missing", "detail": "This field is required."}
        ]


async def test_an_act_without_a_body_needs_no_label(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/notes/acknowledge")).json() == {"done": True}
    assert (await client.post("/v1/perhaps")).json() == {"given": False}


async def test_a_body_that_is_a_file_is_left_alone(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/octet-stream"}
    assert (await client.put("/v1/files", content=b"\xff\x00", headers=headers)).json() == 2
