"""The catalogue: one module per report."""

from app.services.reports.catalogue.care import (
    area_progress,
    assessment_time,
    care_plan_time,
    goals_achieved,
    no_recent_contact,
    reviews_on_time,
    safety_plans,
    service_referrals,
    support_sessions,
    supporter_family_plans,
)
from app.services.reports.catalogue.intake import (
    acknowledgement_time,
    caseload,
    children_supported,
    entry_profile,
    first_contact_time,
    new_cases,
    open_cases,
    record_quality,
    referral_decisions,
    referrals_received,
)
from app.services.reports.catalogue.money import (
    fund_use,
    unreceipted_money,
)
from app.services.reports.catalogue.outcomes import (
    after_exit,
    exit_conditions,
    exits,
    feedback,
    hsb_outcome,
    length_of_support,
)
from app.services.reports.catalogue.outreach import (
    outreach_agents,
    outreach_dissemination,
    outreach_meetings,
    outreach_participants,
    outreach_training,
)
from app.services.reports.definition import Report

MODULES = (
    open_cases,
    children_supported,
    new_cases,
    referrals_received,
    referral_decisions,
    acknowledgement_time,
    first_contact_time,
    assessment_time,
    care_plan_time,
    area_progress,
    goals_achieved,
    support_sessions,
    no_recent_contact,
    service_referrals,
    reviews_on_time,
    supporter_family_plans,
    exits,
    length_of_support,
    fund_use,
    unreceipted_money,
    after_exit,
    record_quality,
    safety_plans,
    exit_conditions,
    hsb_outcome,
    caseload,
    feedback,
    entry_profile,
    outreach_participants,
    outreach_training,
    outreach_agents,
    outreach_meetings,
    outreach_dissemination,
)
REPORTS: dict[str, Report] = {module.REPORT.name: module.REPORT for module in MODULES}
"""The reports by name, in the order of the list."""
