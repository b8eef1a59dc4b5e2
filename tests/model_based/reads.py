"""Read operations of the model: a caller who sees a case can read its records."""

from collections.abc import Iterator

from tests.model_based.child_model import (
    CASEWORK_ROLES,
    STAFF_ROLES,
    OperationContext,
    OperationHandler,
    register_operation,
)


def create_read_operation(name: str) -> OperationHandler:
    def handle(_: OperationContext) -> Iterator[None]:
        yield

    handle.__name__ = name
    return handle


RECORD_OPERATIONS = {
    "get_case": ("/cases/{id}", "cases"),
    "get_people": ("/cases/{id}/people", "cases"),
    "get_timeline": ("/cases/{id}/timeline", "cases"),
    "get_assessment": ("/assessments/{id}", "assessments"),
    "get_plan": ("/care-plans/{id}", "care_plans"),
    "get_session": ("/support-sessions/{id}", "support_sessions"),
    "get_service_referral": ("/service-referrals/{id}", "service_referrals"),
    "get_review": ("/reviews/{id}", "reviews"),
    "get_exit_plan": ("/cases/{case}/exit-plan", "exit_plans"),
    "get_follow_up": ("/follow-ups/{id}", "follow_ups"),
}
for name, (path, record_kind) in RECORD_OPERATIONS.items():
    register_operation(f"GET {path}", record_kind, CASEWORK_ROLES, requires_version=False, weight=0.3)(
        create_read_operation(name)
    )

LIST_OPERATIONS = {
    "list_cases": ("/cases?limit=200", CASEWORK_ROLES),
    "list_reviews": ("/reviews?limit=200", CASEWORK_ROLES),
    "get_agenda": ("/me/agenda?limit=200", STAFF_ROLES),
}
for name, (path, roles) in LIST_OPERATIONS.items():
    register_operation(f"GET {path}", "cases", roles, requires_version=False, allows_hidden=True, weight=0.3)(
        create_read_operation(name)
    )
