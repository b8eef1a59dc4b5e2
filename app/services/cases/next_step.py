"""The next step that a case waits for, and its overdue work, as SQL expressions for lists of cases.

Each expression belongs to a statement that selects from `cases`. Its parameter `day` is the current date in Cambodia. The
conditions use small sets of rows with an index on the case, so they can be selected for each row of a page.
"""

from datetime import date

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_, select
from sqlmodel import col

from app.models import Action, Assessment, CarePlan, Case, ExitPlan, FollowUp
from app.services.cases.sort_keys import NEXT_REVIEW_KEY
from app.services.cases.support_period import build_support_end_date

DRAFT_STATUSES = ("draft", "returned")


def build_waiting_for(day: ColumnElement[date]) -> ColumnElement[str]:
    """Return the expression for the next step of a case, a code of the list `case_waiting_for`.

    The first condition that holds decides. The exit comes first, because it ends the other work on the case. Approvals
    come before the work of the case's workers. A draft of a later assessment or care plan comes last, because no gate
    requires it. Assessments and care plans of the supporter or the family do not count, for the same reason.

    Approvals wait for a supervisor of the team, an extension for a programme manager, all other steps for the workers of
    the case.
    """
    status = col(Case.status)
    return case(
        (and_(status == "closed", _has_due_follow_up(day)), "follow_up"),
        (status == "closed", "nothing"),
        (_has_written_exit_plan(), "exit_plan_approval"),
        (_has_exit_plan_that_ends(day), "closure"),
        (and_(status == "exiting", not_(_has_approved_exit_plan())), "exit_plan"),
        (_has_child_record(Assessment, "submitted"), "assessment_approval"),
        (_has_child_record(CarePlan, "submitted"), "care_plan_approval"),
        (status == "assessment", "assessment"),
        (status == "planning", "care_plan"),
        (and_(status == "active", build_support_end_date() < day), "extension"),
        (col(Case.next_review_on) <= day, "review"),
        (_has_child_record(Assessment, *DRAFT_STATUSES), "assessment"),
        (_has_child_record(CarePlan, *DRAFT_STATUSES), "care_plan"),
        else_="nothing",
    )


def build_review_overdue(day: ColumnElement[date]) -> ColumnElement[bool]:
    """Return the expression for whether the next review of a case was due before `day`. It is never NULL."""
    return day > NEXT_REVIEW_KEY


def build_overdue_actions(day: ColumnElement[date]) -> ColumnElement[int]:
    """Return the expression for the number of open actions in the current care plans that were due before `day`.

    The care plans of all subjects count. A closed case has no overdue actions.
    """
    query = select(func.count()).select_from(Action).join(CarePlan, col(CarePlan.id) == col(Action.plan_id))
    query = query.where(
        col(Action.case_id) == col(Case.id),
        col(Action.status) == "open",
        col(Action.due_on) < day,
        col(CarePlan.status) == "approved",
        col(Case.status) != "closed",
    )
    return query.correlate(Case).scalar_subquery()


def _has_record(
    model: type[Assessment | CarePlan | ExitPlan | FollowUp], *conditions: ColumnElement[bool]
) -> ColumnElement[bool]:
    return exists().where(col(model.case_id) == col(Case.id), *conditions).correlate(Case)


def _has_child_record(model: type[Assessment | CarePlan], *statuses: str) -> ColumnElement[bool]:
    return _has_record(model, col(model.subject) == "child", col(model.status).in_(statuses))


def _has_due_follow_up(day: ColumnElement[date]) -> ColumnElement[bool]:
    return _has_record(FollowUp, col(FollowUp.status).in_(("due", "missed")), col(FollowUp.due_on) <= day)


def _has_written_exit_plan() -> ColumnElement[bool]:
    """Return whether an exit plan waits for its approval.

    A review that begins the exit creates an empty draft, which is in its first version and has no end date.
    """
    is_written = or_(
        col(ExitPlan.version) > 1, col(ExitPlan.ends_on).is_not(None), col(Case.status) != "exiting"
    )
    return _has_record(ExitPlan, col(ExitPlan.status) == "draft", is_written)


def _has_exit_plan_that_ends(day: ColumnElement[date]) -> ColumnElement[bool]:
    """Return whether the end of support in the approved exit plan is reached. Without a date, it is reached."""
    has_ended = or_(col(ExitPlan.ends_on).is_(None), col(ExitPlan.ends_on) <= day)
    return _has_record(ExitPlan, col(ExitPlan.status) == "approved", has_ended)


def _has_approved_exit_plan() -> ColumnElement[bool]:
    return _has_record(ExitPlan, col(ExitPlan.status) == "approved")
