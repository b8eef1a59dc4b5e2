import json
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Header, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError
from structlog.testing import capture_logs

from app import errors
from app.errors import Fault, FirstStepError
from app.http import problem_details as error_handlers
from app.http.json_body import StrictRoute
from app.http.openapi.docs_pages import problem_kinds

CANARY = "Canary9271"


class Birth(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    date: Annotated[date, Field(strict=False)]
    precision: Literal["day", "month", "year"]


class Estimate(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    estimated_age: int = Field(ge=0, le=18)


class Child(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    nickname: str = Field(max_length=5)
    birth: Birth | Estimate
    areas: dict[str, Estimate] = {}
    names: list[Birth] = []
    phone: str | None = None

    @field_validator("phone")
    @classmethod
    def _callable(cls, phone: str | None) -> str | None:
        if phone is not None:
            raise PydanticCustomError("phone_invalid", "no phone: " + phone)
        return phone


class Referral(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    child: Child
    weight: Decimal = Decimal(1)


class Filters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, le=200)


router = APIRouter(prefix="/v1", route_class=StrictRoute)


@router.post("/referrals")
async def receive(referral: Referral) -> str:
    return referral.child.nickname


@router.get("/referrals")
async def browse(filters: Annotated[Filters, Query()]) -> int:
    return filters.limit


@router.get("/referrals/{id}")
async def one(id: UUID, if_match: Annotated[str, Header(min_length=3)]) -> str:  # noqa: A002 - as the API names it
    return f"{id}{if_match}"


@router.get("/raise/{kind}")
async def fail(kind: str) -> str:
    raise RAISED[kind]


RAISED: dict[str, Exception] = {
    "signed-out": errors.Unauthenticated(),
    "slow": errors.TooManyRequests(retry_after=7),
    "gate": errors.GateRefused([Fault("/plan", "plan_missing", "A care plan is needed.")]),
    "bug": RuntimeError(CANARY),
    "teapot": HTTPException(418, detail=CANARY),
    "forbidden": HTTPException(403, detail=CANARY),
    "unheard": HTTPException(499, detail=CANARY),
    "not-modified": HTTPException(304, headers={"etag": '"1"'}),
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(openapi_url=None)
    error_handlers.install(app, {"phone_invalid": "Must be a telephone number."})
    app.router.routes += router.routes
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


def child(**changes: Any) -> dict[str, Any]:
    birth = {"date": "2015-01-01", "precision": "day"}
    return {"child": {"nickname": "Srey", "birth": birth, **changes}}


async def pointers(client: httpx.AsyncClient, body: Any) -> set[tuple[str, str]]:
    answer = await client.post("/v1/referrals", json=body)
    assert answer.status_code == 422, answer.text
    assert CANARY not in answer.text
    return {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]}


async def test_a_problem_carries_every_member_the_contract_names(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/raise/slow?secret=" + CANARY)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-language"] == "en"
    assert answer.headers["retry-after"] == "7"
    assert answer.json() == {
        "type": "urn:firststep:problem:too-many-requests",
        "title": "Too many requests",
        "status": 429,
        "detail": "Too many requests",
        "instance": "/v1/raise/slow",
        "request_id": None,
    }


async def test_titles_come_in_khmer_to_who_prefers_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/raise/slow", headers={"accept-language": "fr, km-KH;q=0.9, en;q=0.8"})
    assert answer.headers["content-language"] == "km"
    assert answer.json()["title"] == errors.TooManyRequests.titles["km"]


async def test_a_refused_gate_lists_what_is_unmet(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/raise/gate")
    assert answer.status_code == 409
    assert answer.json()["unmet"] == [
        {"pointer": "/plan", "code": "plan_missing", "detail": "A care plan is needed."}
    ]
    assert "errors" not in answer.json()


async def test_who_must_sign_in_is_told_how(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/raise/signed-out")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_every_kind_of_error_answers_its_own_status_and_type() -> None:
    scope = {"type": "http", "path": "/", "headers": [], "state": {"request_id": "r-12345678"}}
    for kind in problem_kinds():
        error = kind([]) if kind in {errors.GateRefused, errors.InvalidInput} else kind()
        response = error_handlers.build_problem_response(error, scope=scope)
        members = json.loads(bytes(response.body))
        assert response.status_code == members["status"] == kind.status
        assert members["type"] == f"urn:firststep:problem:{kind.kind}"
        assert members["request_id"] == "r-12345678"


async def test_bad_fields_are_pointed_at_without_repeating_them(client: httpx.AsyncClient) -> None:
    found = await pointers(client, child(nickname=CANARY, birth={"date": CANARY, "precision": CANARY}))
    assert ("/child/nickname", "string_too_long") in found
    assert ("/child/birth/date", "date_from_datetime_parsing") in found
    assert ("/child/birth/precision", "literal_error") in found


async def test_a_missing_field_does_not_repeat_the_body(client: httpx.AsyncClient) -> None:
    assert await pointers(client, {"weight": CANARY}) >= {("/child", "missing")}
    assert await pointers(client, CANARY) == {("", "model_attributes_type")}


async def test_an_unknown_field_is_named_only_if_it_looks_like_one_of_ours(client: httpx.AsyncClient) -> None:
    assert await pointers(client, child(colour=1)) == {("/child/colour", "extra_forbidden")}
    for odd in (CANARY, "a" * 65, "012 345 678", "ស្រី", "a/b", "[key]", ""):
        assert await pointers(client, child(**{odd: 1})) == {("/child", "extra_forbidden")}


async def test_keys_of_a_map_are_not_repeated_either(client: httpx.AsyncClient) -> None:
    assert await pointers(client, child(areas={CANARY: {"estimated_age": 99}})) == {
        ("/child/areas", "less_than_equal")
    }


async def test_places_in_a_list_are_numbered(client: httpx.AsyncClient) -> None:
    born = {"date": "2015-01-01", "precision": "day"}
    found = await pointers(client, child(names=[born, {**born, "precision": CANARY}]))
    assert found == {("/child/names/1/precision", "literal_error")}


async def test_a_rule_of_the_schemas_own_is_told_by_code_and_registered_sentence(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/v1/referrals", json=child(phone=CANARY))
    fault = {"pointer": "/child/phone", "code": "phone_invalid", "detail": "Must be a telephone number."}
    assert answer.json()["errors"] == [fault]
    assert CANARY not in answer.text


async def test_parameters_are_pointed_at_by_where_they_stand(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/referrals?limit={CANARY}&{CANARY}={CANARY}&colour=1")
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"query:limit", "query", "query:colour"}
    assert CANARY not in answer.text
    answer = await client.get("/v1/referrals/7", headers={"if-match": "x"})
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"path:id", "header:If-Match"}


async def test_a_limit_is_told_because_it_stands_in_the_schema(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/referrals?limit=201")
    assert answer.json()["errors"] == [
        {"pointer": "query:limit", "code": "less_than_equal", "detail": "Must be at most 200."}
    ]


async def test_a_thousand_wrong_fields_are_answered_with_a_hundred(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/referrals", json=child(names=[{}] * 1000))
    assert len(answer.json()["errors"]) == 100


async def test_unknown_paths_and_methods_are_problems_too(client: httpx.AsyncClient) -> None:
    nowhere = await client.get("/v1/nowhere")
    assert nowhere.json()["type"] == "urn:firststep:problem:not-found"
    wrong = await client.put("/v1/referrals")
    assert wrong.json()["type"] == "urn:firststep:problem:method-not-allowed"
    assert wrong.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    ("kind", "status", "type_"),
    [
        ("teapot", 418, "about:blank"),
        ("unheard", 499, "about:blank"),
        ("forbidden", 403, "urn:firststep:problem:forbidden"),
    ],
)
async def test_what_the_framework_raises_loses_its_wording(
    client: httpx.AsyncClient, kind: str, status: int, type_: str
) -> None:
    answer = await client.get(f"/v1/raise/{kind}")
    assert (answer.status_code, answer.json()["type"]) == (status, type_)
    assert CANARY not in answer.text


async def test_an_answer_without_a_body_stays_without_one(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/raise/not-modified")
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')


async def test_a_bug_answers_500_and_is_logged_once_without_its_message(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        answer = await client.get("/v1/raise/bug")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:firststep:problem:internal"
    [line] = lines
    assert line["error"] == "builtins.RuntimeError"
    assert any("test_error_handlers.py:" in frame for frame in line["frames"])
    assert CANARY not in answer.text + repr(lines)


async def test_an_instance_is_a_safe_and_short_path(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/%22%3Cb%3E%0a/" + "x" * 5000)
    instance = answer.json()["instance"]
    assert instance.startswith("/v1/%22%3Cb%3E%0A/")
    assert len(instance) == 512


def test_every_kind_is_titled_in_both_languages() -> None:
    kinds = list(problem_kinds())
    assert len(kinds) >= 20
    assert all(set(kind.titles) == {"en", "km"} for kind in kinds)
    assert issubclass(kinds[-1], FirstStepError)
