"""Read the case file: a case and its parts. Each part is read by the service function of its endpoint."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from app.access.caller import Caller
from app.access.reader import RecordReader
from app.errors import NotFound
from app.schemas.assessments import Assessment, AssessmentFilters
from app.schemas.care_plans import CarePlanFilters
from app.schemas.case_file import CaseFile, CaseFilePart, CaseFileQuery, CurrentCarePlanList
from app.schemas.cases import Case
from app.schemas.children import Child
from app.schemas.consents import CaseConsentFilters
from app.schemas.disbursement_lists import DisbursementFilters
from app.schemas.documents import CaseDocumentFilters
from app.schemas.feedback import FeedbackFilters
from app.schemas.legal_steps import LegalStepFilters
from app.schemas.people import PersonFilters
from app.schemas.support_session_lists import CaseSupportSessionFilters
from app.schemas.timeline import TimelineFilters
from app.schemas.wire import CountedPageQuery, Page, PageQuery
from app.services.assessments.assessments import list_case_assessments
from app.services.assessments.load import get_assessment
from app.services.care_plans.care_plans import list_case_care_plans
from app.services.care_plans.responses import get_care_plans
from app.services.cases.cases import get_case
from app.services.cases.children import get_child
from app.services.cases.people import list_case_people
from app.services.cases.timeline import list_case_timeline
from app.services.consents.register import list_case_consents
from app.services.fund.disbursement_responses import list_disbursements
from app.services.reviews.feedback import list_case_feedback
from app.services.reviews.review_lists import list_case_reviews
from app.services.support.document_responses import list_case_documents
from app.services.support.legal_steps import list_case_legal_steps
from app.services.support.session_responses import list_case_support_sessions

ListFunction = Callable[[RecordReader, Caller, UUID, Any], Awaitable[Page[Any]]]
PartLoader = Callable[[RecordReader, Caller, Case], Awaitable[object]]

CURRENT_PLANS = CarePlanFilters(status=["approved", "draft", "returned", "submitted"])
NEWEST_OF_CHILD = AssessmentFilters(subject="child", limit=1)


async def get_case_file(
    reader: RecordReader, caller: Caller, case_id: UUID, query: CaseFileQuery
) -> CaseFile:
    """Return a case with the requested parts.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
    """
    case = await get_case(reader, case_id)
    parts: dict[CaseFilePart, Any] = dict.fromkeys(PART_LOADERS)
    for part in query.parts or PART_LOADERS:
        parts[part] = await PART_LOADERS[part](reader, caller, case)
    return CaseFile.model_construct(case=case, **parts)


def _build_list_loader(list_records: ListFunction, query: PageQuery) -> PartLoader:
    """Return the loader of the first page of a list below a case."""

    async def load_page(reader: RecordReader, caller: Caller, case: Case) -> dict[str, Any]:
        return dict(await list_records(reader, caller, case.id, query))

    return load_page


async def _load_child(reader: RecordReader, _caller: Caller, case: Case) -> Child:
    return await get_child(reader, case.child_id)


async def _load_assessment(reader: RecordReader, caller: Caller, case: Case) -> Assessment | None:
    page = (await list_case_assessments(reader, caller, case.id, NEWEST_OF_CHILD)).validate_items()
    return await get_assessment(reader, page.items[0].id) if page.items else None


async def _load_plan(reader: RecordReader, caller: Caller, case: Case) -> CurrentCarePlanList:
    page = (await list_case_care_plans(reader, caller, case.id, CURRENT_PLANS)).validate_items()
    plans = await get_care_plans(reader, [plan.id for plan in page.items])
    return CurrentCarePlanList(items=plans, next_cursor=page.next_cursor)


async def _load_legal_steps(reader: RecordReader, caller: Caller, case: Case) -> dict[str, Any]:
    """Return the first page of the legal steps. If the caller cannot read the legal tier, the part is `closed`."""
    try:
        page = await list_case_legal_steps(reader, caller, case.id, LegalStepFilters())
    except NotFound:
        return {"closed": True, "items": None, "next_cursor": None}
    return {"closed": False, **dict(page)}


async def _load_money(reader: RecordReader, caller: Caller, case: Case) -> dict[str, Any]:
    return dict(await list_disbursements(reader, caller, DisbursementFilters(case_id=case.id)))


PART_LOADERS: dict[CaseFilePart, PartLoader] = {
    "child": _load_child,
    "people": _build_list_loader(list_case_people, PersonFilters()),
    "consents": _build_list_loader(list_case_consents, CaseConsentFilters()),
    "assessment": _load_assessment,
    "plan": _load_plan,
    "reviews": _build_list_loader(list_case_reviews, CountedPageQuery()),
    "feedback": _build_list_loader(list_case_feedback, FeedbackFilters()),
    "sessions": _build_list_loader(list_case_support_sessions, CaseSupportSessionFilters()),
    "legal_steps": _load_legal_steps,
    "documents": _build_list_loader(list_case_documents, CaseDocumentFilters()),
    "money": _load_money,
    "timeline": _build_list_loader(list_case_timeline, TimelineFilters()),
}
