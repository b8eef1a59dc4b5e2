"""Documents on a case."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from app.access.vault import get_vault
from app.http.authorization import bearer_token
from app.http.middleware.stack import Uploads
from app.http.permissions import DocumentReader, DocumentUploader
from app.http.route import Router
from app.http.session import Session
from app.routers.attachments import attachment
from app.schemas.documents import LONGEST_CONTENT, DocumentFilters, DocumentIn, DocumentOut
from app.schemas.wire import Page
from app.services.support import documents
from app.services.support.media_types import EXTENSIONS

router = Router(tags=["documents"])

ABOUT_THE_FILE = 500_000
"""Bytes of an upload beside the file: what is said about it."""
SLOWEST_SECONDS = 180.0
"""How long an upload may take, from a telephone in a village."""

_UPLOADS = re.compile(r"/v1/cases/[^/]+/documents")
_BINARY = {"schema": {"type": "string", "format": "binary"}}


def _is_upload(scope: Scope) -> bool:
    """Whether a request may be as large and as slow as a file: its sender's token is looked at before its body.

    Raises:
        Unauthenticated: there is no good token.
    """
    if scope["method"] != "POST" or not _UPLOADS.fullmatch(scope["path"]):
        return False
    get_vault().access_tokens.verify_access_token(bearer_token(Request(scope)))
    return True


UPLOADS = Uploads(_is_upload, LONGEST_CONTENT + ABOUT_THE_FILE, SLOWEST_SECONDS)


@router.post("/cases/{case_id}/documents", status_code=201)
async def add(
    caller: DocumentUploader,
    session: Session,
    case_id: UUID,
    payload: DocumentIn,
) -> DocumentOut:
    """Add a document to a case: PDF, picture, Word, Excel or plain text, at most 10 MiB."""
    return await documents.create_case_document(session, caller, case_id, payload)


@router.get("/cases/{case_id}/documents")
async def listed(
    caller: DocumentReader,
    session: Session,
    case_id: UUID,
    filters: Annotated[DocumentFilters, Query()],
) -> Page[DocumentOut]:
    """List a case's documents as far as you read their tiers, newest first."""
    return await documents.list_case_documents(session, caller, case_id, filters)


@router.get("/documents/{document_id}")
async def read(
    _caller: DocumentReader,
    session: Session,
    document_id: UUID,
) -> DocumentOut:
    """Read what is known of a document."""
    return await documents.get_document(session, document_id)


@router.get(
    "/documents/{document_id}/content",
    response_class=Response,
    responses={200: {"content": dict.fromkeys(EXTENSIONS, _BINARY)}},
)
async def content(
    _caller: DocumentReader,
    session: Session,
    document_id: UUID,
) -> Response:
    """Download a document's file, as an attachment."""
    return attachment(*await documents.download_document(session, document_id))
