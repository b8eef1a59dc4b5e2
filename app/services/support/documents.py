"""Documents on a case: their files are sealed, typed by content, and leave only through the API, as attachments."""

import asyncio
import base64
import binascii
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.log import RECORD_KINDS
from app.access.vault import decrypt, encrypt, get_vault
from app.errors import Fault, InvalidInput
from app.kit.pagination import Paginator
from app.kit.records import ensure_exists, get_for_share, get_record
from app.kit.state_machine import raise_if_unmet
from app.models import Case, ClinicalNote, Document, DocumentContent, LegalStep
from app.models.record import CaseRecord, new_id
from app.schemas.documents import (
    MAX_FILE_BYTES,
    DocumentCreate,
    DocumentFilters,
    DocumentSubject,
    DocumentSubjectCreate,
)
from app.schemas.documents import Document as DocumentSchema
from app.schemas.wire import Page
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.cases.write_access import check_works_on_case
from app.services.persons import name_matching as names
from app.services.support import media_types

ENCRYPTED_FIELDS = ("title", "file_name", "description")
CASE_RECORD_TYPES = {kind: table for table, kind in RECORD_KINDS.items() if issubclass(table, CaseRecord)}
"""What a document may be about."""
LEGAL_KINDS = frozenset({"court", "police"})
KINDS_ACCEPTED_AFTER_CLOSURE = LEGAL_KINDS | {"letter", "receipt", "acknowledgement"}
"""What comes in after a case was closed, and belongs to it all the same; so does whatever is of the legal tier."""
TIERS_BY_RESTRICTION = ("case", "legal", "clinical")
"""The tiers, each read by fewer people than the one before."""
TIER_BY_RECORD_KIND: dict[str, str] = {
    RECORD_KINDS[LegalStep]: "legal",
    RECORD_KINDS[ClinicalNote]: "clinical",
}
"""The tier of what is about such a record, unless somebody says otherwise."""


class DocumentFile(NamedTuple):
    """A document's file as it leaves us."""

    name: str
    media_type: str
    content: bytes


async def create_case_document(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: DocumentCreate
) -> DocumentSchema:
    """Add a document to a case.

    Raises:
        GateRefused: the case is closed, and this is nothing that still arrives then; the actor only looks at the case,
            or would not be among those who read the tier.
        InvalidInput: the file is empty, too large, or of no kind that is taken; what it is about is none of the case,
            or of a narrower tier.
        AlreadyExists: the id is taken.
    """
    case = await get_for_share(session, Case, case_id)
    tier = await _resolve_tier(session, payload)
    unmet = [] if payload.kind in KINDS_ACCEPTED_AFTER_CLOSURE or tier == "legal" else check_case_open(case)
    raise_if_unmet(
        [*unmet, *await check_works_on_case(session, case), *await _check_tier(session, caller, case, tier)]
    )
    await _require_linked_record(session, case, payload.about)
    # Half a second for the largest, on a thread: others' requests go on meanwhile.
    content, media_type = await asyncio.to_thread(_decode_file, payload.content)
    document = Document(
        id=payload.id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        kind=payload.kind,
        tier=tier,
        media_type=media_type,
        size=len(content),
        author_id=caller.id,
        about_kind=payload.about.kind if payload.about else None,
        about_id=payload.about.id if payload.about else None,
    )
    name = _normalize_file_name(payload.file_name or payload.title, media_type)
    encrypt(
        document, "sealed", {"title": payload.title, "file_name": name, "description": payload.description}
    )
    session.add(document)
    await session.flush()  # the content's policy looks for the document
    session.add(_encrypt_document(document, content))
    case_history.record_case_history(
        session, case, "document_added", caller, document, {"kind": payload.kind}
    )
    await session.flush()  # a conflict must surface before the answer leaves
    return _to_schema(document)


async def _resolve_tier(session: AsyncSession, payload: DocumentCreate) -> str:
    """Return the tier it is said to be of; else that of what it is about, where that is not everybody's; else its kind's.

    Raises:
        InvalidInput: it would be read by more than read what it is about.
    """
    about = await _get_record_tier(session, payload.about) if payload.about else "case"
    if payload.tier is not None:
        if TIERS_BY_RESTRICTION.index(payload.tier) < TIERS_BY_RESTRICTION.index(about):
            raise InvalidInput([Fault("/tier", "tier_too_wide", f"What it is about is {about}.")])
        return payload.tier
    return about if about != "case" or payload.kind not in LEGAL_KINDS else "legal"


async def _get_record_tier(session: AsyncSession, about: DocumentSubjectCreate) -> str:
    table: Any = (
        Document if about.kind == RECORD_KINDS[DocumentContent] else CASE_RECORD_TYPES.get(about.kind)
    )
    if table is None or "tier" not in table.model_fields:
        return TIER_BY_RECORD_KIND.get(about.kind, "case")
    return await session.scalar(select(col(table.tier)).where(col(table.id) == about.id)) or "case"


async def _check_tier(session: AsyncSession, caller: Caller, case: Case, tier: str) -> list[Fault]:
    """Ask the database, which has the last word on tiers, before it has to refuse the row."""
    if await session.scalar(select(func.access.can_read_tier(tier, case.id, caller.id))):
        return []
    return [Fault("/tier", "not_your_tier", "Whoever adds a document is among those who read it.")]


async def _require_linked_record(
    session: AsyncSession, case: Case, about: DocumentSubjectCreate | None
) -> None:
    if about is None:
        return
    table: Any = CASE_RECORD_TYPES.get(about.kind)
    if table is not None:
        query = select(col(table.id)).where(col(table.id) == about.id, col(table.case_id) == case.id)
        if await session.scalar(query) is not None:
            return
    raise InvalidInput([Fault("/about", "reference_unknown", "The case has no such record.")])


def _decode_file(encoded: str) -> tuple[bytes, str]:
    """Return a file and its type.

    Raises:
        InvalidInput: it is no base64, empty, too large, or of no kind that is taken.
    """
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput([Fault("/content", "base64_invalid", "Must be base64.")]) from None
    if len(content) > MAX_FILE_BYTES:
        most = f"A file has at most {MAX_FILE_BYTES} bytes."
        raise InvalidInput([Fault("/content", "file_too_large", most)])
    media_type = media_types.detect_media_type(content)
    if media_type is None:
        taken = ", ".join(media_types.EXTENSIONS)
        raise InvalidInput([Fault("/content", "media_type_unsupported", f"Must be one of: {taken}.")])
    return content, media_type


def _normalize_file_name(name: str, media_type: str) -> str:
    """Return a name that says what the file is: a picture sent as a PDF is saved, and opened, as a picture."""
    tidy = "".join(
        "_" if sign in '/\\:*?"<>|' or not sign.isprintable() else sign for sign in names.normalize_text(name)
    )
    endings = media_types.EXTENSIONS[media_type]
    stem = tidy.strip(" .") or "document"
    return stem if stem.lower().endswith(endings) else f"{stem}{endings[0]}"


def _encrypt_document(document: Document, content: bytes) -> DocumentContent:
    kept = DocumentContent(id=document.id, child_id=document.child_id, case_id=document.case_id)
    kept.sealed = get_vault().cipher.encrypt_bytes(
        content, table=DocumentContent.__tablename__, column="sealed", row_id=document.id
    )
    return kept


async def list_case_documents(
    session: AsyncSession, caller: Caller, case_id: UUID, filters: DocumentFilters
) -> Page[DocumentSchema]:
    """List a case's documents as far as the actor reads their tiers, newest first; reads no file."""
    await ensure_exists(session, Case, case_id)
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator(
        "documents", filters.limit, filters.cursor, {**wanted, "case": case_id, "for": caller.id}
    )
    query = select(Document).where(col(Document.case_id) == case_id).filter_by(**wanted)
    rows, cursor = await paging.fetch_records(session, query, col(Document.created_at), col(Document.id))
    return Page(items=[_to_schema(document) for document in rows], next_cursor=cursor)


async def get_document(session: AsyncSession, document_id: UUID) -> DocumentSchema:
    """Read what is known of one document."""
    return _to_schema(await get_record(session, Document, document_id))


async def download_document(session: AsyncSession, document_id: UUID) -> DocumentFile:
    """Return a document's file; the access log names the content, not only the document.

    Raises:
        CannotOpen: what is stored was changed, or is another document's.
    """
    kept = await get_record(session, DocumentContent, document_id)
    document = await get_record(session, Document, document_id)
    place: dict[str, Any] = {"table": DocumentContent.__tablename__, "column": "sealed", "row_id": kept.id}
    opened = await asyncio.to_thread(get_vault().cipher.decrypt_bytes, kept.sealed, **place)
    return DocumentFile(decrypt(document)["file_name"], document.media_type, opened)


def _to_schema(document: Document) -> DocumentSchema:
    known = decrypt(document)
    plain: dict[str, Any] = document.model_dump(
        include=set(DocumentSchema.model_fields) - {*ENCRYPTED_FIELDS, "about"}
    )
    about = (
        DocumentSubject(kind=document.about_kind, id=document.about_id)
        if document.about_kind and document.about_id
        else None
    )
    return DocumentSchema(**plain, **{name: known[name] for name in ENCRYPTED_FIELDS}, about=about)
