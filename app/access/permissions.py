"""Who may do what: one table. Which rows they may do it to is decided in the database.

A permission is an act, and names the act in the access log. To read the policy, read `POLICY`.
"""

from enum import StrEnum


class Role(StrEnum):
    """What somebody is to First Step; a person may be several."""

    social_worker = "social_worker"
    supervisor = "supervisor"
    programme_manager = "programme_manager"
    finance_officer = "finance_officer"
    me_officer = "me_officer"
    data_protection_officer = "data_protection_officer"
    administrator = "administrator"
    partner_system = "partner_system"
    reporting_script = "reporting_script"


class Permission(StrEnum):
    """Every act that somebody may be allowed."""

    account_own = "account.own"
    account_end_session = "account.end_session"
    account_change_password = "account.change_password"  # noqa: S105 - an act, not a secret
    account_second_factor = "account.second_factor"

    user_read = "user.read"
    user_manage = "user.manage"
    team_read = "team.read"
    team_manage = "team.manage"
    agency_read = "agency.read"
    agency_manage = "agency.manage"
    api_client_read = "api_client.read"
    api_client_manage = "api_client.manage"

    referral_receive = "referral.receive"
    referral_read = "referral.read"
    referral_list = "referral.list"
    referral_complete = "referral.complete"
    referral_acknowledge = "referral.acknowledge"
    referral_request_information = "referral.request_information"
    referral_provide_information = "referral.provide_information"
    referral_match = "referral.match"
    referral_accept = "referral.accept"
    referral_decline = "referral.decline"
    referral_withdraw = "referral.withdraw"

    child_read = "child.read"
    child_search = "child.search"
    child_change = "child.change"

    case_read = "case.read"
    case_list = "case.list"
    case_change = "case.change"
    case_assign = "case.assign"
    case_transfer = "case.transfer"
    case_break_glass = "case.break_glass"
    case_link = "case.link"
    case_timeline = "case.timeline"

    person_read = "person.read"
    person_add = "person.add"
    person_change = "person.change"
    consent_read = "consent.read"
    consent_record = "consent.record"
    consent_withdraw = "consent.withdraw"

    assessment_read = "assessment.read"
    assessment_write = "assessment.write"
    assessment_submit = "assessment.submit"
    assessment_decide = "assessment.decide"
    instrument_read = "instrument.read"
    instrument_manage = "instrument.manage"

    care_plan_read = "care_plan.read"
    care_plan_write = "care_plan.write"
    care_plan_submit = "care_plan.submit"
    care_plan_decide = "care_plan.decide"
    care_plan_print = "care_plan.print"

    support_session_read = "support_session.read"
    support_session_record = "support_session.record"
    clinical_note_read = "clinical_note.read"
    clinical_note_write = "clinical_note.write"
    provider_read = "provider.read"
    provider_manage = "provider.manage"
    service_referral_read = "service_referral.read"
    service_referral_make = "service_referral.make"
    service_referral_send = "service_referral.send"
    service_referral_follow = "service_referral.follow"
    document_read = "document.read"
    document_add = "document.add"
    legal_step_read = "legal_step.read"
    legal_step_record = "legal_step.record"

    review_read = "review.read"
    review_hold = "review.hold"
    exit_plan_read = "exit_plan.read"
    exit_plan_write = "exit_plan.write"
    exit_plan_decide = "exit_plan.decide"
    case_close = "case.close"
    case_extend = "case.extend"
    case_reopen = "case.reopen"
    follow_up_read = "follow_up.read"
    follow_up_record = "follow_up.record"
    outcome_read = "outcome.read"
    case_picture = "case.picture"

    fund_read = "fund.read"
    fund_manage = "fund.manage"
    fund_deposit = "fund.deposit"
    fund_ledger = "fund.ledger"
    fund_ask_transfer = "fund.ask_transfer"
    fund_decide_transfer = "fund.decide_transfer"
    fund_close = "fund.close"
    fund_close_books = "fund.close_books"
    approval_limit_read = "approval_limit.read"
    approval_limit_set = "approval_limit.set"
    exchange_rate_read = "exchange_rate.read"
    exchange_rate_record = "exchange_rate.record"
    disbursement_read = "disbursement.read"
    disbursement_request = "disbursement.request"
    disbursement_decide = "disbursement.decide"
    disbursement_pay = "disbursement.pay"
    disbursement_reconcile = "disbursement.reconcile"
    disbursement_cancel = "disbursement.cancel"
    disbursement_reverse = "disbursement.reverse"

    agenda_read = "agenda.read"
    agenda_feed_manage = "agenda.feed_manage"

    access_log_read = "access_log.read"
    access_log_read_child = "access_log.read_child"
    access_log_read_broken_glass = "access_log.read_broken_glass"


_WORKERS = frozenset({Role.social_worker, Role.supervisor})
_CASEWORK = _WORKERS | {Role.programme_manager}
_LEADERS = frozenset({Role.supervisor, Role.programme_manager})
_SUPERVISORS = frozenset({Role.supervisor})
_ADMINISTRATION = frozenset({Role.administrator})
_FINANCE = frozenset({Role.finance_officer})
_FINANCE_AND_MANAGERS = _FINANCE | {Role.programme_manager}
_STAFF = frozenset(Role) - {Role.partner_system, Role.reporting_script}
_REFERRERS = _CASEWORK | {Role.partner_system}
_LOG_READERS = frozenset({Role.data_protection_officer, Role.supervisor})

POLICY: dict[Permission, frozenset[Role]] = {
    Permission.account_own: _STAFF,
    Permission.account_end_session: _STAFF,
    Permission.account_change_password: _STAFF,
    Permission.account_second_factor: _STAFF,
    # Configuration, and the names that casework needs to choose from
    Permission.user_read: _ADMINISTRATION | _LEADERS | {Role.data_protection_officer},
    Permission.user_manage: _ADMINISTRATION,
    Permission.team_read: _ADMINISTRATION | _CASEWORK | {Role.data_protection_officer},
    Permission.team_manage: _ADMINISTRATION,
    Permission.agency_read: _ADMINISTRATION | _CASEWORK | {Role.data_protection_officer},
    Permission.agency_manage: _ADMINISTRATION,
    Permission.api_client_read: _ADMINISTRATION,
    Permission.api_client_manage: _ADMINISTRATION,
    # Intake
    Permission.referral_receive: _REFERRERS,
    Permission.referral_read: _REFERRERS,
    Permission.referral_list: _REFERRERS,
    Permission.referral_complete: _REFERRERS,
    Permission.referral_acknowledge: _CASEWORK,
    Permission.referral_request_information: _CASEWORK,
    Permission.referral_provide_information: _REFERRERS,
    Permission.referral_match: _CASEWORK,
    Permission.referral_accept: _CASEWORK,
    Permission.referral_decline: _CASEWORK,
    Permission.referral_withdraw: _REFERRERS,
    # The child and its circle
    Permission.child_read: _CASEWORK,
    Permission.child_search: _CASEWORK,
    Permission.child_change: _CASEWORK,
    Permission.person_read: _CASEWORK,
    Permission.person_add: _CASEWORK,
    Permission.person_change: _CASEWORK,
    Permission.consent_read: _CASEWORK | {Role.data_protection_officer},
    Permission.consent_record: _CASEWORK,
    Permission.consent_withdraw: _CASEWORK,
    # Cases
    Permission.case_read: _CASEWORK,
    Permission.case_list: _CASEWORK,
    Permission.case_change: _CASEWORK,
    Permission.case_timeline: _CASEWORK,
    Permission.case_assign: _LEADERS,
    Permission.case_transfer: frozenset({Role.programme_manager}),
    Permission.case_break_glass: _WORKERS,
    Permission.case_link: _LEADERS,
    # Assessments
    Permission.assessment_read: _CASEWORK,
    Permission.assessment_write: _WORKERS,
    Permission.assessment_submit: _WORKERS,
    Permission.assessment_decide: _SUPERVISORS,
    Permission.instrument_read: _CASEWORK | _ADMINISTRATION,
    Permission.instrument_manage: _ADMINISTRATION,
    # Care plans
    Permission.care_plan_read: _CASEWORK,
    Permission.care_plan_write: _WORKERS,
    Permission.care_plan_submit: _WORKERS,
    Permission.care_plan_decide: _SUPERVISORS,
    Permission.care_plan_print: _CASEWORK,
    # Support
    Permission.support_session_read: _CASEWORK,
    Permission.support_session_record: _WORKERS,
    Permission.clinical_note_read: _WORKERS,
    Permission.clinical_note_write: _WORKERS,
    Permission.provider_read: _CASEWORK | _ADMINISTRATION,
    Permission.provider_manage: _LEADERS | _ADMINISTRATION,
    Permission.service_referral_read: _CASEWORK,
    Permission.service_referral_make: _WORKERS,
    Permission.service_referral_send: _WORKERS,
    Permission.service_referral_follow: _WORKERS,
    Permission.document_read: _CASEWORK,
    Permission.document_add: _CASEWORK,
    Permission.legal_step_read: _CASEWORK,
    Permission.legal_step_record: _WORKERS,
    # Review, exit and after
    Permission.review_read: _CASEWORK,
    Permission.review_hold: _WORKERS,
    Permission.exit_plan_read: _CASEWORK,
    Permission.exit_plan_write: _WORKERS,
    Permission.exit_plan_decide: _SUPERVISORS,
    Permission.case_close: _WORKERS,
    Permission.case_extend: frozenset({Role.programme_manager}),
    Permission.case_reopen: _LEADERS,
    Permission.follow_up_read: _CASEWORK,
    Permission.follow_up_record: _WORKERS,
    Permission.outcome_read: _CASEWORK,
    Permission.case_picture: _CASEWORK,
    # The assistance fund
    Permission.fund_read: _CASEWORK | _FINANCE,
    Permission.fund_manage: _FINANCE,
    Permission.fund_deposit: _FINANCE,
    Permission.fund_ledger: _FINANCE_AND_MANAGERS,
    Permission.fund_ask_transfer: _FINANCE_AND_MANAGERS,
    Permission.fund_decide_transfer: _FINANCE_AND_MANAGERS,
    Permission.fund_close: frozenset({Role.programme_manager}),
    Permission.fund_close_books: _FINANCE,
    Permission.approval_limit_read: _CASEWORK | _FINANCE | _ADMINISTRATION,
    Permission.approval_limit_set: _ADMINISTRATION,
    Permission.exchange_rate_read: _CASEWORK | _FINANCE,
    Permission.exchange_rate_record: _FINANCE,
    Permission.disbursement_read: _CASEWORK | _FINANCE,
    Permission.disbursement_request: _WORKERS,
    Permission.disbursement_decide: _LEADERS,
    Permission.disbursement_pay: _FINANCE,
    Permission.disbursement_reconcile: _FINANCE,
    Permission.disbursement_cancel: _CASEWORK,
    Permission.disbursement_reverse: _FINANCE_AND_MANAGERS,
    # One's own agenda
    Permission.agenda_read: _STAFF,
    Permission.agenda_feed_manage: _CASEWORK,
    # The log
    Permission.access_log_read: _LOG_READERS,
    Permission.access_log_read_child: _LOG_READERS,
    Permission.access_log_read_broken_glass: _LOG_READERS | _CASEWORK,
}

CHILD_DATA_ROLES = _CASEWORK | {Role.data_protection_officer}
"""Roles whose work shows them children: a second factor is asked of them outside demo mode."""

ROLE_BY_SCOPE: dict[str, Role] = {"referrals": Role.partner_system, "reports": Role.reporting_script}
"""What an API client's scope makes it."""


def has_permission(roles: frozenset[str], permission: Permission) -> bool:
    """Whether somebody with these roles is allowed an act."""
    return not POLICY[permission].isdisjoint(roles)
