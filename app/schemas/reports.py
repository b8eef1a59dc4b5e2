"""Schemas of reports: the catalogue, and the figures of one report."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.dates import PlanDate
from app.schemas.donor_grants import GrantCode
from app.schemas.money import Currency, Money
from app.schemas.wire import CommaSeparated, DisplayLanguage, Output, QueryBoolean

MAX_DIMENSIONS = 2
MAX_YEARS = 10
"""Maximum length of the period of a report."""
ReportName = Annotated[str, CodeOf("report")]
ReportDimensionName = Annotated[str, CodeOf("report_dimension")]
ReportFigure = TypeAliasType("ReportFigure", int | float | Money | None)
"""A count, a number with at most one decimal place, or an amount of money. Null if there is nothing to divide by."""


class ReportQuery(BaseModel):
    """Query parameters of a report."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first_day: PlanDate = Field(alias="from", description="First day of the period, in Cambodia.")
    last_day: PlanDate = Field(
        alias="to", description="Last day of the period, at most ten years after the first one."
    )
    by: Annotated[CommaSeparated[ReportDimensionName], Field(max_length=MAX_DIMENSIONS)] = Field(
        default_factory=list,
        description="Up to two dimensions of the report, separated by commas. Without it, the report has only totals.",
    )
    compare: Annotated[str, CodeOf("report_comparison")] | None = Field(
        None,
        description="`previous` adds the figures of the period before, which has the same length. Whole months are compared "
        "with whole months.",
    )
    grant_code: GrantCode | None = Field(
        None,
        description="Only cases and disbursements with this grant, and referrals of such cases. A case has its own grant, "
        "a disbursement the grant of its fund.",
    )
    format: Annotated[str, CodeOf("report_format")] = Field(
        "json", description="Format of the response. Every format except `json` is a file to download."
    )
    language: DisplayLanguage | None = Field(
        None, description="English or Khmer; overrides Accept-Language. A link cannot set a header."
    )
    bom: QueryBoolean = Field(
        False, description="Whether CSV begins with a byte order mark, which Excel needs to recognize UTF-8."
    )

    @field_validator("last_day")
    @classmethod
    def validate_period(cls, last_day: date, info: ValidationInfo) -> date:
        """Reject a period that ends before it begins, or that is too long."""
        return validate_report_period(info.data.get("first_day"), last_day)


def validate_report_period(first_day: date | None, last_day: date) -> date:
    """Return the last day of a period.

    Raises:
        PydanticCustomError: the period ends before it begins, or is too long.
    """
    if first_day is None:
        return last_day
    if last_day < first_day:
        raise PydanticCustomError("period_reversed", "ends before it begins")
    if last_day >= _add_years(first_day, MAX_YEARS):
        raise PydanticCustomError("period_too_long", "is too long", {"years": MAX_YEARS})
    return last_day


def _add_years(day: date, years: int) -> date:
    """Return the same day some years later; 1 March for 29 February if that year has none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


class ReportText(Output):
    """A text in both languages."""

    en: str = Field(description="English text.")
    km: str = Field(description="Khmer text.")


class ReportPeriodRule(Output):
    """Events or states that belong to the period."""

    kind: Annotated[str, CodeOf("report_period")] = Field(
        description="Events in the period, the state at the end of its last day, or entries that are followed."
    )
    follow_up_days: int | None = Field(
        description="Days for which each entry of a cohort is followed; null for other rules. Entries that are younger are "
        "counted in the figure `unripe` only."
    )
    targets: list[str] = Field(
        description="Names of the targets for which each entry of a cohort is followed: the longest one decides. Empty if "
        "`follow_up_days` is given, and for other rules."
    )
    is_year: bool = Field(description="Whether the period must be one calendar year.")


class ReportMeasure(Output):
    """The description of one figure of a report."""

    name: str = Field(description="Name of the figure in the rows of the report.")
    title: ReportText = Field(description="Title of the figure.")
    kind: Annotated[str, CodeOf("report_figure")] = Field(description="Kind of the figure.")
    numerator: str | None = Field(description="Figure that a percentage divides; null for other figures.")
    denominator: str | None = Field(
        description="Figure by which a percentage divides; null for other figures."
    )
    currency: Currency | None = Field(description="Currency of an amount of money; null for other figures.")


class ReportDefinition(Output):
    """The definition of a report: its indicator, period rule, dimensions and readers."""

    name: ReportName = Field(description="Name of the report in its path.")
    title: ReportText = Field(description="Title.")
    definition: ReportText = Field(description="Definition of the events or records that the report counts.")
    numerator: str = Field(description="The counted events or records, exactly.")
    denominator: str | None = Field(
        description="The events or records that percentages refer to; null if there is none."
    )
    pitfall: str = Field(description="Limitations of the figures.")
    period: ReportPeriodRule = Field(description="Rule by which events or records belong to the period.")
    dimensions: list[ReportDimensionName] = Field(description="Dimensions that `by` accepts.")
    measures: list[ReportMeasure] = Field(description="Figures of the report.")
    formats: list[Annotated[str, CodeOf("report_format")]] = Field(
        description="Formats that `format` accepts."
    )
    needs_run: bool = Field(
        description="Whether only a report run computes the report (`POST /v1/report-runs`), because it reads encrypted data."
    )
    max_dimensions: int = Field(description="Largest number of dimensions in `by`.")
    has_grants: bool = Field(description="Whether `grant_code` can limit the report to a grant.")
    roles: list[Annotated[str, CodeOf("role")]] = Field(
        description="Roles that can read the report. For a supervisor, it counts the records of the supervised teams."
    )


class ReportCatalogue(Output):
    """All reports."""

    items: list[ReportDefinition] = Field(description="Definitions of all reports.")


class ReportCode(Output):
    """The value of one dimension."""

    dimension: ReportDimensionName = Field(description="The dimension.")
    code: str = Field(
        description="A code, the id of a team, or the code of a province; `unknown` for the group of the records without a "
        "value."
    )
    label: str = Field(description="Label in the language of the request.")


class ReportRow(Output):
    """The figures of one group."""

    group: list[ReportCode] = Field(description="The value of each dimension, in the order of `by`.")
    figures: dict[str, ReportFigure] = Field(description="Figures by name.")


class ReportTable(Output):
    """The figures of one period."""

    first_day: date = Field(description="First day of the period.")
    last_day: date = Field(description="Last day of the period.")
    rows: list[ReportRow] = Field(
        description="A row per group, including codes without records. Teams and provinces without records have no row."
    )
    total: dict[str, ReportFigure] = Field(description="Figures of all groups together, by name.")


class ReportResult(Output):
    """The figures of a report. They are exact, and meant for staff only."""

    report: ReportDefinition = Field(description="The definition that the figures follow.")
    by: list[ReportDimensionName] = Field(description="Dimensions of the rows.")
    grant_code: str | None = Field(
        description="Grant that the figures are limited to; null if there is none."
    )
    is_final: bool = Field(
        description="Whether the last day of the period is over. Otherwise figures can change."
    )
    current: ReportTable = Field(description="Figures from `from` to `to`.")
    previous: ReportTable | None = Field(
        description="Figures of the period before; null without `compare=previous`."
    )
