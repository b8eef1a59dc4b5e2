"""Documents of a disbursement that finance officers can read: receipts and quotations without names and diagnoses."""

import asyncio
from uuid import UUID

from sqlalchemy import Uuid, bindparam, column, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord, open_response_reader
from app.errors import Fault, InvalidInput
from app.kit.entered_in_error import is_valid
from app.kit.records import get_case_for_share, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Case, Disbursement, Document, DocumentContent
from app.models.disbursements import StoredFinanceDocument
from app.models.record import utc_now
from app.schemas.disbursements import Disbursement as DisbursementSchema
from app.schemas.disbursements import FinanceDocumentsUpdate
from app.services.cases import history as case_history
from app.services.cases.write_access import check_works_on_case
from app.services.fund.disbursement_responses import get_disbursement
from app.services.fund.disbursements import disbursement_history_detail
from app.services.fund.states import ENDED
from app.services.support.document_responses import DocumentFile
from app.services.support.documents import KINDS_WITH_AMOUNT
from app.services.support.media_types import EXTENSIONS

FINANCE_DOCUMENT = func.access.read_finance_document(
    bindparam("disbursement_id", type_=Uuid), bindparam("document_id", type_=Uuid)
).table_valued(
    *map(column, ("id", "child_id", "case_id", "number", "kind", "media_type", "content_encrypted")),
    name="file",
)
FINANCE_DOCUMENT_QUERY = ReadQuery(select(*FINANCE_DOCUMENT.c), shows=ShownRecord("document_content"))


async def replace_finance_documents(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payload: FinanceDocumentsUpdate,
) -> DisbursementSchema:
    """Replace the documents of a disbursement that finance officers can read.

    The history of the case contains the caller.

    Raises:
        GateRefused: the disbursement has ended, or the caller is not staff of the case.
        InvalidInput: a document is not a receipt, quotation or acknowledgement of the case, or not of the tier `case`.
    """
    case = await get_case_for_share(session, Disbursement, disbursement_id)
    disbursement = await get_version_for_update(session, Disbursement, disbursement_id, expected_version)
    raise_if_unmet([*_check_not_ended(disbursement), *await check_works_on_case(session, case)])
    disbursement.finance_documents = [
        dict(document) for document in await _load_documents(session, case, payload.document_ids)
    ]
    disbursement.updated_at = utc_now()
    detail = disbursement_history_detail(disbursement) | {
        "documents": str(len(disbursement.finance_documents))
    }
    case_history.record_case_history(
        session, case, "disbursement_documents_named", caller, disbursement, detail
    )
    return await get_disbursement(await open_response_reader(session), disbursement_id)


def _check_not_ended(disbursement: Disbursement) -> list[Fault]:
    if disbursement.status not in ENDED:
        return []
    return [Fault("/status", "status", f"The disbursement is {disbursement.status}.")]


async def _load_documents(
    session: AsyncSession, case: Case, document_ids: list[UUID]
) -> list[StoredFinanceDocument]:
    """Return the stored data of documents of a disbursement, in the order of the ids.

    Raises:
        InvalidInput: the case has no such receipt, quotation or acknowledgement of the tier `case`.
    """
    query = select(Document).where(
        col(Document.id).in_(document_ids),
        col(Document.case_id) == case.id,
        is_valid(Document),
        col(Document.tier) == "case",
        col(Document.kind).in_(KINDS_WITH_AMOUNT),
    )
    documents = {document.id: document for document in await session.scalars(query)}
    detail = "The case has no receipt, quotation or acknowledgement of the tier `case` with this id."
    faults = [
        Fault(f"/document_ids/{index}", "reference_unknown", detail)
        for index, document_id in enumerate(document_ids)
        if document_id not in documents
    ]
    if faults:
        raise InvalidInput(faults)
    return [
        {
            "id": str(document_id),
            "kind": documents[document_id].kind,
            "media_type": documents[document_id].media_type,
            "size": documents[document_id].size,
            "amount": documents[document_id].amount,
            "currency": documents[document_id].currency,
        }
        for document_id in dict.fromkeys(document_ids)
    ]


async def download_finance_document(
    reader: RecordReader, disbursement_id: UUID, document_id: UUID
) -> DocumentFile:
    """Return the file of a document that finance officers can read. Its name shows the number of the disbursement only.

    Raises:
        NotFound: the disbursement does not exist, or does not name the document.
    """
    row = await reader.fetch_required(
        FINANCE_DOCUMENT_QUERY, disbursement_id=disbursement_id, document_id=document_id
    )
    # Decrypting a large file in a thread does not block other requests.
    content = await asyncio.to_thread(DocumentContent.content.decrypt, row.id, row.content_encrypted)
    return DocumentFile(f"{row.number}-{row.kind}{EXTENSIONS[row.media_type][0]}", row.media_type, content)
