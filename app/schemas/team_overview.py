"""Schemas of the overview of a team, the first screen of its supervisor."""

from datetime import date
from uuid import UUID

from pydantic import Field

from app.schemas.agenda import AgendaEntry
from app.schemas.references import StaffRef, TeamRef
from app.schemas.wire import Output


class TeamOverviewWorker(Output):
    """A member of a team who can lead cases, with the caseload and the supervision meetings."""

    worker_id: UUID = Field(description="Id of the worker.")
    worker: StaffRef = Field(description="The worker.")
    is_supervisor: bool = Field(description="Whether the worker supervises the team.")
    cases: int = Field(description="Number of open cases of the team that the worker leads.")
    weighted_cases: float = Field(description="The same, weighted by risk with the caseload standard.")
    is_over_limit: bool = Field(
        description="Whether the weighted cases exceed the limit of the caseload standard."
    )
    missing_data: int = Field(
        description="Number of entries of the list of missing data that the worker completes."
    )
    last_meeting_on: date | None = Field(description="Day of the last supervision meeting in this team.")
    next_meeting_on: date | None = Field(
        description="Day of the next supervision meeting, as agreed in the last one."
    )


class TeamOverviewStages(Output):
    """Numbers of open cases by stage."""

    assessment: int = Field(description="Open cases in the assessment.")
    planning: int = Field(description="Open cases in the planning.")
    active: int = Field(description="Open cases with active support.")
    exiting: int = Field(description="Open cases whose support ends.")


class TeamOverviewCounts(Output):
    """Numbers of records of a team. They contain nothing about a single child."""

    open_cases: TeamOverviewStages = Field(description="Open cases by stage.")
    overdue_reviews: int = Field(description="Open cases whose next review is overdue.")
    waiting_approvals: int = Field(
        description="Submitted assessments and care plans, drafts of exit plans, and requested disbursements."
    )
    waiting_referrals: int = Field(description="Referrals of the team that are not decided.")
    unstaffed_cases: int = Field(description="Open cases without a lead worker who can act.")
    missing_data: int = Field(description="Entries of the list of missing data.")


class TeamOverview(Output):
    """The state of a team, for its supervisors and programme managers."""

    team: TeamRef = Field(description="The team.")
    cases_per_worker: int = Field(description="Limit of the weighted cases of a worker.")
    workers_per_supervisor: int = Field(description="Limit of the workers of a supervisor.")
    workers: list[TeamOverviewWorker] = Field(description="Members of the team who can lead cases, by name.")
    counts: TeamOverviewCounts = Field(description="Numbers of records of the team that the caller can see.")
    agenda: list[AgendaEntry] = Field(description="The first ten entries of the caller's own agenda.")
