"""How a script uses the client that openapi-python-client generates."""

from uuid import UUID

from first_step_client import AuthenticatedClient
from first_step_client.api.administration import list_users
from first_step_client.api.care_plans import approve_care_plan
from first_step_client.api.cases import get_case, list_cases, update_case
from first_step_client.models import (
    CarePlan,
    CarePlanApproval,
    Case,
    CaseList,
    CaseStatus,
    CaseUpdate,
    StaffRole,
    UserList,
    UserSort,
)


def list_case_numbers(client: AuthenticatedClient) -> list[str]:
    """Return the numbers of the active cases."""
    page = list_cases.sync(client=client, status=[CaseStatus.ACTIVE], limit=25)
    assert isinstance(page, CaseList)
    return [summary.number for summary in page.items]


def list_managers(client: AuthenticatedClient) -> list[str]:
    """Return the names of the supervisors and programme managers."""
    roles = [StaffRole.SUPERVISOR, StaffRole.PROGRAMME_MANAGER]
    page = list_users.sync(client=client, role=roles, sort=UserSort.NAME, count=True)
    assert isinstance(page, UserList)
    return [user.name for user in page.items]


def approve(client: AuthenticatedClient, plan_id: UUID, version: int) -> CarePlan:
    """Approve a care plan."""
    plan = approve_care_plan.sync(
        plan_id, client=client, if_match=f'"{version}"', body=CarePlanApproval(comment="Agreed.")
    )
    assert isinstance(plan, CarePlan)
    return plan


def update_summary(client: AuthenticatedClient, case_id: UUID) -> None:
    """Change the summary of a case."""
    case = get_case.sync(case_id, client=client)
    assert isinstance(case, Case)
    body = CaseUpdate(summary="Lives with her aunt.")
    update_case.sync(case_id, client=client, if_match=f'"{case.version}"', body=body)
