"""Schemas of report runs: several reports in one PDF and one spreadsheet, computed in the background."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.dates import PlanDate
from app.schemas.donor_grants import GrantCode
from app.schemas.reports import MAX_DIMENSIONS, ReportDimensionName, ReportName, validate_report_period
from app.schemas.wire import (
    ClientChosenId,
    CountedPage,
    CountedPageQuery,
    DisplayLanguage,
    Input,
    Output,
    PlainDate,
    StrictBoolean,
    UtcDateTime,
    Versioned,
)

MAX_REPORTS = 40
"""Maximum number of reports of a run. Each report has a separate time limit."""


ReportRunSort = TypeAliasType("ReportRunSort", Literal["created_at", "-created_at"])


class ReportRunItem(Input):
    """A report of a run."""

    name: ReportName = Field(description="Name of the report.")
    by: Annotated[list[ReportDimensionName], Field(max_length=MAX_DIMENSIONS)] = Field(
        default_factory=list, description="Up to two dimensions of the report."
    )


class ReportRunCreate(Input):
    """Reports to compute in the background."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    reports: Annotated[list[ReportRunItem], Field(min_length=1, max_length=MAX_REPORTS)] = Field(
        description="The reports, in the order of the files."
    )
    first_day: PlanDate = Field(description="First day of the period, in Cambodia.")
    last_day: PlanDate = Field(description="Last day of the period, at most ten years after the first one.")
    compares: StrictBoolean = Field(
        False, description="Whether the reports also contain the previous period."
    )
    language: DisplayLanguage = Field("en", description="Language of the files.")
    grant_code: GrantCode | None = Field(
        None, description="Only records of this grant. All reports must have grants."
    )

    @field_validator("last_day")
    @classmethod
    def validate_period(cls, last_day: date, info: ValidationInfo) -> date:
        """Reject a period that ends before it begins, or that is too long."""
        return validate_report_period(info.data.get("first_day"), last_day)


class ReportRunReport(Output):
    """A report of a run, with its dimensions."""

    name: ReportName = Field(description="Name of the report.")
    by: list[ReportDimensionName] = Field(description="Dimensions of the report.")
    failure: Annotated[str, CodeOf("report_run_failure")] | None = Field(
        None,
        description="Reason why the files contain a note instead of the figures of this report; null if they contain them.",
    )


class ReportRun(Versioned):
    """A run of reports. Only its requester can read it."""

    collection: ClassVar[str | None] = "report-runs"

    created_at: UtcDateTime = Field(description="Time of the request.")
    reports: list[ReportRunReport] = Field(description="The reports, in the order of the files.")
    first_day: PlainDate = Field(description="First day of the period.")
    last_day: PlainDate = Field(description="Last day of the period.")
    compares: bool = Field(description="Whether the reports also contain the previous period.")
    language: DisplayLanguage = Field(description="Language of the files.")
    grant_code: str | None = Field(
        description="Grant that the figures are limited to; null if there is none."
    )
    status: Annotated[str, CodeOf("report_run_status")] = Field(description="Status of the run.")
    done: int = Field(description="Number of reports that are computed, of those in `reports`.")
    failure: Annotated[str, CodeOf("report_run_failure")] | None = Field(
        description="Reason why the run failed; null for other statuses."
    )
    finished_at: UtcDateTime | None = Field(description="Time at which the run finished or failed.")


class ReportRunList(CountedPage[ReportRun]):
    """One page of the caller's report runs, newest first by default."""


class ReportRunFilters(CountedPageQuery):
    """Query parameters of the list of report runs."""

    status: Annotated[str, CodeOf("report_run_status")] | None = Field(
        None, description="Only runs with this status."
    )
    sort: ReportRunSort = Field(
        "-created_at", description="Order of the list; a minus sign means descending."
    )


class ReportRunContentQuery(BaseModel):
    """Query parameters of the files of a run."""

    model_config = ConfigDict(extra="forbid")

    format: Annotated[str, CodeOf("report_run_format")] = Field("pdf", description="PDF or spreadsheet.")
