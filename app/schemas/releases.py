"""Schemas of released statistics: rounded tables of closed periods."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.references import StaffRef
from app.schemas.reports import ReportName, ReportText
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    DisplayLanguage,
    Input,
    Output,
    Page,
    PageQuery,
    QueryBoolean,
    UtcDateTime,
    Versioned,
    sort_unique,
)

ReleasePeriodName = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}(-Q[1-4])?$")]
"""A quarter such as 2026-Q3, or a year such as 2026."""
ReleaseTableName = Annotated[str, CodeOf("release_table")]
ReleaseStatus = Annotated[str, CodeOf("release_status")]
ReleaseDimensionName = Annotated[str, CodeOf("release_dimension")]
ReleaseSort = TypeAliasType("ReleaseSort", Literal["last_day", "-last_day", "created_at", "-created_at"])
"""Order of the list of releases."""
ReleaseFormat = TypeAliasType("ReleaseFormat", Literal["json", "csv", "xlsx"])
"""Format of a release."""


class ReleaseCreate(Input):
    """A release to prepare."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    period: ReleasePeriodName = Field(
        description="A quarter such as `2026-Q3`, or a year such as `2026`. Its last day must be over."
    )
    tables: (
        Annotated[list[ReleaseTableName], Field(min_length=1, max_length=300), AfterValidator(sort_unique)]
        | None
    ) = Field(
        None,
        description="Names of the tables. By default, the release contains all tables that are available for the period: the "
        "follow-up time of a report must be over, and some reports have no tables of a year.",
    )


class ReleaseFilters(PageQuery):
    """Query parameters of the list of releases."""

    report: CommaSeparated[ReportName] | None = Field(
        None, description="Only releases with a table of one of these reports, separated by commas."
    )
    period: CommaSeparated[ReleasePeriodName] | None = Field(
        None, description="Only releases of these periods, separated by commas."
    )
    status: CommaSeparated[ReleaseStatus] | None = Field(
        None, description="Only releases with one of these statuses, separated by commas."
    )
    sort: ReleaseSort = Field("-last_day", description="Order of the list; a minus sign means descending.")


class ReleaseQuery(BaseModel):
    """Query parameters of one release."""

    model_config = ConfigDict(extra="forbid")

    format: ReleaseFormat = Field("json", description="Format of the response: JSON, or a file to download.")
    language: DisplayLanguage | None = Field(
        None, description="Language of the labels in a file; overrides Accept-Language."
    )
    bom: QueryBoolean = Field(
        False, description="Whether CSV begins with a byte order mark, which Excel needs to recognize UTF-8."
    )


class ReleasedCell(Output):
    """A count of a table."""

    values: list[str] = Field(
        description="A code for each dimension, in the order of `dimensions`. The code lists of the dimensions explain them."
    )
    count: int = Field(
        description="Rounded count, a multiple of 5: 0 means 0 to 4. In a table with `is_exact`, the exact count."
    )
    percentage: int | None = Field(
        description="Whole percentage of the rounded count without the last dimension; null for other tables, and if that "
        "count is less than 20."
    )


class ReleaseTableDimension(Output):
    """A dimension of a table."""

    name: ReleaseDimensionName = Field(description="Name of the dimension.")
    code_list: str = Field(description="Name of the code list with its values, for `GET /v1/codes/{name}`.")


class ReleasedTable(Output):
    """A table of a release."""

    name: ReleaseTableName = Field(description="Name of the table.")
    title: ReportText = Field(description="Title of the table.")
    report: ReportName = Field(description="Report whose definition the table follows.")
    definition: ReportText = Field(description="Definition of the events or records that the table counts.")
    dimensions: list[ReleaseTableDimension] = Field(description="Dimensions; empty for a total.")
    is_exact: bool = Field(
        description="Whether the counts are not rounded. They are counts of public outreach activities and their participants."
    )
    cells: list[ReleasedCell] = Field(
        description="Every combination of codes. The sum of cells can differ from a total, which is rounded independently."
    )
    median: float | None = Field(
        description="Median of the hours, days or months that the report measures. Only a total has one, of at least ten records."
    )
    sha256: str = Field(
        description="SHA-256 of the canonical form of the table (JSON with sorted keys and without spaces), in hexadecimal."
    )


class ReleaseSummary(Versioned):
    """A release without its tables."""

    collection: ClassVar[str | None] = "releases"

    period: ReleasePeriodName = Field(description="Quarter or year.")
    first_day: date = Field(description="First day of the period, in Cambodia.")
    last_day: date = Field(description="Last day of the period, in Cambodia.")
    edition: int = Field(
        description="Edition of the period, from 1. A later edition corrects the one before; both stay available."
    )
    status: ReleaseStatus = Field(
        description="Life-cycle status. API clients can read published releases only."
    )
    table_names: list[ReleaseTableName] = Field(description="Names of the tables in the release.")
    created_at: UtcDateTime = Field(description="Time at which the release was prepared.")
    published_at: UtcDateTime | None = Field(description="Time of publication; null for other statuses.")


class Release(ReleaseSummary):
    """A release with its tables."""

    note: ReportText = Field(
        description="Explanation of the rounded counts. Every publication of the counts must contain it."
    )
    tables: list[ReleasedTable] = Field(description="Tables.")
    reports: int = Field(
        description="Number of reports with tables in the release. The audit examines each of them."
    )
    audited_reports: int = Field(description="Number of reports that the audit has examined so far.")
    tables_to_drop: list[ReleaseTableName] = Field(
        description="Tables that the audit refused. A release without them can be published; empty for other statuses."
    )
    prepared_by: StaffRef | None = Field(
        description="The person who prepared the release; null for API clients."
    )
    approved_by: StaffRef | None = Field(
        description="The person who decided to publish the release, never the person who prepared it; null before that and "
        "for API clients."
    )


class ReleaseList(Page[ReleaseSummary]):
    """One page of releases."""
