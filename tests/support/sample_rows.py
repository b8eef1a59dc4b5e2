"""Insert one row into every table that workers write, for tests of row policies."""

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
    ClinicalHandover,
    ClinicalNote,
    Disbursement,
    DisbursementDetails,
    Document,
    DocumentContent,
    ExitPlan,
    Feedback,
    FollowUp,
    Goal,
    LegalStep,
    PlanArea,
    Provider,
    RecordChange,
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
    """Return the rows, with empty encrypted columns."""
    case_keys: dict[str, Any] = {"case_id": UUID(case["id"]), "child_id": UUID(case["child_id"])}
    author_keys: dict[str, Any] = {**case_keys, "author_id": author_id}
    assessment = Assessment(**author_keys, subject="child", kind="initial", status="approved")
    plan = CarePlan(**author_keys, subject="child", assessment_id=assessment.id, status="approved")
    goal = Goal(**case_keys, plan_id=plan.id, area="education", origin_id=new_id())
    support_session = SupportSession(
        **author_keys, kind="therapy", worker_id=author_id, planned_at=datetime(2026, 9, 1, tzinfo=UTC)
    )
    provider = Provider(id=new_id(), name=f"Hospital {new_id()}", kind="hospital")
    document = Document(**author_keys, kind="letter", media_type="application/pdf", size=6)
    disbursement = Disbursement(
        **case_keys, number=f"A-{new_id()}", case_number=case["number"], beneficiary="child", category="transport",
        amount=1250, currency="USD", urgency="routine", release_on=SAMPLE_DATE, requested_by_id=author_id,
    )  # fmt: skip
    return [
        assessment,
        plan,
        PlanArea(**case_keys, plan_id=plan.id, area="education", status="goals"),
        goal,
        Action(
            **case_keys, plan_id=plan.id, goal_id=goal.id, origin_id=new_id(), by="child", due_on=SAMPLE_DATE
        ),
        support_session,
        ClinicalNote(**author_keys, session_id=support_session.id),
        ClinicalHandover(**case_keys, worker_id=author_id, handed_over_by_id=author_id),
        SessionAddendum(**author_keys, session_id=support_session.id),
        SessionAddendum(**author_keys, session_id=support_session.id, tier="clinical"),
        provider,
        ServiceReferral(**author_keys, provider_id=provider.id, service="medical"),
        Review(**case_keys, plan_id=plan.id, number=1, due_on=SAMPLE_DATE),
        ExitPlan(**author_keys),
        FollowUp(**case_keys, months=1, due_on=SAMPLE_DATE),
        document,
        DocumentContent(**case_keys, id=document.id),
        Document(**author_keys, kind="police", tier="legal", media_type="application/pdf", size=6),
        Document(**author_keys, kind="drawing", tier="clinical", media_type="image/png", size=6),
        Feedback(**author_keys, given_by="child", rating=4, occasion="review", given_on=SAMPLE_DATE),
        LegalStep(**author_keys, kind="court_date", on=SAMPLE_DATE),
        disbursement,
        DisbursementDetails(**case_keys, id=disbursement.id),
        RecordChange(
            **case_keys,
            record_kind="case",
            record_id=case_keys["case_id"],
            by_id=author_id,
            fields=["summary"],
        ),
    ]


async def insert_sample_rows(cluster: Cluster, scenario: Scenario, case: dict[str, Any], author: str) -> None:
    """Insert one row into every table with records of a case, as superuser."""
    database = str(make_url(scenario.urls.api).database)
    engine = create_async_engine(
        to_sqlalchemy_url(cluster.server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, database))
    )
    async with AsyncSession(engine) as session:
        for row in build_sample_rows(case, id_of(author)):
            session.add(row)
            await session.flush()  # one by one, because rows reference earlier ones
        await session.commit()
    await engine.dispose()


@dataclass(frozen=True)
class PopulatedDatabase:
    """The records of a database in which no table about children is empty."""

    north_case: dict[str, Any]
    """A case of worker_north with the co-worker worker_north_2, linked with `linked_case`."""
    linked_case: dict[str, Any]
    """A case of worker_south."""
    break_glass_case: dict[str, Any]
    """Another case of worker_south. worker_north_2 has break-glass access to it."""
    referral: dict[str, Any]
    """A referral of team north with the status `information_requested`."""
