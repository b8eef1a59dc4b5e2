"""Who works on a case, and until when, as the domain says."""

from collections.abc import Iterator
from random import Random

from tests.model.days import day
from tests.model.reviews import supported_until
from tests.model.story import (
    CASEWORK,
    ID,
    LEADERS,
    LEADING,
    MANAGERS,
    MEMBERS,
    TEAM,
    WORKERS,
    Record,
    Scene,
    Story,
    Told,
    act,
    blob,
    closed,
    leads,
    refuse,
    unwritable,
)


def unfit(team: str, *workers: str) -> list[str]:
    return [] if set(workers) <= MEMBERS[team] else ["worker_unfit"]


def staff(case: Record, story: Story, lead: str, beside: set[str]) -> None:
    """What was planned by who does not see the case any more is the lead's now."""
    case.write(lead_worker_id=lead, co_worker_ids=sorted(beside - {lead}))
    for session in story.of("support_sessions", case, status="planned"):
        if session["worker_id"] not in {lead, *beside, *LEADING[case["team_id"]]}:
            session.write(worker_id=lead)


def team_of_two(rng: Random, _story: Story, case: Record) -> Told:
    fit = sorted(MEMBERS[case["team_id"]] if rng.random() < 0.85 else ID.values())
    return Told(
        {"lead_worker_id": rng.choice(fit), "co_worker_ids": rng.sample(fit, rng.choice([0, 1, 1, 2]))}
    )


@act("POST /cases/{id}/assign", "cases", LEADERS, tell=team_of_two, weight=0.5)
def assign(s: Scene) -> Iterator[None]:
    lead, beside = s.said["lead_worker_id"], set(s.said["co_worker_ids"])
    mine = [] if leads(s.me, s.case) else ["not_your_team"]
    refuse(closed(s.case), mine, unfit(s.case["team_id"], lead, *beside))
    yield
    staff(s.case, s.story, lead, beside)


def elsewhere(rng: Random, _story: Story, _case: Record) -> Told:
    team = rng.choice(list(TEAM.values()))
    lead = rng.choice(sorted(MEMBERS[team] if rng.random() < 0.85 else ID.values()))
    return Told({"team_id": team, "lead_worker_id": lead, "reason": blob("They moved.", rng)})


@act("POST /cases/{id}/transfer", "cases", MANAGERS, tell=elsewhere, weight=0.5)
def transfer(s: Scene) -> Iterator[None]:
    refuse(closed(s.case), unfit(s.said["team_id"], s.said["lead_worker_id"]))
    yield
    s.case["team_id"] = s.said["team_id"]
    staff(s.case, s.story, s.said["lead_worker_id"], set())


def longer(rng: Random, _story: Story, _case: Record) -> Told:
    until, fits = day(rng.choice([-1, 100, 800, 900, 1000])), rng.random() < 0.9
    return Told(
        {"until": until, "reason": "The trial is next spring."} if fits else {"until": until}, wrong=not fits
    )


@act("POST /cases/{id}/extend", "cases", MANAGERS, tell=longer, weight=0.5)
def extend(s: Scene) -> Iterator[None]:
    late = s.said["until"] > max(supported_until(s.case), day(0))
    refuse(closed(s.case), [] if late else ["until_too_early"])
    yield
    s.case.write(extended_until=s.said["until"])


def summary(rng: Random, _story: Story, _case: Record) -> Told:
    return (
        Told({"status": "closed"}, wrong=True)
        if rng.random() < 0.2
        else Told({"summary": blob("At school.", rng)})
    )


@act("PATCH /cases/{id}", "cases", CASEWORK, tell=summary, weight=0.3)
def change_case(s: Scene) -> Iterator[None]:
    refuse(unwritable(s))
    yield
    s.case.write(**s.said)


def emergency(rng: Random, _story: Story, _case: Record) -> Told:
    return (
        Told({"reason": blob("The child is in hospital now.", rng)})
        if rng.random() < 0.8
        else Told({"reason": "now"}, wrong=True)
    )


@act(
    "POST /cases/{id}/break-glass", "cases", WORKERS, tell=emergency, versioned=False, unseen=True, weight=0.1
)
def break_glass(s: Scene) -> Iterator[None]:
    yield
    s.case.knows["glass"] = s.case.knows["glass"] | {s.me}
    s.story.add("break_glass", s.case, {"user_id": s.me})
