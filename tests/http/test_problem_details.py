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
from app.http.openapi.docs_pages import list_problem_classes

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
async def create_referral(referral: Referral) -> str:
    return referral.child.nickname


@router.get("/referrals")
async def list_referrals(filters: Annotated[Filters, Query()]) -> int:
    return filters.limit


@router.get("/referrals/{id}")
async def get_referral(id: UUID, if_match: Annotated[str, Header(min_length=3)]) -> str:  # noqa: A002 - as the API names it
    return f"{id}{if_match}"


@router.get("/raise/{kind}")
async def raise_error(kind: str) -> str:
    raise ERRORS_BY_PATH[kind]


ERRORS_BY_PATH: dict[str, Exception] = {
    "signed-out": errors.Unauthenticated(),
    "slow": errors.TooManyRequests(retry_after=7),
    "gate": errors.GateRefused([Fault("/plan", "goal_missing", "A care plan is needed.")]),
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


def build_referral_payload(**changes: Any) -> dict[str, Any]:
    birth = {"date": "2015-01-01", "precision": "day"}
    return {"child": {"nickname": "Srey", "birth": birth, **changes}}


async def list_faults(client: httpx.AsyncClient, body: Any) -> set[tuple[str, str]]:
    response = await client.post("/v1/referrals", json=body)
    assert response.status_code == 422, response.text
    assert CANARY not in response.text
    return {(fault["pointer"], fault["code"]) for fault in response.json()["errors"]}


async def test_problem_has_every_member_of_the_contract(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/raise/slow?secret=" + CANARY)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-language"] == "en"
    assert response.headers["retry-after"] == "7"
    assert response.json() == {
        "type": "urn:firststep:problem:too-many-requests",
        "title": "Too many requests",
        "status": 429,
        "detail": "Too many requests",
        "instance": "/v1/raise/slow",
        "request_id": None,
    }


async def test_title_is_khmer_if_preferred(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/raise/slow", headers={"accept-language": "fr, km-KH;q=0.9, en;q=0.8"})
    assert response.headers["content-language"] == "km"
    assert response.json()["title"] == errors.TooManyRequests.titles["km"]


async def test_refused_gate_lists_unmet_conditions(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/raise/gate")
    assert response.status_code == 409
    assert response.json()["unmet"] == [
        {"pointer": "/plan", "code": "goal_missing", "params": {}, "detail": "A care plan is needed."}
    ]
    assert "errors" not in response.json()


async def test_unauthenticated_response_has_www_authenticate(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/raise/signed-out")
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


async def test_every_problem_class_has_its_status_and_type() -> None:
    scope = {"type": "http", "path": "/", "headers": [], "state": {"request_id": "r-12345678"}}
    for kind in list_problem_classes():
        error = kind([]) if kind in {errors.GateRefused, errors.InvalidInput} else kind()
        response = error_handlers.build_problem_response(error, scope=scope)
        members = json.loads(bytes(response.body))
        assert response.status_code == members["status"] == kind.status
        assert members["type"] == f"urn:firststep:problem:{kind.kind}"
        assert members["request_id"] == "r-12345678"


async def test_invalid_fields_are_reported_without_their_values(client: httpx.AsyncClient) -> None:
    faults = await list_faults(
        client, build_referral_payload(nickname=CANARY, birth={"date": CANARY, "precision": CANARY})
    )
    assert ("/child/nickname", "string_too_long") in faults
    assert ("/child/birth/date", "date_from_datetime_parsing") in faults
    assert ("/child/birth/precision", "literal_error") in faults


async def test_missing_field_error_does_not_contain_the_body(client: httpx.AsyncClient) -> None:
    assert await list_faults(client, {"weight": CANARY}) >= {("/child", "missing")}
    assert await list_faults(client, CANARY) == {("", "model_attributes_type")}


async def test_unknown_field_is_named_only_if_it_is_a_plain_identifier(client: httpx.AsyncClient) -> None:
    assert await list_faults(client, build_referral_payload(colour=1)) == {
        ("/child/colour", "extra_forbidden")
    }
    for odd in (CANARY, "a" * 65, "012 345 678", "ស្រី", "a/b", "[key]", ""):
        assert await list_faults(client, build_referral_payload(**{odd: 1})) == {
            ("/child", "extra_forbidden")
        }


async def test_mapping_keys_are_not_repeated_in_errors(client: httpx.AsyncClient) -> None:
    assert await list_faults(client, build_referral_payload(areas={CANARY: {"estimated_age": 99}})) == {
        ("/child/areas", "less_than_equal")
    }


async def test_error_pointer_contains_the_list_index(client: httpx.AsyncClient) -> None:
    born = {"date": "2015-01-01", "precision": "day"}
    faults = await list_faults(client, build_referral_payload(names=[born, {**born, "precision": CANARY}]))
    assert faults == {("/child/names/1/precision", "literal_error")}


async def test_custom_error_code_uses_its_registered_message(
    client: httpx.AsyncClient,
) -> None:
    response = await client.post("/v1/referrals", json=build_referral_payload(phone=CANARY))
    fault = {
        "pointer": "/child/phone",
        "code": "phone_invalid",
        "params": {},
        "detail": "Must be a telephone number.",
    }
    assert response.json()["errors"] == [fault]
    assert CANARY not in response.text


async def test_error_pointer_identifies_query_path_and_header_parameters(client: httpx.AsyncClient) -> None:
    response = await client.get(f"/v1/referrals?limit={CANARY}&{CANARY}={CANARY}&colour=1")
    assert {fault["pointer"] for fault in response.json()["errors"]} == {
        "query:limit",
        "query",
        "query:colour",
    }
    assert CANARY not in response.text
    response = await client.get("/v1/referrals/7", headers={"if-match": "x"})
    assert {fault["pointer"] for fault in response.json()["errors"]} == {"path:id", "header:If-Match"}


async def test_error_message_contains_the_limit_of_the_schema(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/referrals?limit=201")
    assert response.json()["errors"] == [
        {
            "pointer": "query:limit",
            "code": "less_than_equal",
            "params": {"le": 200},
            "detail": "Must be at most 200.",
        }
    ]


async def test_at_most_a_hundred_errors_are_returned(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/referrals", json=build_referral_payload(names=[{}] * 1000))
    assert len(response.json()["errors"]) == 100


async def test_unknown_path_and_method_return_problems(client: httpx.AsyncClient) -> None:
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
async def test_framework_exception_messages_are_not_returned(
    client: httpx.AsyncClient, kind: str, status: int, type_: str
) -> None:
    response = await client.get(f"/v1/raise/{kind}")
    assert (response.status_code, response.json()["type"]) == (status, type_)
    assert CANARY not in response.text


async def test_response_with_a_status_that_forbids_a_body_has_none(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/raise/not-modified")
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", '"1"')


async def test_unexpected_exception_returns_500_and_is_logged_without_message(
    client: httpx.AsyncClient,
) -> None:
    with capture_logs() as lines:
        response = await client.get("/v1/raise/bug")
    assert response.status_code == 500
    assert response.json()["type"] == "urn:firststep:problem:internal"
    [line] = lines
    assert line["error"] == "builtins.RuntimeError"
    assert any("test_problem_details.py:" in frame for frame in line["frames"])
    assert CANARY not in response.text + repr(lines)


async def test_instance_is_an_encoded_and_shortened_path(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/%22%3Cb%3E%0a/" + "x" * 5000)
    instance = response.json()["instance"]
    assert instance.startswith("/v1/%22%3Cb%3E%0A/")
    assert len(instance) == 512


def test_every_problem_class_has_titles_in_both_languages() -> None:
    kinds = list(list_problem_classes())
    assert len(kinds) >= 20
    assert all(set(kind.titles) == {"en", "km"} for kind in kinds)
    assert issubclass(kinds[-1], FirstStepError)
