"""Documents on a case: their files are sealed, typed by content, and leave only through the API, as attachments."""

import asyncio
import base64
import binascii
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.log import RECORD_KINDS
from app.access.vault import seal, unseal, vault
from app.errors import Fault, InvalidInput
from app.kit.pagination import Paging
from app.kit.records import find, find_steady, require
from app.kit.state_machine import refuse
from app.models import Case, ClinicalNote, Document, DocumentContent, LegalStep
from app.models.record import CaseRecord, new_id
from app.schemas.documents import MOST_BYTES, About, AboutOut, DocumentFilters, DocumentIn, DocumentOut
from app.schemas.wire import Page
from app.services.cases import history as case_history
from app.services.cases.states import unmet_open
from app.services.cases.write_access import unmet_working
from app.services.persons import name_matching as names
from app.services.support import media_types

SEALED = ("title", "file_name", "description")
OF_A_CASE = {kind: table for table, kind in RECORD_KINDS.items() if issubclass(table, CaseRecord)}
"""What a document may be about."""
LEGAL_KINDS = frozenset({"court", "police"})
STILL_ARRIVING = LEGAL_KINDS | {"letter", "receipt", "acknowledgement"}
"""What comes in after a case was closed, and belongs to it all the same; so does whatever is of the legal tier."""
NARROWER = ("case", "legal", "clinical")
"""The tiers, each read by fewer people than the one before."""
TIERS: dict[str, str] = {RECORD_KINDS[LegalStep]: "legal", RECORD_KINDS[ClinicalNote]: "clinical"}
"""The tier of what is about such a record, unless somebody says otherwise."""


class File(NamedTuple):
    """A document's file as it leaves us."""

    name: str
    media_type: str
    content: bytes


async def add(session: AsyncSession, actor: Actor, case_id: UUID, told: DocumentIn) -> DocumentOut:
    """Add a document to a case.

    Raises:
        GateRefused: the case is closed, and this is nothing that still arrives then; the actor only looks at the case,
            or would not be among those who read the tier.
        InvalidInput: the file is empty, too large, or of no kind that is taken; what it is about is none of the case,
            or of a narrower tier.
        AlreadyExists: the id is taken.
    """
    case = await find_steady(session, Case, case_id)
    tier = await _tier(session, told)
    unmet = [] if told.kind in STILL_ARRIVING or tier == "legal" else unmet_open(case)
    refuse([*unmet, *await unmet_working(session, case), *await _unmet_tier(session, actor, case, tier)])
    await _require_about(session, case, told.about)
    # Half a second for the largest, on a thread: others' requests go on meanwhile.
    content, media_type = await asyncio.to_thread(_opened, told.content)
    document = Document(
        id=told.id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        kind=told.kind,
        tier=tier,
        media_type=media_type,
        size=len(content),
        author_id=actor.id,
        about_kind=told.about.kind if told.about else None,
        about_id=told.about.id if told.about else None,
    )
    name = _file_name(told.file_name or told.title, media_type)
    seal(document, "sealed", {"title": told.title, "file_name": name, "description": told.description})
    session.add(document)
    await session.flush()  # the content's policy looks for the document
    session.add(_sealed(document, content))
    case_history.record(session, case, "document_added", actor, document, {"kind": told.kind})
    await session.flush()  # a conflict must surface before the answer leaves
    return _shown(document)


async def _tier(session: AsyncSession, told: DocumentIn) -> str:
    """Return the tier it is said to be of; else that of what it is about, where that is not everybody's; else its kind's.

    Raises:
        InvalidInput: it would be read by more than read what it is about.
    """
    about = await _tier_of(session, told.about) if told.about else "case"
    if told.tier is not None:
        if NARROWER.index(told.tier) < NARROWER.index(about):
            raise InvalidInput([Fault("/tier", "tier_too_wide", f"What it is about is {about}.")])
        return told.tier
    return about if about != "case" or told.kind not in LEGAL_KINDS else "legal"


async def _tier_of(session: AsyncSession, about: About) -> str:
    table: Any = Document if about.kind == RECORD_KINDS[DocumentContent] else OF_A_CASE.get(about.kind)
    if table is None or "tier" not in table.model_fields:
        return TIERS.get(about.kind, "case")
    return await session.scalar(select(col(table.tier)).where(col(table.id) == about.id)) or "case"


async def _unmet_tier(session: AsyncSession, actor: Actor, case: Case, tier: str) -> list[Fault]:
    """Ask the database, which has the last word on tiers, before it has to refuse the row."""
    if await session.scalar(select(func.access.reads_tier(tier, case.id, actor.id))):
        return []
    return [Fault("/tier", "not_your_tier", "Whoever adds a document is among those who read it.")]


async def _require_about(session: AsyncSession, case: Case, about: About | None) -> None:
    if about is None:
        return
    table: Any = OF_A_CASE.get(about.kind)
    if table is not None:
        query = select(col(table.id)).where(col(table.id) == about.id, col(table.case_id) == case.id)
        if await session.scalar(query) is not None:
            return
    raise InvalidInput([Fault("/about", "reference_unknown", "The case has no such record.")])


def _opened(encoded: str) -> tuple[bytes, str]:
    """Return a file and its type.

    Raises:
        InvalidInput: it is no base64, empty, too large, or of no kind that is taken.
    """
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput([Fault("/content", "base64_invalid", "Must be base64.")]) from None
    if len(content) > MOST_BYTES:
        most = f"A file has at most {MOST_BYTES} bytes."
        raise InvalidInput([Fault("/content", "file_too_large", most)])
    media_type = media_types.of(content)
    if media_type is None:
        taken = ", ".join(media_types.ENDINGS)
        raise InvalidInput([Fault("/content", "media_type_unsupported", f"Must be one of: {taken}.")])
    return content, media_type


def _file_name(name: str, media_type: str) -> str:
    """Return a name that says what the file is: a picture sent as a PDF is saved, and opened, as a picture."""
    tidy = "".join(
        "_" if sign in '/\\:*?"<>|' or not sign.isprintable() else sign for sign in names.tidy(name)
    )
    endings = media_types.ENDINGS[media_type]
    stem = tidy.strip(" .") or "document"
    return stem if stem.lower().endswith(endings) else f"{stem}{endings[0]}"


def _sealed(document: Document, content: bytes) -> DocumentContent:
    kept = DocumentContent(id=document.id, child_id=document.child_id, case_id=document.case_id)
    kept.sealed = vault().sealer.seal_bytes(
        content, table=DocumentContent.__tablename__, column="sealed", row=document.id
    )
    return kept


async def listed(
    session: AsyncSession, actor: Actor, case_id: UUID, filters: DocumentFilters
) -> Page[DocumentOut]:
    """List a case's documents as far as the actor reads their tiers, newest first; reads no file."""
    await require(session, Case, case_id)
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("documents", filters.limit, filters.cursor, {**wanted, "case": case_id, "for": actor.id})
    query = select(Document).where(col(Document.case_id) == case_id).filter_by(**wanted)
    rows, cursor = await paging.records(session, query, col(Document.created_at), col(Document.id))
    return Page(items=[_shown(document) for document in rows], next_cursor=cursor)


async def read(session: AsyncSession, document_id: UUID) -> DocumentOut:
    """Read what is known of one document."""
    return _shown(await find(session, Document, document_id))


async def content(session: AsyncSession, document_id: UUID) -> File:
    """Return a document's file; the access log names the content, not only the document.

    Raises:
        CannotOpen: what is stored was changed, or is another document's.
    """
    kept = await find(session, DocumentContent, document_id)
    document = await find(session, Document, document_id)
    place: dict[str, Any] = {"table": DocumentContent.__tablename__, "column": "sealed", "row": kept.id}
    opened = await asyncio.to_thread(vault().sealer.open_bytes, kept.sealed, **place)
    return File(unseal(document)["file_name"], document.media_type, opened)


def _shown(document: Document) -> DocumentOut:
    known = unseal(document)
    plain: dict[str, Any] = document.model_dump(include=set(DocumentOut.model_fields) - {*SEALED, "about"})
    about = (
        AboutOut(kind=document.about_kind, id=document.about_id)
        if document.about_kind and document.about_id
        else None
    )
    return DocumentOut(**plain, **{name: known[name] for name in SEALED}, about=about)
