"""Care plans: areas, editions, submission, approval and the printable PDF."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from starlette.responses import Response

from app.http.language import RequestedLanguage
from app.http.permissions import (
    CarePlanApprover,
    CarePlanEditor,
    CarePlanPrinter,
    CarePlanReader,
    CarePlanSubmitter,
)
from app.http.printed_responses import PDF_CONTENT, PdfResponse, build_pdf_response
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.assessments import Area
from app.schemas.care_plans import (
    CarePlan,
    CarePlanAreaUpdate,
    CarePlanCreate,
    CarePlanFilters,
    CarePlanList,
    CarePlanUpdate,
    Goal,
    GoalCreate,
)
from app.schemas.care_plans_changes import CarePlanChanges
from app.schemas.decisions import CarePlanApproval, CarePlanReturn
from app.services.care_plans import approve, care_plans, diff, editions, goals, pdf, responses

router = Router(tags=["care-plans"])

CaseId = Annotated[UUID, Path(description="Id of the case.")]
CarePlanId = Annotated[UUID, Path(description="Id of the care plan (edition).")]
AreaName = Annotated[Area, Path(description="Area of the care plan.")]


@router.post("/cases/{case_id}/care-plans", status_code=201)
async def create_case_care_plan(
    caller: CarePlanEditor,
    session: Session,
    case_id: CaseId,
    payload: CarePlanCreate,
) -> CarePlan:
    """Create a draft of the next edition of a care plan.

    The draft contains the ratings and findings of the newest approved assessment of the subject, and the texts and open
    goals of the approved edition. Only one edition of a subject's plan can be in progress.
    """
    return await editions.create_case_care_plan(session, caller, case_id, payload)


@router.get("/cases/{case_id}/care-plans")
async def list_case_care_plans(
    caller: CarePlanReader,
    reader: Reader,
    case_id: CaseId,
    filters: Annotated[CarePlanFilters, Query()],
) -> CarePlanList:
    """List the care plans of a case, newest first.

    The list contains the editions of all subjects, without texts, areas and goals.
    """
    return await care_plans.list_case_care_plans(reader, caller, case_id, filters)


@router.get("/care-plans/{plan_id}")
async def get_care_plan(
    _caller: CarePlanReader,
    reader: Reader,
    plan_id: CarePlanId,
) -> CarePlan:
    """Get a care plan.

    The response contains the texts and the seven areas with their goals and actions.
    """
    return await responses.get_care_plan(reader, plan_id)


@router.patch("/care-plans/{plan_id}")
async def update_care_plan(
    _caller: CarePlanEditor,
    session: Session,
    plan_id: CarePlanId,
    expected_version: ExpectedVersion,
    payload: CarePlanUpdate,
) -> CarePlan:
    """Update the texts of a draft or returned care plan.

    Omitted fields keep their value. `assessment_id` can be changed to the newest approved assessment; the areas then
    contain the ratings and findings of that assessment.
    """
    return await care_plans.update_care_plan(session, plan_id, expected_version, payload)


@router.put("/care-plans/{plan_id}/areas/{area}")
async def replace_care_plan_area(
    _caller: CarePlanEditor,
    session: Session,
    plan_id: CarePlanId,
    area: AreaName,
    expected_version: ExpectedVersion,
    payload: CarePlanAreaUpdate,
) -> CarePlan:
    """Set the status of an area of a draft care plan.

    The status is `goals`, or `no_need` with a reason. An area with rating 1 or 2 or with open goals cannot have the
    status `no_need`. `If-Match` takes the ETag of the care plan.
    """
    return await care_plans.replace_care_plan_area(session, plan_id, area, expected_version, payload)


@router.post("/care-plans/{plan_id}/areas/{area}/goals", status_code=201)
async def create_care_plan_goal(
    _caller: CarePlanEditor,
    session: Session,
    plan_id: CarePlanId,
    area: AreaName,
    payload: GoalCreate,
) -> Goal:
    """Create a goal in an area of a draft care plan.

    The payload may contain the first actions of the goal. The status of the area becomes `goals`. An area has at most
    20 goals.
    """
    return await goals.create_care_plan_goal(session, plan_id, area, payload)


@router.get("/care-plans/{plan_id}/changes")
async def get_care_plan_changes(
    _caller: CarePlanReader,
    reader: Reader,
    plan_id: CarePlanId,
) -> CarePlanChanges:
    """Compare a care plan with its previous edition.

    The comparison covers areas, goals, actions and texts. For the first edition, every part is reported as added.
    """
    return await diff.get_care_plan_changes(reader, plan_id)


@router.post("/care-plans/{plan_id}/submit")
async def submit_care_plan(
    caller: CarePlanSubmitter,
    session: Session,
    plan_id: CarePlanId,
    expected_version: ExpectedVersion,
) -> CarePlan:
    """Submit a care plan for approval.

    The plan must be complete and based on the newest approved assessment of its subject. A submitted plan is frozen until
    a supervisor returns it.
    """
    return await approve.submit_care_plan(session, caller, plan_id, expected_version)


@router.post("/care-plans/{plan_id}/approve")
async def approve_care_plan(
    caller: CarePlanApprover,
    session: Session,
    plan_id: CarePlanId,
    expected_version: ExpectedVersion,
    payload: CarePlanApproval | None = None,
) -> CarePlan:
    """Approve a submitted care plan.

    The caller must supervise the case's team and must not have written or submitted the plan. The previous edition
    becomes `superseded`. The approval of the child's first plan activates the case and schedules the first review three
    calendar months later.
    """
    return await approve.approve_care_plan(
        session, caller, plan_id, expected_version, payload.comment if payload else None
    )


@router.post("/care-plans/{plan_id}/return")
async def return_care_plan(
    caller: CarePlanApprover,
    session: Session,
    plan_id: CarePlanId,
    expected_version: ExpectedVersion,
    payload: CarePlanReturn,
) -> CarePlan:
    """Return a submitted care plan to its author.

    The comment describes the required changes. The author can edit the plan and submit it again.
    """
    return await approve.return_care_plan(session, caller, plan_id, expected_version, payload.comment)


@router.get(
    "/care-plans/{plan_id}/print.pdf",
    response_class=PdfResponse,
    responses=PDF_CONTENT,
)
async def download_care_plan_pdf(
    _caller: CarePlanPrinter,
    reader: Reader,
    plan_id: CarePlanId,
    language: RequestedLanguage,
) -> Response:
    """Download a care plan as PDF in English or Khmer.

    The PDF is for the court and the family and contains no ratings, needs or risks. An edition that is not approved has
    a watermark. The plan of a supporter or family contains its answered areas, and no signature of the child.
    """
    return build_pdf_response(*await pdf.render_care_plan_pdf(reader, plan_id, language), language)
