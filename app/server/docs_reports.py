"""Generates docs/reports.md from the definitions of the reports."""

from app.schemas.codes import get_code_label, get_codes
from app.services.releases.menu_reports import MENU
from app.services.reports.catalogue import REPORTS
from app.services.reports.definition import Report

INTRODUCTION = """# Reports

`GET /v1/reports/{name}` returns exact figures for staff. `from` and `to` are local days in Cambodia, both included; a
period has at most ten years. `by` takes up to two dimensions of the report. `compare=previous` adds the previous period.

- *Events in the period* are counted on their day. *State at the end of the period* is the state at the end of its last day.
  For *entries in the period, followed for a fixed time*, an entry counts when its follow-up time is over. Younger
  entries are counted as `unripe` only. Targets are data, in the table `targets`: at the installation, an
  acknowledgement within 2 hours (emergency), 1 day (urgent) or 2 days (routine), the first contact within 7 days, the
  assessment within 30 days and the care plan within 45 days, all in calendar time.
- *Released* lists the tables of [released statistics](releases.md) about a report.
- The age is the age at the referral. A range of ages that belongs to two groups is `uncertain`. Records without a value are
  `unknown`. Every record belongs to at least one group.
- Cases that were closed as duplicates or as opened by mistake, and referrals that were declined as duplicates are not counted.
- For a supervisor, a report counts the records of the supervised teams, by the current team of a case. For the other roles,
  it counts all teams, including cases behind a conflict wall.
- `format` is `json`, `csv`, `xlsx`, `svg` or `pdf`. A picture shows the first count by group as bars, or all counts
  without `by`; a cohort is a table. A PDF contains bars and tables with all figures. Both have title, period and definition
  in English or Khmer (`language` or `Accept-Language`), and omit groups whose figures are all zero or empty. The
  header `Missing-Characters` counts characters that no font has.
- `grant_code` limits a report to a grant: to the cases with its code, the referrals of these cases, and the disbursements of
  its funds. Outreach activities have no grant.
- `POST /v1/report-runs` requests several reports in one PDF and one spreadsheet, which a job computes with the roles of the
  requester ([Front end](for-front-end.md#reports)). The files are encrypted and deleted after 24 hours. A report that takes
  longer than 30 seconds is omitted from the files, which contain its name; the run computes the other reports. Runs
  require the separate permission `report.run`.
- A report about encrypted answers is computed by a run only. The process that decrypts them keeps numbers and no rows, and
  the access log has an event of the act `report.read_entry_profile`. The demonstration has such a run of the
  monitoring officer.
- The access log contains the report, period and filters of each read. It contains no entry per child.

This page is generated from `app/services/reports/catalogue/` by `python -m app.cli report-docs`.
"""


def render_reports_page() -> str:
    """Return the page."""
    return "\n".join([INTRODUCTION, *map(_render_report, REPORTS.values())])


def _render_report(report: Report) -> str:
    rule = get_code_label("report_period", report.period.kind, "en")
    days = f", {report.period.follow_up_days} days" if report.period.follow_up_days else ""
    if report.period.is_year:
        days = ", which is one calendar year"
    if report.period.targets:
        names = [f"`{name}`" for name in report.period.targets]
        days = (
            f", which is the {'target' if len(names) == 1 else 'longest of the targets'} {', '.join(names)}"
        )
    roles = [get_code_label("role", role, "en") for role in get_codes("role") if role in report.readers]
    measures = "".join(
        f"| {measure.name} | {measure.title.en} | {measure.kind} |\n" for measure in report.measures
    )
    lines = [
        f"## {report.get_title('en')}\n",
        f"`{report.name}`. {report.definition.en}\n",
        f"- Numerator: {report.numerator}",
        *([f"- Denominator: {report.denominator}"] if report.denominator else []),
        f"- Period: {rule[0].lower()}{rule[1:]}{days}.",
        f"- Dimensions: {_list_dimensions(report)}.",
        f"- Readers: {', '.join(role[0].lower() + role[1:] for role in roles)}.",
        f"- Released: {_describe_menu(report)}.",
        f"- Keep in mind: {report.pitfall}\n",
        f"| figure | meaning | kind |\n|---|---|---|\n{measures}",
    ]
    return "\n".join(lines)


def _list_dimensions(report: Report) -> str:
    names = ", ".join(f"`{dimension.name}`" for dimension in report.dimensions) or "none"
    return f"{names}, one at a time" if report.max_dimensions == 1 else names


def _describe_menu(report: Report) -> str:
    """Return the tables that a release can contain."""
    if report.name not in MENU:
        return "no"
    menu_report = MENU[report.name]
    tables = [
        "`" + " and ".join(table.dimensions) + "`" for table in menu_report.list_tables() if table.dimensions
    ]
    total = "" if menu_report.needed else "total, "
    periods = {"any": "quarters and years", "quarters": "quarters", "years": "years"}[menu_report.periods]
    counts = "exact counts" if menu_report.is_exact else "rounded counts"
    return f"{counts} of {periods}, {total}by {', '.join(tables)}"
