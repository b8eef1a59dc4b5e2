"""HTTP. This is the table of contents: every router, mounted under /v1."""

from fastapi import FastAPI

from app.routers import (
    actions,
    agencies,
    agenda,
    api_clients,
    approval_limits,
    assessments,
    audit,
    auth,
    books,
    care_plan_print,
    care_plans,
    case_pictures,
    cases,
    children,
    codes,
    consents,
    disbursements,
    documents,
    exchange_rates,
    exit_plans,
    follow_ups,
    fund_transfers,
    funds,
    goals,
    health,
    instruments,
    legal_steps,
    me,
    oauth,
    people,
    places,
    providers,
    referrals,
    reviews,
    service_referrals,
    support_sessions,
    teams,
    users,
    well_known,
)

V1 = (
    # Looked through in this order for every request: what is asked for most stands first.
    cases,
    children,
    referrals,
    actions,
    agencies,
    agenda,
    api_clients,
    approval_limits,
    assessments,
    audit,
    auth,
    books,
    care_plan_print,
    care_plans,
    case_pictures,
    codes,
    consents,
    disbursements,
    documents,
    exchange_rates,
    exit_plans,
    follow_ups,
    fund_transfers,
    funds,
    goals,
    instruments,
    legal_steps,
    me,
    oauth,
    people,
    places,
    providers,
    reviews,
    service_referrals,
    support_sessions,
    teams,
    users,
)


def mount(app: FastAPI) -> None:
    """Mount every router."""
    app.include_router(health.router)
    app.include_router(well_known.router)
    for module in V1:
        app.include_router(module.router, prefix="/v1")
