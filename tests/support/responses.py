"""Functions that check responses and return parts of their content."""

from typing import Any
from xml.etree import ElementTree as ET

import httpx

from tests.support.scenario import AuthenticatedClient

SVG_NAMESPACE = "{http://www.w3.org/2000/svg}"


async def patch_latest_fields(caller: AuthenticatedClient, path: str, **patch: Any) -> httpx.Response:
    return await patch_latest(caller, path, patch)


def parse_faults(response: httpx.Response) -> set[tuple[str, str]]:
    assert response.status_code == 422, response.text
    return {(fault["pointer"], fault["code"]) for fault in response.json()["errors"]}


def parse_unmet_pointers(response: httpx.Response) -> dict[str, str | None]:
    assert response.status_code == 409, response.text
    assert response.json()["type"] == "urn:firststep:problem:gate-refused"
    return {fault["code"]: fault["pointer"] for fault in response.json()["unmet"]}


def parse_unmet_conditions(response: httpx.Response) -> set[tuple[str | None, str]]:
    assert response.status_code == 409, response.text
    assert response.json()["type"] == "urn:firststep:problem:gate-refused"
    return {(fault["pointer"], fault["code"]) for fault in response.json()["unmet"]}


async def patch_latest(caller: AuthenticatedClient, path: str, patch: Any) -> httpx.Response:
    return await caller.patch(path, patch, etag=await get_etag(path, caller))


async def get_etag(path: str, caller: AuthenticatedClient) -> str:
    return str((await caller.get(path)).headers["etag"])


def expect_json(response: httpx.Response, status: int = 200) -> dict[str, Any]:
    """Assert the status of a response and return its JSON body."""
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.json()
    return body


def parse_svg_texts(svg: str) -> list[str]:
    """Return the content of every text element of an SVG drawing."""
    elements = ET.fromstring(svg).iter(f"{SVG_NAMESPACE}text")  # noqa: S314 - the application's own output
    return ["".join(element.itertext()) for element in elements]
