"""Pictures for the docs, drawn from the code itself: life cycles, who may do what, the house."""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.access.permissions import POLICY, Permission, Role
from app.kit.state_machine import Transition
from app.services.assessments import states as assessment_steps
from app.services.care_plans import review_states as review_steps
from app.services.care_plans import states as care_plan_steps
from app.services.cases import states as case_steps
from app.services.exit import follow_up_states as follow_up_steps
from app.services.exit import states as exit_plan_steps
from app.services.fund import states as disbursement_steps
from app.services.fund import transfers as fund_transfers
from app.services.referrals import states as referral_steps
from app.services.support import service_referral_states as service_referral_steps
from app.services.support import session_states as support_session_steps

LIFE_CYCLES: dict[str, tuple[str, Sequence[Transition]]] = {
    "A referral": (referral_steps.INITIAL_STATUS, referral_steps.TRANSITIONS),
    "A case": (case_steps.INITIAL_STATUS, case_steps.TRANSITIONS),
    "An assessment": (assessment_steps.INITIAL_STATUS, assessment_steps.TRANSITIONS),
    "A care plan": (care_plan_steps.INITIAL_STATUS, care_plan_steps.TRANSITIONS),
    "A service referral": (service_referral_steps.INITIAL_STATUS, service_referral_steps.TRANSITIONS),
    "A support session": (support_session_steps.INITIAL_STATUS, support_session_steps.TRANSITIONS),
    "A review": (review_steps.INITIAL_STATUS, review_steps.TRANSITIONS),
    "An exit plan": (exit_plan_steps.INITIAL_STATUS, exit_plan_steps.TRANSITIONS),
    "A disbursement": (disbursement_steps.INITIAL_STATUS, disbursement_steps.TRANSITIONS),
    "A transfer between budget lines": (fund_transfers.INITIAL_STATUS, fund_transfers.TRANSITIONS),
    "A follow-up": (follow_up_steps.INITIAL_STATUS, follow_up_steps.TRANSITIONS),
}
"""Every noun with a life cycle: its first status and its steps."""
PAGE_HEADER = "# Pictures\n\nDrawn from the code by `make pictures`; a test keeps them current.\n"


def render_diagrams_page(pyproject: Path) -> str:
    """Return the whole page in Markdown."""
    return "\n".join([PAGE_HEADER, *_layer_diagram(pyproject), *_life_cycle_diagrams(), *_permission_table()])


def _layer_diagram(pyproject: Path) -> Iterator[str]:
    contract = tomllib.loads(pyproject.read_text())["tool"]["importlinter"]["contracts"][0]
    layers = [layer.replace(" | ", ", ") for layer in contract["layers"]]
    yield "## The house: imports only go down\n\n```mermaid\nflowchart TD"
    for number, layer in enumerate(layers):
        yield f'    r{number}["{layer}"]'
    for number in range(len(layers) - 1):
        yield f"    r{number} --> r{number + 1}"
    yield "```\n"


def _life_cycle_diagrams() -> Iterator[str]:
    for noun, (first, steps) in LIFE_CYCLES.items():
        yield f"## {noun}\n\n```mermaid\nstateDiagram-v2\n    [*] --> {first}"
        for step in steps:
            yield from (f"    {source} --> {step.target}: {step.act}" for source in sorted(step.sources))
        ends = {step.target for step in steps} - {source for step in steps for source in step.sources}
        yield from (f"    {end} --> [*]" for end in sorted(ends))
        yield "```\n\n| act | refuses unless |\n|---|---|"
        yield from (f"| {step.act} | {step.gate} |" for step in steps if step.gate)
        yield ""


def _permission_table() -> Iterator[str]:
    yield "## Who may do what\n\nWhich records they may do it to, row security decides.\n"
    roles = list(Role)
    yield "| act | " + " | ".join(role.value.replace("_", " ") for role in roles) + " |"
    yield "|---|" + ":-:|" * len(roles)
    for permission in Permission:
        marks = ("●" if role in POLICY[permission] else "" for role in roles)
        yield f"| `{permission.value}` | " + " | ".join(marks) + " |"
    yield ""
