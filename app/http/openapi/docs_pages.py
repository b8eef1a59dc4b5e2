"""The documentation pages /docs and /docs/problems, and /openapi.json. They load nothing from other hosts."""

import html
import json
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from hashlib import sha256
from inspect import cleandoc
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.config import Settings
from app.errors import FirstStepError, NotFound
from app.http.problem_details import TYPE_PREFIX

SWAGGER_UI = Path(__file__).parent / "swagger_ui"
"""Directory with the files of Swagger UI, which are copied into the repository."""

ASSETS = {
    "swagger-ui.css": "text/css",
    "index.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
"""The files of Swagger UI that are served, with their media types."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Forbids inline scripts and styles. `data:` is needed for the icons in the style sheet of Swagger UI."""

INITIALIZER = """window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "none",
    filter: true,
    persistAuthorization: false,
    validatorUrl: null,
  });
});
"""
"""Without `validatorUrl: null`, Swagger UI would send the URL of the document to a public validator."""

_Endpoint = Callable[[Request], Awaitable[Response]]


def install(app: FastAPI, settings: Settings, *, contract: Path | None = None) -> None:
    """Add the documentation pages to `app` if `settings.docs` is on.

    `/openapi.json` serves the file `contract` if it exists, because generating the document would block the worker for
    seconds.

    Raises:
        ValueError: FastAPI's own pages, which load scripts from a public host, are enabled.
    """
    if app.openapi_url or app.docs_url or app.redoc_url:
        raise ValueError("Build the app with openapi_url=None, docs_url=None, redoc_url=None")
    if not settings.docs:
        return
    pages: dict[str, _Endpoint] = {
        "/docs": _page(_docs_page(app.title)),
        "/docs/problems": _page(problems_page()),
        "/docs/initializer.js": _initializer,
        "/docs/assets/{name}": _asset,
        "/openapi.json": _document(app, contract),
    }
    for path, endpoint in pages.items():
        app.add_route(path, endpoint, methods=["GET"], include_in_schema=False)


def list_problem_classes(root: type[FirstStepError] = FirstStepError) -> Iterator[type[FirstStepError]]:
    """Yield every problem class, each before its subclasses."""
    yield root
    for child in root.__subclasses__():
        yield from list_problem_classes(child)


def problems_page() -> str:
    """Return the HTML page that explains every problem type in English and Khmer."""
    sections = "\n".join(_problem_section(kind) for kind in list_problem_classes())
    return _html("Problem types of this API", f"<main>\n{sections}\n</main>")


def _problem_section(kind: type[FirstStepError]) -> str:
    description = html.escape(cleandoc(kind.__doc__ or ""))
    return (
        f'<section id="{html.escape(kind.kind)}">\n'
        f"<h2><code>{html.escape(TYPE_PREFIX + kind.kind)}</code></h2>\n"
        f"<p>{kind.status} {html.escape(kind.titles['en'])}</p>\n"
        f'<p lang="km">{html.escape(kind.titles["km"])}</p>\n'
        f"<p>{description}</p>\n</section>"
    )


def _docs_page(title: str) -> str:
    return _html(
        title,
        '<div id="swagger-ui"></div>\n<p><a href="docs/problems">Problem types</a></p>\n'
        '<script src="docs/assets/swagger-ui-bundle.js"></script>\n<script src="docs/initializer.js"></script>',
        '<link rel="stylesheet" href="docs/assets/swagger-ui.css">\n'
        '<link rel="stylesheet" href="docs/assets/index.css">\n'
        '<link rel="icon" href="docs/assets/favicon-32x32.png">\n',
    )


def _html(title: str, body: str, links: str = "") -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        f"{links}</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _page(content: str) -> _Endpoint:
    async def page(_request: Request) -> Response:
        return HTMLResponse(content, headers={"content-security-policy": CONTENT_SECURITY_POLICY})

    return page


async def _initializer(request: Request) -> Response:
    return _build_cacheable_response(request, INITIALIZER.encode(), "text/javascript")


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        raise NotFound
    return _build_cacheable_response(request, _asset_content(name), ASSETS[name])


@cache
def _asset_content(name: str) -> bytes:
    return (SWAGGER_UI / name).read_bytes()


def _document(app: FastAPI, contract: Path | None) -> _Endpoint:
    @cache
    def content() -> bytes:
        document: dict[str, Any] = (
            json.loads(contract.read_bytes()) if contract and contract.exists() else app.openapi()
        )
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    async def document(request: Request) -> Response:
        return _build_cacheable_response(request, content(), "application/json")

    return document


def _build_cacheable_response(request: Request, content: bytes, media_type: str) -> Response:
    """Return a response with a strong ETag, or a 304 if the client's copy is current."""
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "public, max-age=300"}
    client_etags = [
        tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")
    ]
    if etag in client_etags or "*" in client_etags:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)
