"""Reading: whoever sees the case reads what is in it."""

from collections.abc import Iterator

from tests.model.story import CASEWORK, STAFF_ROLES, Play, Scene, act


def reading(name: str) -> Play:
    def play(_: Scene) -> Iterator[None]:
        yield

    play.__name__ = name
    return play


PLACES = {
    "read_case": ("/cases/{id}", "cases"),
    "read_people": ("/cases/{id}/people", "cases"),
    "read_timeline": ("/cases/{id}/timeline", "cases"),
    "read_assessment": ("/assessments/{id}", "assessments"),
    "read_plan": ("/care-plans/{id}", "care_plans"),
    "read_session": ("/support-sessions/{id}", "support_sessions"),
    "read_service_referral": ("/service-referrals/{id}", "service_referrals"),
    "read_review": ("/reviews/{id}", "reviews"),
    "read_exit_plan": ("/cases/{case}/exit-plan", "exit_plans"),
    "read_follow_up": ("/follow-ups/{id}", "follow_ups"),
}
for name, (path, of) in PLACES.items():
    act(f"GET {path}", of, CASEWORK, versioned=False, weight=0.3)(reading(name))

LISTS = {
    "list_cases": ("/cases?limit=200", CASEWORK),
    "list_reviews": ("/reviews?limit=200", CASEWORK),
    "read_agenda": ("/me/agenda?limit=200", STAFF_ROLES),
}
for name, (path, by) in LISTS.items():
    act(f"GET {path}", "cases", by, versioned=False, unseen=True, weight=0.3)(reading(name))
