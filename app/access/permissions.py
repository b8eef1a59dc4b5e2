"""The permission table: which role has which permission. The database decides which rows a caller can see.

Each line of `POLICY` below names a permission and the roles that have it. The access log records the value of the
permission, such as `case.read`, as the act of a request.
"""

from enum import StrEnum


class Role(StrEnum):
    """A role of a user or of an API client. A user can have several roles and has the permissions of all of them."""

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
    """Every permission of the API. Each endpoint requires exactly one of them."""

    # The caller's own account
    account_own = "account.own"
    account_end_session = "account.end_session"
    account_change_password = "account.change_password"  # noqa: S105 - a permission, not a secret
    account_second_factor = "account.second_factor"
    # Administration
    user_read = "user.read"
    user_manage = "user.manage"
    staff_read = "staff.read"
    team_read = "team.read"
    team_manage = "team.manage"
    agency_read = "agency.read"
    agency_manage = "agency.manage"
    api_client_read = "api_client.read"
    api_client_manage = "api_client.manage"
    # Intake
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
    # Children
    child_read = "child.read"
    child_search = "child.search"
    child_change = "child.change"
    # Cases
    case_read = "case.read"
    case_list = "case.list"
    case_change = "case.change"
    case_assign = "case.assign"
    case_transfer = "case.transfer"
    case_break_glass = "case.break_glass"
    case_link = "case.link"
    case_timeline = "case.timeline"
    case_file = "case.file"
    # People around a child, and consents
    person_read = "person.read"
    person_add = "person.add"
    person_change = "person.change"
    consent_read = "consent.read"
    consent_record = "consent.record"
    consent_withdraw = "consent.withdraw"
    # Assessments
    assessment_read = "assessment.read"
    assessment_write = "assessment.write"
    assessment_submit = "assessment.submit"
    assessment_decide = "assessment.decide"
    instrument_read = "instrument.read"
    instrument_manage = "instrument.manage"
    # Care plans
    care_plan_read = "care_plan.read"
    care_plan_write = "care_plan.write"
    care_plan_submit = "care_plan.submit"
    care_plan_decide = "care_plan.decide"
    care_plan_print = "care_plan.print"
    # Support
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
    # Reviews, exit and follow-up
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
    # The assistance fund
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
    # The caller's agenda
    agenda_read = "agenda.read"
    agenda_feed_manage = "agenda.feed_manage"
    # The access log
    access_log_read = "access_log.read"
    access_log_read_child = "access_log.read_child"
    access_log_read_broken_glass = "access_log.read_broken_glass"


SOCIAL_WORKERS = frozenset({Role.social_worker})
SUPERVISORS = frozenset({Role.supervisor})
MANAGERS = frozenset({Role.programme_manager})
FINANCE = frozenset({Role.finance_officer})
DATA_PROTECTION = frozenset({Role.data_protection_officer})
ADMINISTRATORS = frozenset({Role.administrator})
PARTNER_SYSTEMS = frozenset({Role.partner_system})

CASEWORK = SOCIAL_WORKERS | SUPERVISORS | MANAGERS
STAFF = frozenset(Role) - {Role.partner_system, Role.reporting_script}

# fmt: off
POLICY: dict[Permission, frozenset[Role]] = {
    # The caller's own account
    Permission.account_own:                  STAFF,
    Permission.account_end_session:          STAFF,
    Permission.account_change_password:      STAFF,
    Permission.account_second_factor:        STAFF,

    # Administration. All staff can read the directory of colleagues. Casework staff can read teams and agencies too.
    Permission.user_read:                    SUPERVISORS | MANAGERS | DATA_PROTECTION | ADMINISTRATORS,
    Permission.user_manage:                  ADMINISTRATORS,
    Permission.staff_read:                   STAFF,
    Permission.team_read:                    CASEWORK | DATA_PROTECTION | ADMINISTRATORS,
    Permission.team_manage:                  ADMINISTRATORS,
    Permission.agency_read:                  CASEWORK | DATA_PROTECTION | ADMINISTRATORS,
    Permission.agency_manage:                ADMINISTRATORS,
    Permission.api_client_read:              ADMINISTRATORS,
    Permission.api_client_manage:            ADMINISTRATORS,

    # Intake
    Permission.referral_receive:             CASEWORK | PARTNER_SYSTEMS,
    Permission.referral_read:                CASEWORK | PARTNER_SYSTEMS,
    Permission.referral_list:                CASEWORK | PARTNER_SYSTEMS,
    Permission.referral_complete:            CASEWORK | PARTNER_SYSTEMS,
    Permission.referral_acknowledge:         CASEWORK,
    Permission.referral_request_information: CASEWORK,
    Permission.referral_provide_information: CASEWORK | PARTNER_SYSTEMS,
    Permission.referral_match:               CASEWORK,
    Permission.referral_accept:              CASEWORK,
    Permission.referral_decline:             CASEWORK,
    Permission.referral_withdraw:            CASEWORK | PARTNER_SYSTEMS,

    # Children, the people around them, and consents
    Permission.child_read:                   CASEWORK,
    Permission.child_search:                 CASEWORK,
    Permission.child_change:                 CASEWORK,
    Permission.person_read:                  CASEWORK,
    Permission.person_add:                   CASEWORK,
    Permission.person_change:                CASEWORK,
    Permission.consent_read:                 CASEWORK | DATA_PROTECTION,
    Permission.consent_record:               CASEWORK,
    Permission.consent_withdraw:             CASEWORK,

    # Cases
    Permission.case_read:                    CASEWORK,
    Permission.case_list:                    CASEWORK,
    Permission.case_change:                  CASEWORK,
    Permission.case_timeline:                CASEWORK,
    Permission.case_file:                    CASEWORK,
    Permission.case_assign:                  SUPERVISORS | MANAGERS,
    Permission.case_transfer:                MANAGERS,
    Permission.case_break_glass:             SOCIAL_WORKERS | SUPERVISORS,
    Permission.case_link:                    SUPERVISORS | MANAGERS,

    # Assessments
    Permission.assessment_read:              CASEWORK,
    Permission.assessment_write:             SOCIAL_WORKERS | SUPERVISORS,
    Permission.assessment_submit:            SOCIAL_WORKERS | SUPERVISORS,
    Permission.assessment_decide:            SUPERVISORS,
    Permission.instrument_read:              CASEWORK | ADMINISTRATORS,
    Permission.instrument_manage:            ADMINISTRATORS,

    # Care plans
    Permission.care_plan_read:               CASEWORK,
    Permission.care_plan_write:              SOCIAL_WORKERS | SUPERVISORS,
    Permission.care_plan_submit:             SOCIAL_WORKERS | SUPERVISORS,
    Permission.care_plan_decide:             SUPERVISORS,
    Permission.care_plan_print:              CASEWORK,

    # Support
    Permission.support_session_read:         CASEWORK,
    Permission.support_session_record:       SOCIAL_WORKERS | SUPERVISORS,
    Permission.clinical_note_read:           SOCIAL_WORKERS | SUPERVISORS,
    Permission.clinical_note_write:          SOCIAL_WORKERS | SUPERVISORS,
    Permission.provider_read:                CASEWORK | ADMINISTRATORS,
    Permission.provider_manage:              SUPERVISORS | MANAGERS | ADMINISTRATORS,
    Permission.service_referral_read:        CASEWORK,
    Permission.service_referral_make:        SOCIAL_WORKERS | SUPERVISORS,
    Permission.service_referral_send:        SOCIAL_WORKERS | SUPERVISORS,
    Permission.service_referral_follow:      SOCIAL_WORKERS | SUPERVISORS,
    Permission.document_read:                CASEWORK,
    Permission.document_add:                 CASEWORK,
    Permission.legal_step_read:              CASEWORK,
    Permission.legal_step_record:            SOCIAL_WORKERS | SUPERVISORS,

    # Reviews, exit and follow-up
    Permission.review_read:                  CASEWORK,
    Permission.review_hold:                  SOCIAL_WORKERS | SUPERVISORS,
    Permission.exit_plan_read:               CASEWORK,
    Permission.exit_plan_write:              SOCIAL_WORKERS | SUPERVISORS,
    Permission.exit_plan_decide:             SUPERVISORS,
    Permission.case_close:                   SOCIAL_WORKERS | SUPERVISORS,
    Permission.case_extend:                  MANAGERS,
    Permission.case_reopen:                  SUPERVISORS | MANAGERS,
    Permission.follow_up_read:               CASEWORK,
    Permission.follow_up_record:             SOCIAL_WORKERS | SUPERVISORS,
    Permission.outcome_read:                 CASEWORK,
    Permission.case_picture:                 CASEWORK,

    # The assistance fund
    Permission.fund_read:                    CASEWORK | FINANCE,
    Permission.fund_manage:                  FINANCE,
    Permission.fund_deposit:                 FINANCE,
    Permission.fund_ledger:                  FINANCE | MANAGERS,
    Permission.fund_ask_transfer:            FINANCE | MANAGERS,
    Permission.fund_decide_transfer:         FINANCE | MANAGERS,
    Permission.fund_close:                   MANAGERS,
    Permission.fund_close_books:             FINANCE,
    Permission.approval_limit_read:          CASEWORK | FINANCE | ADMINISTRATORS,
    Permission.approval_limit_set:           ADMINISTRATORS,
    Permission.exchange_rate_read:           CASEWORK | FINANCE,
    Permission.exchange_rate_record:         FINANCE,
    Permission.disbursement_read:            CASEWORK | FINANCE,
    Permission.disbursement_request:         SOCIAL_WORKERS | SUPERVISORS,
    Permission.disbursement_decide:          SUPERVISORS | MANAGERS,
    Permission.disbursement_pay:             FINANCE,
    Permission.disbursement_reconcile:       FINANCE,
    Permission.disbursement_cancel:          CASEWORK,
    Permission.disbursement_reverse:         FINANCE | MANAGERS,

    # The caller's agenda
    Permission.agenda_read:                  STAFF,
    Permission.agenda_feed_manage:           CASEWORK,

    # The access log
    Permission.access_log_read:              SUPERVISORS | DATA_PROTECTION,
    Permission.access_log_read_child:        SUPERVISORS | DATA_PROTECTION,
    Permission.access_log_read_broken_glass: CASEWORK | DATA_PROTECTION,
}
# fmt: on

CHILD_DATA_ROLES = CASEWORK | DATA_PROTECTION
"""Roles with access to data of children. Users with such a role need a second factor, except in demo mode."""

ROLE_BY_SCOPE: dict[str, Role] = {"referrals": Role.partner_system, "reports": Role.reporting_script}
"""The role that each scope gives to an API client."""


def has_permission(roles: frozenset[str], permission: Permission) -> bool:
    """Return whether at least one of the roles has the permission."""
    return not POLICY[permission].isdisjoint(roles)
