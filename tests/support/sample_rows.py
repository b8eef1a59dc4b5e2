"""One row of every table a worker writes on, for a case: what a fence must be tried against."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import SQLModel

from app.database.embedded import ADMIN_ROLE
from app.database.urls import to_sqlalchemy_url
from app.models import (
    Action,
    Assessment,
    CarePlan,
    ClinicalNote,
    Disbursement,
    DisbursementDetails,
    Document,
    DocumentContent,
    ExitPlan,
    FollowUp,
    Goal,
    LegalStep,
    PlanArea,
    Provider,
    Review,
    ServiceReferral,
    SessionAddendum,
    SupportSession,
)
from app.models.record import new_id
from tests.support.database_cluster import ADMIN_PASSWORD, Cluster
from tests.support.scenario import Scenario, id_of

SAMPLE_DATE = date(2026, 9, 1)


def build_sample_rows(case: dict[str, Any], author_id: UUID) -> list[SQLModel]:
    """Return the rows. Their encrypted columns are empty."""
    here: dict[str, Any] = {"case_id": UUID(case["id"]), "child_id": UUID(case["child_id"])}
    mine: dict[str, Any] = {**here, "author_id": author_id}
    assessment = Assessment(**mine, subject="child", kind="initial", status="approved")
    plan = CarePlan(**mine, subject="child", assessment_id=assessment.id, status="approved")
    goal = Goal(**here, plan_id=plan.id, area="education", origin_id=new_id())
    held = SupportSession(
        **mine, kind="therapy", worker_id=author_id, planned_at=datetime(2026, 9, 1, tzinfo=UTC)
    )
    provider = Provider(id=new_id(), name=f"Hospital {new_id()}", kind="hospital")
    document = Document(**mine, kind="letter", media_type="application/pdf", size=6)
    asked = Disbursement(
        **here, number=f"A-{new_id()}", case_number=case["number"], beneficiary="child", category="transport",
        amount=1250, currency="USD", urgency="routine", release_on=SAMPLE_DATE, requested_by_id=author_id,
    )  # fmt: skip
    return [
        assessment,
        plan,
        PlanArea(**here, plan_id=plan.id, area="education", status="goals"),
        goal,
        Action(**here, plan_id=plan.id, goal_id=goal.id, origin_id=new_id(), by="child", due_on=SAMPLE_DATE),
        held,
        ClinicalNote(**mine, session_id=held.id),
        SessionAddendum(**mine, session_id=held.id),
        SessionAddendum(**mine, session_id=held.id, tier="clinical"),
        provider,
        ServiceReferral(**mine, provider_id=provider.id, service="medical"),
        Review(**here, plan_id=plan.id, number=1, due_on=SAMPLE_DATE),
        ExitPlan(**mine),
        FollowUp(**here, months=1, due_on=SAMPLE_DATE),
        document,
        DocumentContent(**here, id=document.id),
        Document(**mine, kind="police", tier="legal", media_type="application/pdf", size=6),
        Document(**mine, kind="drawing", tier="clinical", media_type="image/png", size=6),
        LegalStep(**mine, kind="court_date", on=SAMPLE_DATE),
        asked,
        DisbursementDetails(**here, id=asked.id),
    ]


async def insert_sample_rows(cluster: Cluster, scenario: Scenario, case: dict[str, Any], author: str) -> None:
    """Put one row into every table of a case's, past the API."""
    name = str(make_url(scenario.urls.api).database)
    engine = create_async_engine(
        to_sqlalchemy_url(cluster.server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, name))
    )
    async with AsyncSession(engine) as session:
        for row in build_sample_rows(case, id_of(author)):
            session.add(row)
            await session.flush()  # in order: each stands on those before it
        await session.commit()
    await engine.dispose()


@dataclass(frozen=True)
class PopulatedDatabase:
    """A First Step in which no table about a child is empty."""

    north_case: dict[str, Any]
    """A case of worker_north, with worker_north_2 beside her; linked with `south`."""
    linked_case: dict[str, Any]
    """A case of worker_south."""
    break_glass_case: dict[str, Any]
    """Another case of worker_south; worker_north_2 broke the glass."""
    referral: dict[str, Any]
    """A referral of team north that waits for an answer."""
