"""/docs, /docs/problems and /openapi.json: served from what is installed, with no other host involved."""

import html
import json
from collections.abc import Awaitable, Callable, Iterator
from functools import cache, partial
from hashlib import sha256
from inspect import cleandoc
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from swagger_ui_bundle import swagger_ui_path

from app.config import Settings
from app.errors import FirstStepError, NotFound
from app.http.openapi.downgrade_3_0 import retell
from app.http.problem_details import TYPE_PREFIX

ASSETS = {
    "swagger-ui.css": "text/css",
    "index.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
"""The files of the Swagger UI package that are served, and as what."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""No inline script or style; `data:` is for the icons in Swagger UI's own style sheet."""

INITIALIZER = """window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: "docs/openapi-3.0.json",
    dom_id: "#swagger-ui",
    deepLinking: true,
    displayRequestDuration: true,
    filter: true,
    persistAuthorization: false,
    validatorUrl: null,
  });
});
"""
"""`validatorUrl: null` keeps Swagger UI from sending the document to a public validator."""

_Endpoint = Callable[[Request], Awaitable[Response]]


def install(app: FastAPI, settings: Settings, *, written: Path | None = None) -> None:
    """Add the pages to `app`, unless `settings.docs` is off. `written` is the document, written down beforehand.

    Making it takes seconds, in which nobody else would be answered.

    Raises `ValueError` where FastAPI's own pages, which load from a public host, are still on.
    """
    if app.openapi_url or app.docs_url or app.redoc_url:
        raise ValueError("Build the app with openapi_url=None, docs_url=None, redoc_url=None")
    if not settings.docs:
        return
    describe = partial(_read, written) if written and written.exists() else app.openapi
    pages: dict[str, _Endpoint] = {
        "/docs": _page(_docs_page(app.title)),
        "/docs/problems": _page(problems_page()),
        "/docs/initializer.js": _file(INITIALIZER.encode(), "text/javascript"),
        "/docs/assets/{name}": _asset,
        "/docs/openapi-3.0.json": _document(lambda: retell(describe())),
        "/openapi.json": _document(describe),
    }
    for path, endpoint in pages.items():
        app.add_route(path, endpoint, methods=["GET"], include_in_schema=False)


def _read(written: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(written.read_bytes())
    return found


def problem_kinds(root: type[FirstStepError] = FirstStepError) -> Iterator[type[FirstStepError]]:
    """Yield every kind of problem, parents before their children."""
    yield root
    for child in root.__subclasses__():
        yield from problem_kinds(child)


def problems_page() -> str:
    """Return the page that explains every kind of problem, in English and Khmer."""
    sections = "\n".join(_problem_section(kind) for kind in problem_kinds())
    return _html("Problems this API may answer", f"<main>\n{sections}\n</main>")


def _problem_section(kind: type[FirstStepError]) -> str:
    meaning = html.escape(cleandoc(kind.__doc__ or ""))
    return (
        f'<section id="{html.escape(kind.kind)}">\n'
        f"<h2><code>{html.escape(TYPE_PREFIX + kind.kind)}</code></h2>\n"
        f"<p>{kind.status} {html.escape(kind.titles['en'])}</p>\n"
        f'<p lang="km">{html.escape(kind.titles["km"])}</p>\n'
        f"<p>{meaning}</p>\n</section>"
    )


def _docs_page(title: str) -> str:
    return _html(
        title,
        '<div id="swagger-ui"></div>\n<p><a href="docs/problems">Problems</a></p>\n'
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


def _file(content: bytes, media_type: str) -> _Endpoint:
    async def file(request: Request) -> Response:
        return _cacheable(request, content, media_type)

    return file


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        raise NotFound
    return _cacheable(request, _asset_content(name), ASSETS[name])


@cache
def _asset_content(name: str) -> bytes:
    return (Path(str(swagger_ui_path)) / name).read_bytes()


def _document(describe: Callable[[], dict[str, Any]]) -> _Endpoint:
    """Serve a description, written down at the first request: by then every router is mounted."""

    @cache
    def content() -> bytes:
        return json.dumps(describe(), ensure_ascii=False, separators=(",", ":")).encode()

    async def document(request: Request) -> Response:
        return _cacheable(request, content(), "application/json")

    return document


def _cacheable(request: Request, content: bytes, media_type: str) -> Response:
    """Return `content` with a strong ETag, or 304 where the client holds it already."""
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": "public, max-age=300"}
    held = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in held or "*" in held:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)
