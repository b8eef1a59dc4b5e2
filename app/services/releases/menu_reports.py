"""The reports of the menu. Reports about money, and those for supervision, are not released.

The age is not combined with the province, because the counts would be small. Of the answers at the entry, disability and
gender identity are released, by year and one at a time.
"""

from app.schemas.codes import get_codes
from app.services.releases.menu import MenuReport, ReleaseDimension
from app.services.reports.definition import build_target_days

SEX = ReleaseDimension("sex", "sex", "sex")
AGE_BAND = ReleaseDimension("age_band", "age_band", "age_band")
KIND = ReleaseDimension("kind", "case_kind", "kind")
PROVINCE = ReleaseDimension("province", "province", "province")
CONCERN_KIND = ReleaseDimension("concern", "concern_kind", "kind")
URGENCY = ReleaseDimension("urgency", "urgency", "urgency")
AREA = ReleaseDimension("area", "area", "area")
PERSONS = (SEX, AGE_BAND, KIND)
PAIRS_OF_PERSONS = (("sex", "age_band"), ("sex", "kind"), ("age_band", "kind"))
DAYS_TO_FOLLOW_UP = 214
"""Seven months: a follow-up after six months is late after another month."""


def _choose(name: str, code_list: str, **conditions: str) -> ReleaseDimension:
    """Return the dimension with the first code whose condition is true, or the code of the condition `true`."""
    cases = " ".join(f"WHEN {condition} THEN '{code}'" for code, condition in conditions.items())
    return ReleaseDimension(name, code_list, f"CASE {cases} END")


def _timeliness(condition: str) -> ReleaseDimension:
    return _choose("timeliness", "timeliness", on_time=condition, late="true")


def _build_step(name: str, target: str, *dimensions: ReleaseDimension) -> MenuReport:
    """Return the tables of a report that counts how many cases reach a step within a target after their opening."""
    timeliness = _timeliness(f"days <= {build_target_days(target)}")
    pairs = (("kind", "timeliness"),)
    return MenuReport(name, (KIND, *dimensions, timeliness), pairs, outcomes=("timeliness",), median="days")


def _build_conditions() -> MenuReport:
    """Return the tables of the conditions of the exit, with a dimension for each condition."""
    conditions = tuple(
        _choose(code, "condition_result", met=f"'{code}' = ANY (conditions_met)", not_met="true")
        for code in get_codes("exit_condition")
    )
    outcomes = tuple(condition.name for condition in conditions)
    return MenuReport("exit_conditions", (SEX, AGE_BAND, *conditions), (("sex", "age_band"),), outcomes)


def _list_rating_sql() -> str:
    ratings = ", ".join(f"'{code}'" for code in get_codes("feedback_rating"))
    return f"(ARRAY[{ratings}])[rating]"


CARE_REPORTS = (
    MenuReport("open_cases", (*PERSONS, PROVINCE), PAIRS_OF_PERSONS, periods="quarters"),
    MenuReport("children_supported", (*PERSONS, PROVINCE), PAIRS_OF_PERSONS, periods="quarters"),
    MenuReport("new_cases", (*PERSONS, PROVINCE), PAIRS_OF_PERSONS),
    MenuReport(
        "referrals_received",
        (CONCERN_KIND, URGENCY, ReleaseDimension("source", "referral_source", "source"), PROVINCE),
        (("concern", "urgency"), ("concern", "source")),
    ),
    MenuReport(
        "referral_decisions",
        (CONCERN_KIND, ReleaseDimension("decision", "referral_decision", "status")),
        (("concern", "decision"),),
        outcomes=("decision",),
    ),
    MenuReport(
        "acknowledgement_time",
        (URGENCY, _timeliness("is_on_time")),
        (("urgency", "timeliness"),),
        outcomes=("timeliness",),
        median="hours",
    ),
    _build_step("first_contact_time", "first_contact", PROVINCE),
    _build_step("assessment_time", "assessment"),
    _build_step("care_plan_time", "care_plan"),
    MenuReport(
        "area_progress",
        (
            KIND,
            AREA,
            _choose(
                "progress",
                "area_progress",
                rated_once="ratings = 1",
                improved="last_rating > first_rating",
                declined="last_rating < first_rating",
                unchanged="true",
            ),
        ),
        (("kind", "progress"), ("area", "progress")),
        outcomes=("progress",),
        periods="quarters",
    ),
    MenuReport(
        "goals_achieved",
        (AREA, ReleaseDimension("goal_status", "goal_status", "status")),
        (("area", "goal_status"),),
        outcomes=("goal_status",),
    ),
    MenuReport(
        "support_sessions",
        (
            ReleaseDimension("session_kind", "session_kind", "kind"),
            ReleaseDimension("session_status", "session_status", "status"),
        ),
        (("session_kind", "session_status"),),
        outcomes=("session_status",),
    ),
    MenuReport(
        "service_referrals",
        (
            ReleaseDimension("service", "service", "service"),
            _choose(
                "service_result",
                "service_result",
                received="is_received",
                declined="status = 'declined'",
                answered="answer_days <= 90",
                not_answered="true",
            ),
        ),
        (("service", "service_result"),),
        outcomes=("service_result",),
        median="CASE WHEN is_received THEN end_days END",
    ),
    MenuReport(
        "reviews_on_time",
        (_timeliness("status = 'completed' AND held_on <= starts_on"),),
        outcomes=("timeliness",),
    ),
    MenuReport(
        "supporter_family_plans",
        (
            KIND,
            _choose(
                "plans",
                "supporter_family_plans",
                both="has_supporter AND has_family",
                supporter_only="has_supporter",
                family_only="has_family",
                none="true",
            ),
        ),
        (("kind", "plans"),),
        outcomes=("plans",),
        periods="quarters",
    ),
    MenuReport(
        "exits",
        (SEX, KIND, ReleaseDimension("reason", "closure_reason", "close_reason", without=("duplicate",))),
        (("sex", "kind"), ("kind", "reason")),
    ),
    MenuReport(
        "length_of_support",
        (
            KIND,
            _choose(
                "support", "support_state", ended="is_exit", over_24_months="is_past_24_months", other="true"
            ),
        ),
        (("kind", "support"),),
        outcomes=("support",),
        median_measure="median_months",
        periods="quarters",
    ),
    MenuReport(
        "after_exit",
        (
            KIND,
            _choose(
                "after_exit_result",
                "after_exit_result",
                reopened="is_reopened",
                not_reopened="event = 'exit'",
                not_held="status <> 'held'",
                not_reached="wellbeing = 'not_reached'",
                well="wellbeing = 'well'",
                not_well="wellbeing IS NOT NULL",
            ),
        ),
        (("kind", "after_exit_result"),),
        needed="after_exit_result",
    ),
    MenuReport(
        "safety_plans",
        (*PERSONS, _choose("safety_plan", "safety_plan", with_plan="has_safety_plan", without_plan="true")),
        (("sex", "safety_plan"), ("age_band", "safety_plan"), ("kind", "safety_plan")),
        outcomes=("safety_plan",),
        periods="quarters",
    ),
    _build_conditions(),
    MenuReport(
        "hsb_outcome",
        (
            ReleaseDimension("at_exit", "hsb_outcome", "at_exit"),
            ReleaseDimension("after_6_months", "hsb_outcome", "later"),
        ),
        outcomes=("at_exit", "after_6_months"),
        periods="years",
        follow_up_days=DAYS_TO_FOLLOW_UP,
    ),
    MenuReport(
        "feedback",
        (
            KIND,
            ReleaseDimension("giver", "feedback_giver", "given_by"),
            ReleaseDimension("rating", "feedback_rating", _list_rating_sql()),
        ),
        (("kind", "giver"), ("giver", "rating")),
        outcomes=("rating",),
    ),
    MenuReport(
        "entry_profile",
        (
            ReleaseDimension("disability", "disability", "disability"),
            ReleaseDimension("gender_identity", "gender_identity", "gender_identity"),
        ),
        outcomes=("disability", "gender_identity"),
        periods="years",
    ),
)
OUTREACH_KIND = ReleaseDimension("outreach_kind", "outreach_kind", "kind")
AUDIENCE = ReleaseDimension("audience", "outreach_audience", "audience")
TOPIC = ReleaseDimension("topic", "outreach_topic", "topic")
PROGRAMME = ReleaseDimension("programme", "programme", "programme")
GOVERNMENT_LEVEL = ReleaseDimension("government_level", "government_level", "government_level")
PERSON_FIGURES = ("persons", "attendances", *(f"sex_{code}" for code in get_codes("sex")))
AGE_FIGURES = tuple(f"age_{code}" for code in get_codes("outreach_age_group"))


def _build_outreach(
    name: str, dimensions: tuple[ReleaseDimension, ...], figures: tuple[str, ...]
) -> MenuReport:
    """Return the tables of a report about public activities: its figures, and the figures by each dimension."""
    figure = ReleaseDimension("figure", "outreach_figure", "", only=figures)
    pairs = tuple((dimension.name, figure.name) for dimension in dimensions)
    return MenuReport(name, (*dimensions, figure), pairs, needed=figure.name, is_exact=True)


OUTREACH_REPORTS = (
    _build_outreach(
        "outreach_participants",
        (OUTREACH_KIND, AUDIENCE, TOPIC, PROVINCE, PROGRAMME),
        ("activities", *PERSON_FIGURES, *AGE_FIGURES),
    ),
    _build_outreach(
        "outreach_training",
        (OUTREACH_KIND, TOPIC, PROVINCE),
        ("activities", *PERSON_FIGURES, "compared", "tested_before", "tested_after"),
    ),
    _build_outreach(
        "outreach_agents", (AUDIENCE, TOPIC, PROVINCE), ("activities", *PERSON_FIGURES, *AGE_FIGURES)
    ),
    _build_outreach(
        "outreach_meetings",
        (GOVERNMENT_LEVEL, TOPIC, PROVINCE),
        ("activities", "meetings", "persons", "attendances"),
    ),
    _build_outreach(
        "outreach_dissemination",
        (TOPIC, PROVINCE),
        ("activities", "online", "copies", "persons", "attendances"),
    ),
)
MENU = {report.name: report for report in (*CARE_REPORTS, *OUTREACH_REPORTS)}
"""The reports of the menu by name."""
TABLES = {table.name: table for report in MENU.values() for table in report.list_tables()}
"""The tables of the menu by name."""
