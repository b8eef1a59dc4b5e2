"""Assertions on responses and extraction of their content."""

from typing import Any
from xml.etree import ElementTree as ET

import httpx

from tests.support.scenario import AuthenticatedClient

SVG_NAMESPACE = "{http://www.w3.org/2000/svg}"


async def patch_latest_fields(caller: AuthenticatedClient, path: str, **patch: Any) -> httpx.Response:
    seen = await caller.get(path)
    return await caller.patch(path, patch, etag=seen.headers["etag"])


def parse_faults(answer: httpx.Response) -> set[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]}


def parse_unmet_pointers(answer: httpx.Response) -> dict[str, str | None]:
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "urn:firststep:problem:gate-refused"
    return {fault["code"]: fault["pointer"] for fault in answer.json()["unmet"]}


def parse_unmet_conditions(answer: httpx.Response) -> set[tuple[str | None, str]]:
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "urn:firststep:problem:gate-refused"
    return {(fault["pointer"], fault["code"]) for fault in answer.json()["unmet"]}


async def patch_latest(caller: AuthenticatedClient, path: str, patch: Any) -> httpx.Response:
    return await caller.patch(path, patch, etag=await get_etag(path, caller))


async def get_etag(path: str, caller: AuthenticatedClient) -> str:
    return str((await caller.get(path)).headers["etag"])


def expect_json(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """What an answer says, once it is the one expected."""
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def parse_svg_texts(svg: str) -> list[str]:
    """Every line of text in a drawing."""
    return ["".join(found.itertext()) for found in ET.fromstring(svg).iter(f"{SVG_NAMESPACE}text")]  # noqa: S314 - our own
