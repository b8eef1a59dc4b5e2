"""Endpoints of the documents of a case, and the limits of uploads."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from app.access.vault import get_vault
from app.http.authorization import get_bearer_token
from app.http.middleware.request_limits import UploadLimits
from app.http.permissions import DocumentReader, DocumentUploader
from app.http.responses import build_attachment_response, describe_attachment
from app.http.route import Router
from app.http.session import Reader, Session
from app.schemas.documents import (
    MAX_BASE64_LENGTH,
    CaseDocumentFilters,
    Document,
    DocumentCreate,
    DocumentFilters,
    DocumentList,
    DocumentSummaryList,
)
from app.services.support import document_responses, documents
from app.services.support.media_types import EXTENSIONS

router = Router(tags=["documents"])

MAX_METADATA_BYTES = 500_000
"""Maximum size of the other fields of an upload in bytes."""
UPLOAD_TIMEOUT_SECONDS = 180.0
"""Maximum duration of an upload, chosen for slow mobile connections."""

_UPLOAD_PATH = re.compile(r"/v1/(?:cases/[^/]+/documents|outreach-activities/[^/]+/attachments)")


def _is_upload(scope: Scope) -> bool:
    """Return whether a request is an upload, to which larger limits apply.

    Verifies the access token before the body is read.

    Raises:
        Unauthenticated: the request has no valid access token.
    """
    if scope["method"] != "POST" or not _UPLOAD_PATH.fullmatch(scope["path"]):
        return False
    get_vault().access_tokens.verify_access_token(get_bearer_token(Request(scope)))
    return True


UPLOAD_LIMITS = UploadLimits(_is_upload, MAX_BASE64_LENGTH + MAX_METADATA_BYTES, UPLOAD_TIMEOUT_SECONDS)


@router.post("/cases/{case_id}/documents", status_code=201)
async def create_case_document(
    caller: DocumentUploader,
    session: Session,
    case_id: UUID,
    payload: DocumentCreate,
) -> Document:
    """Add a document to a case.

    Accepts PDF, JPEG, PNG, WebP, HEIC, Word, Excel and plain text up to 10 MiB. The type is detected from the content.
    The tier decides who can read the document. Only letters, receipts, acknowledgements and legal documents can be
    added to a closed case.
    """
    return await documents.create_case_document(session, caller, case_id, payload)


@router.get("/cases/{case_id}/documents")
async def list_case_documents(
    caller: DocumentReader,
    reader: Reader,
    case_id: UUID,
    filters: Annotated[CaseDocumentFilters, Query()],
) -> DocumentList:
    """List the documents of a case, newest first by default.

    The list contains the documents in the tiers that the caller can read, without their files.
    """
    return await document_responses.list_case_documents(reader, caller, case_id, filters)


@router.get("/documents")
async def list_documents(
    caller: DocumentReader,
    reader: Reader,
    filters: Annotated[DocumentFilters, Query()],
) -> DocumentSummaryList:
    """List the documents of all cases, newest first by default.

    Returns the documents of the cases that the caller can see, in the tiers that the caller can read, without their
    files.
    """
    return await document_responses.list_documents(reader, caller, filters)


@router.get("/documents/{document_id}")
async def get_document(
    _caller: DocumentReader,
    reader: Reader,
    document_id: UUID,
) -> Document:
    """Get the metadata of a document.

    The file itself is downloaded from `/content`.
    """
    return await document_responses.get_document(reader, document_id)


@router.get(
    "/documents/{document_id}/content",
    response_class=Response,
    responses=describe_attachment(*EXTENSIONS),
)
async def download_document(
    _caller: DocumentReader,
    reader: Reader,
    document_id: UUID,
) -> Response:
    """Download the file of a document.

    The response is an attachment with the detected media type. The access log records the download of the content.
    """
    return build_attachment_response(*await document_responses.download_document(reader, document_id))
