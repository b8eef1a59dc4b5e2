import re
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Literal

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field

from app.config import Settings
from app.http import problem_details as error_handlers
from app.http.middleware import stack as middleware
from app.http.openapi import docs_pages as documentation
from app.http.openapi.docs_pages import SWAGGER_UI, list_problem_classes


class Note(BaseModel):
    text: str | None = Field(None, examples=["x", "y"])
    other: "Note | None" = None
    kind: Literal["note"] = "note"
    size: int = Field(gt=3, lt=9)
    type: str | None = None


def build(*, docs: bool = True, contract: Path | None = None) -> FastAPI:
    app = FastAPI(title="First <Step>", openapi_url=None, docs_url=None, redoc_url=None)
    settings = Settings(docs=docs)
    error_handlers.install(app)
    documentation.install(app, settings, contract=contract)
    middleware.install(app, settings)

    @app.post("/v1/notes")
    async def write(note: Note) -> Note:
        return note

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=build()), base_url="http://test"
    ) as opened:
        yield opened


async def test_docs_page_loads_only_from_this_server(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    assert "//" not in page.text.replace("<!DOCTYPE html>", "")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 6
    for path in loaded:
        response = await client.get(f"/{path}")
        assert response.status_code == 200, path
        assert response.content


async def test_docs_page_has_no_inline_scripts(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page.text) == ["", ""]
    assert "<style" not in page.text
    assert "<title>First &lt;Step&gt;</title>" in page.text


async def test_initializer_contacts_no_other_host(client: httpx.AsyncClient) -> None:
    script = await client.get("/docs/initializer.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "validatorUrl: null" in script.text
    assert "//" not in script.text


async def test_openapi_document_can_be_cached(client: httpx.AsyncClient) -> None:
    response = await client.get("/openapi.json")
    document = response.json()
    assert document["openapi"].startswith("3.1")
    assert list(document["paths"]) == ["/v1/notes"]
    again = await client.get("/openapi.json", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_committed_openapi_document_is_served(tmp_path: Path) -> None:
    contract = tmp_path / "openapi.json"
    contract.write_text('{"openapi": "3.1.0", "paths": {}}')
    transport = httpx.ASGITransport(app=build(contract=contract))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/openapi.json")).json() == {"openapi": "3.1.0", "paths": {}}


def test_vendored_swagger_ui_files_match_their_checksums() -> None:
    # Catches: one byte of swagger-ui-bundle.js changed.
    lines = (SWAGGER_UI / "SHA256SUMS").read_text().splitlines()
    checksums = {name: checksum for checksum, name in (line.split("  ") for line in lines)}
    assert set(checksums) == {path.name for path in SWAGGER_UI.iterdir()} - {"README.md", "SHA256SUMS"}
    for name, checksum in checksums.items():
        assert sha256((SWAGGER_UI / name).read_bytes()).hexdigest() == checksum, name


async def test_problems_page_explains_every_problem_in_both_languages(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs/problems")).text
    for kind in list_problem_classes():
        assert f'<section id="{kind.kind}">' in page
        assert f"urn:firststep:problem:{kind.kind}</code>" in page
        assert f"<p>{kind.status} " in page
        assert f'<p lang="km">{kind.titles["km"]}</p>' in page


async def test_only_listed_assets_are_served(client: httpx.AsyncClient) -> None:
    for name in ("index.html", "oauth2-redirect.html", "..%2f__init__.py", "%2e%2e", "swagger-ui.js.map"):
        assert (await client.get(f"/docs/assets/{name}")).status_code == 404


async def test_documentation_can_be_disabled() -> None:
    transport = httpx.ASGITransport(app=build(docs=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for path in ("/docs", "/docs/problems", "/docs/initializer.js", "/openapi.json", "/redoc"):
            response = await client.get(path)
            assert (response.status_code, response.headers["content-type"]) == (
                404,
                "application/problem+json",
            )


def test_framework_documentation_pages_must_be_disabled() -> None:
    with pytest.raises(ValueError, match="openapi_url=None"):
        documentation.install(FastAPI(), Settings())
