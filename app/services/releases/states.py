"""State machine of a release. Two people are involved: one prepares it, another one publishes it."""

from app.access.permissions import Permission
from app.kit.state_machine import Transition

INITIAL_STATUS = "draft"
AUDITING = "auditing"

PUBLISH = Transition(
    "publish",
    frozenset({INITIAL_STATUS}),
    AUDITING,
    Permission.release_publish,
    "by a person who did not prepare it; no other release is being audited",
)
PASS_AUDIT = Transition(
    "pass the audit",
    frozenset({AUDITING}),
    "published",
    Permission.release_publish,
    "no published table reveals a small count",
)
FAIL_AUDIT = Transition(
    "fail the audit",
    frozenset({AUDITING}),
    "refused",
    Permission.release_publish,
    "the release lists the tables to drop",
)
DISCARD = Transition(
    "discard", frozenset({INITIAL_STATUS, AUDITING}), "discarded", Permission.release_prepare, ""
)
TRANSITIONS = (PUBLISH, PASS_AUDIT, FAIL_AUDIT, DISCARD)
