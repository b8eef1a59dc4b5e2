"""The endpoints, one module per resource, and the list of their routers."""

from importlib import import_module

from fastapi import FastAPI

ROUTERS = (
    # Routes are matched in this order: the most frequent first.
    "cases",
    "case_links",
    "children",
    "referrals",
    "agencies",
    "agenda",
    "alerts",
    "api_clients",
    "approval_limits",
    "assessments",
    "audit",
    "auth",
    "care_plans",
    "caseload_standards",
    "closed_periods",
    "codes",
    "consents",
    "corrections",
    "deposits",
    "disbursements",
    "documents",
    "donor_grants",
    "exchange_rates",
    "exit_plans",
    "feedback",
    "follow_ups",
    "fund_statements",
    "fund_transfers",
    "funds",
    "goals",
    "instruments",
    "legal_steps",
    "me",
    "missing_data",
    "oauth",
    "outreach",
    "pending_changes",
    "people",
    "places",
    "providers",
    "releases",
    "report_runs",
    "reports",
    "reviews",
    "service_referrals",
    "staff",
    "supervision_meetings",
    "support_sessions",
    "team_overview",
    "teams",
    "users",
    "health",
    "well_known",
)
"""The modules of this package that have a router."""


def mount(app: FastAPI) -> None:
    """Append the routes of every router to the routes of `app`.

    `include_router` would build each route again and match each request twice (docs/decisions/0016).
    """
    for name in ROUTERS:
        app.router.routes.extend(import_module(f"{__name__}.{name}").router.routes)
