"""The menu: the fixed list of tables that a release can contain.

It has the total of each report, and tables by one and two dimensions. The tables of a report count the same facts. Every
figure besides the total is a dimension, such as the reason of an exit, so that the audit knows how the figures of a report
are connected. A dimension has few codes, because the audit examines every combination.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from app.schemas.codes import CODE_LISTS
from app.services.reports.catalogue import REPORTS
from app.services.reports.definition import UNKNOWN, Report, build_target_days


@dataclass(frozen=True, slots=True)
class ReleaseDimension:
    """A dimension of released tables. Its name is a code of the list `release_dimension`."""

    name: str
    code_list: str
    sql: str
    """Expression over the facts of the report; NULL is the code `unknown`."""
    without: tuple[str, ...] = ()
    """Codes of the list that no counted fact has."""

    def list_codes(self) -> list[str]:
        """Return the codes of the dimension, the unknown one last."""
        codes = (code.code for code in CODE_LISTS[self.code_list].codes)
        return [*(code for code in codes if code not in {UNKNOWN, *self.without}), UNKNOWN]


class MenuTable(NamedTuple):
    """A table of the menu. Its name is a code of the list `release_table`."""

    name: str
    report: str
    dimensions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MenuReport:
    """A report of which a release can contain tables."""

    name: str
    dimensions: tuple[ReleaseDimension, ...]
    pairs: tuple[tuple[str, str], ...]
    """Dimensions of the tables by two dimensions."""
    outcome: str | None = None
    """The dimension whose counts are also given as percentages of the counts without it."""
    median: Literal["days", "hours"] | None = None
    """The column of the facts whose median the total contains. Its name is the unit."""
    is_yearly: bool = True
    """Whether a year can be released. Its counts must be the sums of those of its quarters."""

    @property
    def report(self) -> Report:
        """The definition of the report."""
        return REPORTS[self.name]

    def list_tables(self) -> Iterator[MenuTable]:
        """Yield the tables: the total, then those by one and by two dimensions."""
        yield MenuTable(self.name, self.name, ())
        for dimension in self.dimensions:
            yield MenuTable(f"{self.name}_by_{dimension.name}", self.name, (dimension.name,))
        for first, second in self.pairs:
            yield MenuTable(f"{self.name}_by_{first}_and_{second}", self.name, (first, second))


SEX = ReleaseDimension("sex", "sex", "sex")
AGE_BAND = ReleaseDimension("age_band", "age_band", "age_band")
KIND = ReleaseDimension("kind", "case_kind", "kind")
CONCERN_KIND = ReleaseDimension("concern", "concern_kind", "kind")
URGENCY = ReleaseDimension("urgency", "urgency", "urgency")
PERSONS = (SEX, AGE_BAND, KIND)
PAIRS_OF_PERSONS = (("sex", "age_band"), ("sex", "kind"), ("age_band", "kind"))


def _timeliness(condition: str) -> ReleaseDimension:
    return ReleaseDimension(
        "timeliness", "timeliness", f"CASE WHEN {condition} THEN 'on_time' ELSE 'late' END"
    )


def _build_step(name: str, target: str) -> MenuReport:
    """Return the tables of a report that counts how many cases reach a step within a target after their opening."""
    timeliness = _timeliness(f"days <= {build_target_days(target)}")
    pairs = (("kind", "timeliness"),)
    return MenuReport(name, (KIND, timeliness), pairs, outcome="timeliness", median="days")


MENU = {
    report.name: report
    for report in (
        MenuReport("open_cases", PERSONS, PAIRS_OF_PERSONS, is_yearly=False),
        MenuReport("children_supported", PERSONS, PAIRS_OF_PERSONS, is_yearly=False),
        MenuReport("new_cases", PERSONS, PAIRS_OF_PERSONS),
        MenuReport(
            "referrals_received",
            (CONCERN_KIND, URGENCY, ReleaseDimension("source", "referral_source", "source")),
            (("concern", "urgency"), ("concern", "source")),
        ),
        MenuReport(
            "referral_decisions",
            (CONCERN_KIND, ReleaseDimension("decision", "referral_decision", "status")),
            (("concern", "decision"),),
            outcome="decision",
        ),
        MenuReport(
            "acknowledgement_time",
            (URGENCY, _timeliness("is_on_time")),
            (("urgency", "timeliness"),),
            outcome="timeliness",
            median="hours",
        ),
        _build_step("first_contact_time", "first_contact"),
        _build_step("assessment_time", "assessment"),
        _build_step("care_plan_time", "care_plan"),
        MenuReport(
            "goals_achieved",
            (
                ReleaseDimension("area", "area", "area"),
                ReleaseDimension("goal_status", "goal_status", "status"),
            ),
            (("area", "goal_status"),),
            outcome="goal_status",
        ),
        MenuReport(
            "support_sessions",
            (
                ReleaseDimension("session_kind", "session_kind", "kind"),
                ReleaseDimension("session_status", "session_status", "status"),
            ),
            (("session_kind", "session_status"),),
            outcome="session_status",
        ),
        MenuReport(
            "reviews_on_time",
            (_timeliness("status = 'completed' AND held_on <= starts_on"),),
            (),
            outcome="timeliness",
        ),
        MenuReport(
            "exits",
            (SEX, KIND, ReleaseDimension("reason", "closure_reason", "close_reason", without=("duplicate",))),
            (("sex", "kind"), ("kind", "reason")),
        ),
    )
}
"""The reports of the menu by name. Reports about sensitive dimensions and about money are not released."""
TABLES = {table.name: table for report in MENU.values() for table in report.list_tables()}
"""The tables of the menu by name."""
