"""The definition of a report: what it counts, for which period, and who can read it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple, TypeAlias

from app.access.roles import Role
from app.schemas.codes import CODE_LISTS, get_code_label
from app.schemas.reports import MAX_DIMENSIONS

TEAM_REPORT_READERS = frozenset({Role.supervisor, Role.programme_manager, Role.me_officer})
"""Readers of reports about children. For supervisors, a report counts the records of their teams."""
FUND_REPORT_READERS = frozenset({Role.finance_officer, Role.programme_manager, Role.me_officer})
UNKNOWN = "unknown"
"""Code of the group of rows without a value."""
NOT_ASKED = "not_asked"
"""Code of the group of rows for which the question was not answered, neither with yes nor with no."""
MeasureKind: TypeAlias = Literal["count", "percentage", "number", "money"]
PeriodKind: TypeAlias = Literal["flow", "stock", "cohort"]


class Text(NamedTuple):
    """A text in English and Khmer."""

    en: str
    km: str

    def in_language(self, language: str) -> str:
        """Return the text in Khmer for the language `km`, otherwise in English."""
        return self.km if language == "km" else self.en


@dataclass(frozen=True, slots=True)
class PeriodRule:
    """Which facts belong to a period.

    A fact has a local first day, `starts_on`. With `is_span` and for a stock, it also has `ends_on`: the first day on
    which it no longer applies for a stock, its last day for a flow. NULL means that it has not ended.
    """

    kind: PeriodKind
    is_span: bool = False
    """Whether a flow counts facts that overlap the period, and not only facts that start in it."""
    follow_up_days: int | None = None
    """For a cohort: the days after the entry within which the outcome counts. Younger entries are counted separately."""
    targets: tuple[str, ...] = ()
    """For a cohort without `follow_up_days`: names of targets. The longest of these targets is the follow-up time."""
    is_year: bool = False
    """Whether the period must be one calendar year."""

    @property
    def extra_columns(self) -> str:
        """SQL of the extra column of a cohort. The parameter $3 is the current date."""
        if self.targets:
            return f", starts_on + {build_target_days(*self.targets)} < $3 AS is_ripe"
        return "" if self.follow_up_days is None else f", starts_on + {self.follow_up_days} < $3 AS is_ripe"

    @property
    def condition(self) -> str:
        """The SQL condition. $1 is the first day of the period and $2 the last one."""
        if self.kind == "stock":
            return "starts_on <= $2 AND (ends_on IS NULL OR ends_on > $2)"
        if self.is_span:
            return "starts_on <= $2 AND (ends_on IS NULL OR ends_on >= $1)"
        return "starts_on BETWEEN $1 AND $2"


def follow(days: int) -> PeriodRule:
    """Return the rule of a cohort whose entries are followed for a number of days.

    The facts of a cohort also have the column `is_ripe`: whether this time was over before today. The measure
    `UNRIPE` counts the entries for which it is false. All other measures count the entries for which it is
    true.
    """
    return PeriodRule("cohort", follow_up_days=days)


def follow_target(*names: str) -> PeriodRule:
    """Return the rule of a cohort whose entries are followed until the longest of some targets is over."""
    return PeriodRule("cohort", targets=names)


def build_target_days(*names: str) -> str:
    """Return SQL that computes the longest of some targets in days. A part of a day counts as a day."""
    listed = ", ".join(f"'{name}'" for name in names)
    return f"(SELECT ceil(max(hours) / 24.0)::integer FROM targets WHERE name IN ({listed}))"  # noqa: S608 - constants


FLOW = PeriodRule("flow")
SPAN = PeriodRule("flow", is_span=True)
YEAR = PeriodRule("flow", is_year=True)
STOCK = PeriodRule("stock")


@dataclass(frozen=True, slots=True)
class Dimension:
    """A column of the facts by which a report can be grouped."""

    name: str
    code_list: str | None = None
    """The list of the codes. None: the codes are those of teams, provinces or other records, in the table `source`."""
    source: Literal["teams", "provinces", "funds"] | None = None
    can_be_not_asked: bool = False
    """Whether `NOT_ASKED` is a code in addition to those of the list."""

    def list_codes(self) -> list[str]:
        """Return the codes of the list, with `unknown` last; without a list only `unknown`."""
        codes = [code.code for code in CODE_LISTS[self.code_list].codes] if self.code_list else []
        not_asked = [NOT_ASKED] if self.can_be_not_asked else []
        return [*(code for code in codes if code != UNKNOWN), *not_asked, UNKNOWN]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A figure of a report."""

    name: str
    title: Text
    kind: MeasureKind = "count"
    sql: str = "count(*)"
    """The aggregate over the facts of a group; empty for a percentage."""
    numerator: str = ""
    denominator: str = ""
    """For a percentage: the names of two measures of the same report."""
    summarize: Callable[[Iterable[Any]], Decimal | None] | None = None
    """Returns a number for the array that the aggregate returns, if no aggregate of PostgreSQL computes it."""
    currency: str | None = None
    """For money: the currency of the amount, whose aggregate is in cents or whole riel."""


def count_if(name: str, title: Text, condition: str) -> Measure:
    """Return the measure that counts the facts with a condition."""
    return Measure(name=name, title=title, sql=f"count(*) FILTER (WHERE {condition})")


def sum_column(name: str, title: Text, column: str) -> Measure:
    """Return the measure that adds up a column of whole numbers. NULL counts as zero."""
    return Measure(name=name, title=title, sql=f"coalesce(sum({column}), 0)")


def percentage(name: str, title: Text, numerator: str, denominator: str) -> Measure:
    """Return the measure that divides one count by another."""
    return Measure(
        name=name, title=title, kind="percentage", sql="", numerator=numerator, denominator=denominator
    )


def count_by_code(
    column: str, code_list: str, *, prefix: str = "", without: Collection[str] = (), among: str = "true"
) -> Iterator[Measure]:
    """Yield a measure per code of a list that counts the facts with this code and the condition `among`.

    The measure of a code that the list does not contain, or of no code, is `<prefix>unknown`.
    """
    listed = [code for code in CODE_LISTS[code_list].codes if code.code not in {UNKNOWN, *without}]
    for code in listed:
        yield count_if(prefix + code.code, Text(code.en, code.km), f"{among} AND {column} = '{code.code}'")
    codes = ", ".join(f"'{code.code}'" for code in listed)
    unknown = Text(get_code_label("age_band", UNKNOWN, "en"), get_code_label("age_band", UNKNOWN, "km"))
    condition = f"{among} AND coalesce({column} NOT IN ({codes}), true)"
    yield count_if(prefix + UNKNOWN, unknown, condition)


SEX = Dimension("sex", "sex")
AGE_BAND = Dimension("age_band", "age_band")
KIND = Dimension("kind", "case_kind")
CONCERN_KIND = Dimension("kind", "concern_kind")
PROVINCE = Dimension("province", source="provinces")
TEAM = Dimension("team", source="teams")
URGENCY = Dimension("urgency", "urgency")
AREA = Dimension("area", "area")
SERVICE = Dimension("service", "service")
SESSION_KIND = Dimension("kind", "session_kind")
OUTREACH_KIND = Dimension("kind", "outreach_kind")
AUDIENCE = Dimension("audience", "outreach_audience")
TOPIC = Dimension("topic", "outreach_topic")
PROGRAMME = Dimension("programme", "programme")
GOVERNMENT_LEVEL = Dimension("government_level", "government_level")
FUND = Dimension("fund", source="funds")
CATEGORY = Dimension("category", "assistance_category")
DISABILITY = Dimension("disability", "disability")
GENDER_IDENTITY = Dimension("gender_identity", "gender_identity")
SCHOOL = Dimension("school", "school_status", can_be_not_asked=True)
IDPOOR = Dimension("idpoor", "idpoor", can_be_not_asked=True)


UNRIPE = count_if("unripe", Text("Not followed to the end yet", "មិនទាន់គ្រប់រយៈពេលតាមដាន"), "NOT is_ripe")
"""The entries of a cohort that are too young. No other figure counts them."""


def number(name: str, title: Text, sql: str) -> Measure:
    """Return the measure of a number that is not a count, such as a mean. `sql` is an aggregate over the facts."""
    return Measure(name=name, title=title, kind="number", sql=sql)


def median(name: str, title: Text, column: str, condition: str = "true") -> Measure:
    """Return the measure of the median of a column over the facts with a condition."""
    sql = f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {column}) FILTER (WHERE {condition})"
    return number(name, title, sql)


def measure_step_time(
    target: str, on_time: Text, on_time_share: Text, median_days: Text
) -> tuple[Measure, ...]:
    """Return the measures of a report about a step that is due within a target after the opening of a case.

    The column `days` of the facts is the number of days from the opening to the step, or NULL without the step.
    """
    return (
        count_if("cases", Text("Cases opened", "ករណីដែលបានបើក"), "is_ripe"),
        count_if("on_time", on_time, f"is_ripe AND days <= {build_target_days(target)}"),
        percentage("on_time_share", on_time_share, "on_time", "cases"),
        median("median_days", median_days, "days", "is_ripe"),
        number("target_days", Text("Target in days", "គោលដៅគិតជាថ្ងៃ"), f"max({build_target_days(target)})"),
        UNRIPE,
    )


def sum_amounts(name: str, title: Text, condition: str = "true") -> Iterator[Measure]:
    """Yield the sum of the amounts of the facts with a condition: one figure per currency, never summed."""
    for currency in ("USD", "KHR"):
        yield Measure(
            name=f"{name}_{currency.lower()}",
            title=Text(f"{title.en} ({currency})", f"{title.km} ({currency})"),
            kind="money",
            sql=f"sum(amount) FILTER (WHERE currency = '{currency}' AND {condition})",
            currency=currency,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report. Its title is the label of its name in the code list `report`."""

    name: str
    definition: Text
    numerator: str
    denominator: str | None = None
    pitfall: str
    period: PeriodRule
    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...]
    readers: frozenset[Role] = TEAM_REPORT_READERS
    has_grants: bool = True
    """Whether the counted records can have the code of a grant."""
    facts: str
    """The SELECT of the facts: `starts_on`, `ends_on` if the period rule needs it, the columns of the dimensions and of
    the measures. It reads `counted_cases` and `counted_referrals` (`app.services.reports.population`)."""
    unit: str | None = None
    """The column that identifies a unit, for example `child_id`: of several facts of a unit, the latest one counts."""
    classify: Callable[[Mapping[str, Any]], Mapping[str, str]] | None = None
    """Returns the code of each dimension of a fact, if the facts contain encrypted columns. Only a report run, and the
    preparation of a release, compute such a report. Its only measure is the number of facts."""
    max_dimensions: int = MAX_DIMENSIONS
    """Largest number of dimensions by which the report can be grouped at the same time."""

    @property
    def needs_run(self) -> bool:
        """Whether only a report run computes the report."""
        return self.classify is not None

    def get_title(self, language: str) -> str:
        """Return the title in a language."""
        return get_code_label("report", self.name, language)

    def get_dimension(self, name: str) -> Dimension:
        """Return a dimension of the report by its name."""
        return self.dimensions[self.find_position(name)]

    def find_position(self, name: str) -> int:
        """Return the position of a dimension of the report by its name."""
        return [dimension.name for dimension in self.dimensions].index(name)
