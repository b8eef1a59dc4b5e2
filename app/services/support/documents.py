"""Add documents to a case. Files are stored encrypted. Their media type is detected from the content."""

import asyncio
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.accessed_records import RECORD_KINDS
from app.access.caller import Caller
from app.access.reader import open_response_reader
from app.access.vault import get_vault
from app.errors import Fault, InvalidInput
from app.kit.records import get_for_share
from app.kit.state_machine import raise_if_unmet
from app.models import Case, ClinicalNote, Document, DocumentContent, LegalStep, SessionAddendum
from app.models.record import CaseRecord, new_id
from app.schemas.documents import Document as DocumentSchema
from app.schemas.documents import DocumentCreate, DocumentSubjectCreate
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.cases.write_access import check_works_on_case
from app.services.consents.gate import load_register
from app.services.support import media_types
from app.services.support.document_responses import get_document
from app.services.support.uploaded_files import build_file_name, decode_file

CASE_RECORD_TYPES: dict[str, type[CaseRecord]] = {
    kind: record_type for record_type, kind in RECORD_KINDS.items() if issubclass(record_type, CaseRecord)
}
"""Model classes of the case records that a document can be about, by record kind."""
LEGAL_KINDS = frozenset({"court", "police"})
KINDS_ACCEPTED_AFTER_CLOSURE = LEGAL_KINDS | {"letter", "receipt", "acknowledgement"}
"""Kinds of documents that can be added to a closed case, because they often arrive late. Documents of the tier `legal`
can also be added.
"""
PROOF_KINDS = frozenset({"receipt", "acknowledgement"})
"""Kinds of documents that prove a payment. Each proves one payment, even if its file is added twice."""
KINDS_WITH_AMOUNT = frozenset({"receipt", "quotation", "acknowledgement"})
TIERS_BY_RESTRICTION = ("case", "legal", "clinical")
"""The tiers, from the one with the most readers to the one with the fewest."""
TIER_BY_RECORD_KIND: dict[str, str] = {
    RECORD_KINDS[LegalStep]: "legal",
    RECORD_KINDS[ClinicalNote]: "clinical",
}
"""Default tier of a document, by the kind of the record that it is about. For all other kinds it is `case`."""
TIERED_RECORD_TYPES: dict[str, type[Document] | type[SessionAddendum]] = {
    RECORD_KINDS[Document]: Document,
    RECORD_KINDS[DocumentContent]: Document,
    RECORD_KINDS[SessionAddendum]: SessionAddendum,
}
"""Model class with the column `tier`, by kind of the record that a document is about. A document and its content have
the same id."""


async def create_case_document(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: DocumentCreate
) -> DocumentSchema:
    """Add a document to a case.

    Raises:
        GateRefused: the case is closed (see `KINDS_ACCEPTED_AFTER_CLOSURE`), the caller is not staff of the case, the
            caller could not read the document in its tier, or it is a recording and the consent register does not permit it.
        InvalidInput: the file is empty, too large or of a type that is not accepted; the document is about a record of
            another case, or more people can read its tier than that record.
        AlreadyExists: the id is taken.
    """
    case = await get_for_share(session, Case, case_id)
    tier = await _resolve_tier(session, payload)
    accepted_after_closure = payload.kind in KINDS_ACCEPTED_AFTER_CLOSURE or tier == "legal"
    raise_if_unmet(
        [
            *([] if accepted_after_closure else check_case_open(case)),
            *await check_works_on_case(session, case),
            *await _check_tier(session, caller, case, tier),
        ]
    )
    await _validate_about(session, case, payload.about)
    _validate_amount(payload)
    content, media_type = await asyncio.to_thread(decode_file, payload.content)
    raise_if_unmet(await _check_recording(session, case, payload.kind, media_type))
    document = Document(
        id=payload.id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        kind=payload.kind,
        tier=tier,
        media_type=media_type,
        size=len(content),
        author_id=caller.id,
    )
    if payload.amount is not None:
        document.amount, document.currency = payload.amount.minor_units, payload.amount.currency
    if payload.kind in PROOF_KINDS:
        document.content_digest = await asyncio.to_thread(_compute_content_digest, content)
    _store_details(document, payload)
    session.add(document)
    await session.flush()  # the insert policy of the content requires the row of the document
    session.add(_build_content(document, content))
    case_history.record_case_history(
        session, case, "document_added", caller, document, {"kind": payload.kind}
    )
    return await get_document(await open_response_reader(session), document.id)


def _store_details(document: Document, payload: DocumentCreate) -> None:
    if payload.about is not None:
        document.about_kind, document.about_id = payload.about.kind, payload.about.id
    document.details = {
        "title": payload.title,
        "file_name": build_file_name(payload.file_name or payload.title, document.media_type),
        "description": payload.description,
    }


async def _resolve_tier(session: AsyncSession, payload: DocumentCreate) -> str:
    """Return the tier of a new document.

    The first of these that applies: the tier in the request; the tier of the record that the document is about, if it
    is not `case`; `legal` for a document of a court or the police; `case`.

    Raises:
        InvalidInput: more people can read the requested tier than the record that the document is about.
    """
    about_tier = await _get_record_tier(session, payload.about) if payload.about else "case"
    if payload.tier is not None:
        if TIERS_BY_RESTRICTION.index(payload.tier) < TIERS_BY_RESTRICTION.index(about_tier):
            detail = f"The tier must be at least as restricted as that of the record that the document is about ({about_tier})."
            raise InvalidInput([Fault("/tier", "tier_too_wide", detail)])
        return payload.tier
    return about_tier if about_tier != "case" or payload.kind not in LEGAL_KINDS else "legal"


async def _get_record_tier(session: AsyncSession, about: DocumentSubjectCreate) -> str:
    record_type = TIERED_RECORD_TYPES.get(about.kind)
    if record_type is None:
        return TIER_BY_RECORD_KIND.get(about.kind, "case")
    query = select(col(record_type.tier)).where(col(record_type.id) == about.id)
    return await session.scalar(query) or "case"


async def _check_tier(session: AsyncSession, caller: Caller, case: Case, tier: str) -> list[Fault]:
    """Return a fault unless the caller can read a tier of the case.

    Calls the database function that the row policies use. Without this check, the insert would fail with a database
    error.
    """
    if await session.scalar(select(func.access.can_read_tier(tier, case.id, caller.id))):
        return []
    return [
        Fault(
            "/tier",
            "not_your_tier",
            "You cannot read this tier of the case, so you cannot add a document to it.",
        )
    ]


async def _check_recording(session: AsyncSession, case: Case, kind: str, media_type: str) -> list[Fault]:
    """Return faults if a file is a photograph or a recording that the consent register of the child does not permit.

    A scan or a picture of a letter has another kind than `photo`, and needs no consent.
    """
    if kind != "photo" and not media_types.is_recording(media_type):
        return []
    register = await load_register(session, case.child_id, case.id)
    return list(register.check_with_basis("recording", "/content"))


async def _validate_about(session: AsyncSession, case: Case, about: DocumentSubjectCreate | None) -> None:
    """Check that the record that a document is about belongs to the case.

    Raises:
        InvalidInput: the record belongs to another case, or does not exist.
    """
    if about is None:
        return
    record_type = CASE_RECORD_TYPES.get(about.kind)
    if record_type is not None:
        query = select(col(record_type.id)).where(
            col(record_type.id) == about.id, col(record_type.case_id) == case.id
        )
        if await session.scalar(query) is not None:
            return
    raise InvalidInput([Fault("/about", "reference_unknown", "The case has no record with this id.")])


def _validate_amount(payload: DocumentCreate) -> None:
    """Check that only a document about money has an amount.

    Raises:
        InvalidInput: a document of another kind has an amount.
    """
    if payload.amount is not None and payload.kind not in KINDS_WITH_AMOUNT:
        detail = "Only receipts, quotations and acknowledgements have an amount."
        raise InvalidInput([Fault("/amount", "amount_unfit", detail)])


def _compute_content_digest(content: bytes) -> bytes:
    """Return the keyed digest of a file. The key prevents a comparison with a known file in a stolen database."""
    return get_vault().blind_index.compute_digest(b"receipt", content)


def _build_content(document: Document, content: bytes) -> DocumentContent:
    record = DocumentContent(id=document.id, child_id=document.child_id, case_id=document.case_id)
    record.content = content
    return record
