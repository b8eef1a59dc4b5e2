"""Read documents: metadata, the lists of one case and of all cases, and the file for download."""

import asyncio
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.kit.case_scope import CaseScope
from app.kit.dates import today
from app.kit.entered_in_error import build_error_filter, error_mark_columns, to_error_mark
from app.kit.list_query import Filters, ListQuery, build_day_start, is_one_of
from app.kit.records import ensure_visible
from app.kit.reference_names import staff_names, to_staff_refs
from app.models import Case, Document, DocumentContent
from app.schemas.documents import (
    CaseDocumentFilters,
    DocumentFilters,
    DocumentList,
    DocumentSummaryList,
)
from app.schemas.documents import Document as DocumentSchema
from app.schemas.money import format_money
from app.services.support.case_records import build_case_fields, build_case_filters, join_case_and_child

COLUMN_FIELDS = [name for name in DocumentSchema.model_fields if name in Document.model_fields]
DOCUMENT_COLUMNS = select(
    *(getattr(Document, name) for name in COLUMN_FIELDS),
    *staff_names(Document, "author"),
    *error_mark_columns(Document),
    col(Document.about_kind),
    col(Document.about_id),
    col(Document.currency),
    col(Document.details_encrypted),
)
DOCUMENT_QUERY = ReadQuery(
    DOCUMENT_COLUMNS.where(col(Document.id) == bindparam("document_id")), shows=ShownRecord("document")
)
DOWNLOAD_QUERY = ReadQuery(
    select(
        *(getattr(DocumentContent, name) for name in ("id", "child_id", "case_id", "content_encrypted")),
        col(Document.media_type),
        col(Document.details_encrypted),
    )
    .join(Document, col(Document.id) == col(DocumentContent.id))
    .where(col(DocumentContent.id) == bindparam("document_id")),
    shows=ShownRecord("document_content"),
)
FILTERS: Filters = {
    **build_error_filter(Document),
    **build_case_filters(col(Document.case_id)),
    "about_id": col(Document.about_id) == bindparam("about_id"),
    "since": col(Document.created_at) >= build_day_start("since"),
    "until": col(Document.created_at) < build_day_start("until", 1),
    **{name: is_one_of(col(getattr(Document, name)), name) for name in ("kind", "tier")},
}
SORTS = {"created_at": col(Document.created_at)}
CASE_DOCUMENTS = ListQuery(
    "case_documents",
    Document,
    DOCUMENT_COLUMNS,
    filters=FILTERS,
    sorts=SORTS,
    shows=ShownRecord("document"),
)
DOCUMENTS = ListQuery(
    "documents",
    Document,
    join_case_and_child(DOCUMENT_COLUMNS, Document),
    filters=FILTERS,
    sorts=SORTS,
    scope=CaseScope(col(Document.case_id), col(Case.id)),
    shows=ShownRecord("document"),
)


class DocumentFile(NamedTuple):
    """The decrypted file of a document, for download."""

    name: str
    media_type: str
    content: bytes


async def list_case_documents(
    reader: RecordReader, caller: Caller, case_id: UUID, filters: CaseDocumentFilters
) -> DocumentList:
    """List the documents of a case in the tiers that the caller can read. Reads no file content.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
    """
    page = await CASE_DOCUMENTS.fetch_page(reader, caller, filters, within={"case_id": case_id})
    if not page.rows:
        await ensure_visible(reader, Case, case_id)
    return DocumentList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


async def list_documents(
    reader: RecordReader, caller: Caller, filters: DocumentFilters
) -> DocumentSummaryList:
    """List the documents of all cases that the caller can see, in the tiers that the caller can read.

    The newest document comes first unless `sort` is given.
    """
    page = await DOCUMENTS.fetch_page(reader, caller, filters)
    day = today()
    items = [{**_row_to_fields(row), **build_case_fields(row, day)} for row in page.rows]
    return DocumentSummaryList.from_trusted_items(items, **page.fields)


async def get_document(reader: RecordReader, document_id: UUID) -> DocumentSchema:
    """Return the metadata of one document.

    Raises:
        NotFound: the document does not exist, or the caller cannot see it.
    """
    row = await reader.fetch_required(DOCUMENT_QUERY, document_id=document_id)
    return DocumentSchema(**_row_to_fields(row))


async def download_document(reader: RecordReader, document_id: UUID) -> DocumentFile:
    """Return the decrypted file of a document. The access log shows a download by the id of the content.

    Raises:
        NotFound: the document does not exist, or the caller cannot see it.
        DecryptionError: the stored content was changed, or belongs to another document.
    """
    row = await reader.fetch_required(DOWNLOAD_QUERY, document_id=document_id)
    # Decrypting a large file in a thread does not block other requests.
    content = await asyncio.to_thread(DocumentContent.content.decrypt, row.id, row.content_encrypted)
    details = Document.details.decrypt(row.id, row.details_encrypted)
    return DocumentFile(details["file_name"], row.media_type, content)


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **Document.details.decrypt(row.id, row.details_encrypted),
        **to_staff_refs(row, "author"),
        **to_error_mark(Document, row),
        "about": {"kind": row.about_kind, "id": row.about_id} if row.about_id else None,
        "amount": None if row.amount is None else format_money(row.amount, row.currency),
    }
