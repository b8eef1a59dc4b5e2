"""Render docs/diagrams.md from the code: the layers, the state machines and the permission table."""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.access.permissions import POLICY, Permission, Role
from app.kit.state_machine import Transition
from app.schemas.codes import get_code_label
from app.services.assessments import states as assessment_states
from app.services.care_plans import review_states
from app.services.care_plans import states as care_plan_states
from app.services.cases import states as case_states
from app.services.confirmation import states as confirmation_states
from app.services.exit import follow_up_states
from app.services.exit import states as exit_plan_states
from app.services.fund import deposits as fund_deposits
from app.services.fund import states as disbursement_states
from app.services.fund import transfers as fund_transfers
from app.services.referrals import states as referral_states
from app.services.releases import states as release_states
from app.services.support import service_referral_states
from app.services.support import session_states as support_session_states

STATE_MACHINES: dict[str, tuple[str, Sequence[Transition]]] = {
    "Referral": (referral_states.INITIAL_STATUS, referral_states.TRANSITIONS),
    "Case": (case_states.INITIAL_STATUS, case_states.TRANSITIONS),
    "Assessment": (assessment_states.INITIAL_STATUS, assessment_states.TRANSITIONS),
    "Care plan": (care_plan_states.INITIAL_STATUS, care_plan_states.TRANSITIONS),
    "Service referral": (service_referral_states.INITIAL_STATUS, service_referral_states.TRANSITIONS),
    "Support session": (support_session_states.INITIAL_STATUS, support_session_states.TRANSITIONS),
    "Review": (review_states.INITIAL_STATUS, review_states.TRANSITIONS),
    "Exit plan": (exit_plan_states.INITIAL_STATUS, exit_plan_states.TRANSITIONS),
    "Disbursement": (disbursement_states.INITIAL_STATUS, disbursement_states.TRANSITIONS),
    "Deposit": (fund_deposits.INITIAL_STATUS, fund_deposits.TRANSITIONS),
    "Transfer between budget lines": (fund_transfers.INITIAL_STATUS, fund_transfers.TRANSITIONS),
    "Pending change": (confirmation_states.INITIAL_STATUS, confirmation_states.TRANSITIONS),
    "Release": (release_states.INITIAL_STATUS, release_states.TRANSITIONS),
    "Follow-up": (follow_up_states.INITIAL_STATUS, follow_up_states.TRANSITIONS),
}
"""The initial status and the transitions of every state machine, by the heading of its section."""
PAGE_HEADER = (
    "# Diagrams\n\n"
    "The layers of the application, the life cycle of each record, and the permissions of each role. "
    "`make pictures` generates this page from the code, and `make test` fails if it is out of date.\n"
)


def render_diagrams_page(pyproject: Path) -> str:
    """Return the complete page in Markdown."""
    return "\n".join(
        [PAGE_HEADER, *_layer_section(pyproject), *_state_machine_sections(), *_permission_section()]
    )


def _layer_section(pyproject: Path) -> Iterator[str]:
    contract = tomllib.loads(pyproject.read_text())["tool"]["importlinter"]["contracts"][0]
    layers = [layer.replace(" | ", ", ") for layer in contract["layers"]]
    yield "## Layers\n\nEach layer imports only from layers below it.\n\n```mermaid\nflowchart TD"
    for number, layer in enumerate(layers):
        yield f'    r{number}["{layer}"]'
    for number in range(len(layers) - 1):
        yield f"    r{number} --> r{number + 1}"
    yield "```\n"


def _state_machine_sections() -> Iterator[str]:
    for heading, (initial_status, transitions) in STATE_MACHINES.items():
        yield f"## {heading}\n\n```mermaid\nstateDiagram-v2\n    [*] --> {initial_status}"
        for transition in transitions:
            yield from (
                f"    {source} --> {transition.target}: {transition.act}"
                for source in sorted(transition.sources)
            )
        sources = {source for transition in transitions for source in transition.sources}
        final_statuses = {transition.target for transition in transitions} - sources
        yield from (f"    {status} --> [*]" for status in sorted(final_statuses))
        yield "```\n\n| act | gate |\n|---|---|"
        yield from (
            f"| {transition.act} | {transition.gate} |" for transition in transitions if transition.gate
        )
        yield ""


def _permission_section() -> Iterator[str]:
    yield (
        "## Permissions\n\nThe permissions of each role. Row-level security decides which records a user with the "
        "permission can access.\n"
    )
    roles = list(Role)
    yield (
        "| permission | "
        + " | ".join(get_code_label("role", role.value, "en").lower() for role in roles)
        + " |"
    )
    yield "|---|" + ":-:|" * len(roles)
    for permission in Permission:
        marks = ("●" if role in POLICY[permission] else "" for role in roles)
        yield f"| `{permission.value}` | " + " | ".join(marks) + " |"
    yield ""
