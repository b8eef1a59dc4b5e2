"""The permission table: which role has which permission. The database decides which rows a caller can see."""

from enum import StrEnum

from app.access.roles import Role as Role  # noqa: PLC0414 - most modules need roles and permissions


class Permission(StrEnum):
    """Every permission of the API. Each endpoint requires exactly one. The value is the act of a request in the access log."""

    # The caller's own account
    account_own = "account.own"
    account_end_session = "account.end_session"
    account_change_password = "account.change_password"  # noqa: S105 - a permission, not a secret
    account_second_factor = "account.second_factor"
    account_activate = "account.activate"
    user_read = "user.read"
    user_manage = "user.manage"
    user_hand_over = "user.hand_over"
    staff_read = "staff.read"
    caseload_standard_read = "caseload_standard.read"
    caseload_standard_set = "caseload_standard.set"
    team_read = "team.read"
    team_manage = "team.manage"
    agency_read = "agency.read"
    agency_manage = "agency.manage"
    api_client_read = "api_client.read"
    api_client_manage = "api_client.manage"
    pending_change_read = "pending_change.read"
    pending_change_decide = "pending_change.decide"
    pending_change_withdraw = "pending_change.withdraw"
    referral_receive = "referral.receive"
    referral_read = "referral.read"
    referral_list = "referral.list"
    referral_complete = "referral.complete"
    referral_acknowledge = "referral.acknowledge"
    referral_request_information = "referral.request_information"
    referral_provide_information = "referral.provide_information"
    referral_match = "referral.match"
    referral_allow_matching = "referral.allow_matching"
    referral_accept = "referral.accept"
    referral_decline = "referral.decline"
    referral_reinstate = "referral.reinstate"
    referral_detach = "referral.detach"
    referral_withdraw = "referral.withdraw"
    child_read = "child.read"
    child_search = "child.search"
    child_change = "child.change"
    child_merge = "child.merge"
    child_unmerge = "child.unmerge"
    child_history = "child.history"
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
    record_enter_in_error = "record.enter_in_error"
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
    clinical_note_hand_over = "clinical_note.hand_over"
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
    feedback_read = "feedback.read"
    feedback_record = "feedback.record"
    feedback_enter_in_error = "feedback.enter_in_error"
    case_picture = "case.picture"
    # The assistance fund
    donor_grant_read = "donor_grant.read"
    donor_grant_manage = "donor_grant.manage"
    fund_read = "fund.read"
    fund_manage = "fund.manage"
    fund_deposit = "fund.deposit"
    fund_reverse_deposit = "fund.reverse_deposit"
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
    disbursement_read_document = "disbursement.read_document"
    disbursement_request = "disbursement.request"
    disbursement_decide = "disbursement.decide"
    disbursement_pay = "disbursement.pay"
    disbursement_reconcile = "disbursement.reconcile"
    disbursement_cancel = "disbursement.cancel"
    disbursement_reverse = "disbursement.reverse"
    outreach_read = "outreach.read"
    outreach_record = "outreach.record"
    outreach_enter_in_error = "outreach.enter_in_error"
    agenda_read = "agenda.read"
    agenda_feed_manage = "agenda.feed_manage"
    access_log_read = "access_log.read"
    access_log_read_child = "access_log.read_child"
    access_log_read_broken_glass = "access_log.read_broken_glass"
    alert_read = "alert.read"
    alert_acknowledge = "alert.acknowledge"
    report_read = "report.read"
    report_run = "report.run"
    release_read = "release.read"
    release_prepare = "release.prepare"
    release_publish = "release.publish"


SOCIAL_WORKERS, SUPERVISORS = frozenset({Role.social_worker}), frozenset({Role.supervisor})
MANAGERS, FINANCE = frozenset({Role.programme_manager}), frozenset({Role.finance_officer})
MONITORING, DATA_PROTECTION = frozenset({Role.me_officer}), frozenset({Role.data_protection_officer})
ADMINISTRATORS, PARTNER_SYSTEMS = frozenset({Role.administrator}), frozenset({Role.partner_system})
SCRIPTS = frozenset({Role.reporting_script})
CASEWORK = SOCIAL_WORKERS | SUPERVISORS | MANAGERS
STAFF = frozenset(Role) - {Role.partner_system, Role.reporting_script}
# fmt: off
POLICY: dict[Permission, frozenset[Role]] = {
    # The caller's own account
    Permission.account_own:                  STAFF,
    Permission.account_end_session:          STAFF,
    Permission.account_change_password:      STAFF,
    Permission.account_second_factor:        STAFF,
    Permission.account_activate:             STAFF,
    # Administration. All staff can read the directory of colleagues. Casework staff can read teams and agencies too.
    Permission.user_read:                    SUPERVISORS | MANAGERS | DATA_PROTECTION | ADMINISTRATORS,
    Permission.user_manage:                  ADMINISTRATORS,
    Permission.user_hand_over:               SUPERVISORS | MANAGERS,
    Permission.staff_read:                   STAFF,
    Permission.caseload_standard_read:       CASEWORK | MONITORING | ADMINISTRATORS,
    Permission.caseload_standard_set:        ADMINISTRATORS,
    Permission.team_read:                    CASEWORK | DATA_PROTECTION | ADMINISTRATORS,
    Permission.team_manage:                  ADMINISTRATORS,
    Permission.agency_read:                  CASEWORK | DATA_PROTECTION | ADMINISTRATORS,
    Permission.agency_manage:                ADMINISTRATORS,
    Permission.api_client_read:              ADMINISTRATORS,
    Permission.api_client_manage:            ADMINISTRATORS,
    Permission.pending_change_read:          STAFF,
    Permission.pending_change_decide:        MANAGERS | DATA_PROTECTION,
    Permission.pending_change_withdraw:      ADMINISTRATORS | FINANCE,
    # Intake
    Permission.referral_receive:             CASEWORK | PARTNER_SYSTEMS,
    Permission.referral_read:                CASEWORK | PARTNER_SYSTEMS,
    Permission.referral_list:                CASEWORK | PARTNER_SYSTEMS,
    Permission.referral_complete:            CASEWORK | PARTNER_SYSTEMS,
    Permission.referral_acknowledge:         CASEWORK,
    Permission.referral_request_information: CASEWORK,
    Permission.referral_provide_information: CASEWORK | PARTNER_SYSTEMS,
    Permission.referral_match:               CASEWORK,
    Permission.referral_allow_matching:      SUPERVISORS | MANAGERS,
    Permission.referral_accept:              CASEWORK,
    Permission.referral_decline:             CASEWORK,
    Permission.referral_reinstate:           CASEWORK,
    Permission.referral_detach:              SUPERVISORS | MANAGERS,
    Permission.referral_withdraw:            CASEWORK | PARTNER_SYSTEMS,
    # Children, the people around them, and consents
    Permission.child_read:                   CASEWORK,
    Permission.child_search:                 CASEWORK,
    Permission.child_change:                 CASEWORK,
    Permission.child_merge:                  SUPERVISORS | MANAGERS,
    Permission.child_unmerge:                SUPERVISORS | MANAGERS,
    Permission.child_history:                CASEWORK,
    Permission.person_read:                  CASEWORK,
    Permission.person_add:                   CASEWORK,
    Permission.person_change:                CASEWORK,
    Permission.consent_read:                 CASEWORK | DATA_PROTECTION,
    Permission.consent_record:               CASEWORK,
    Permission.consent_withdraw:             CASEWORK,
    Permission.record_enter_in_error:        CASEWORK,
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
    Permission.assessment_decide:            SUPERVISORS | MANAGERS,
    Permission.instrument_read:              CASEWORK | ADMINISTRATORS,
    Permission.instrument_manage:            ADMINISTRATORS,
    # Care plans
    Permission.care_plan_read:               CASEWORK,
    Permission.care_plan_write:              SOCIAL_WORKERS | SUPERVISORS,
    Permission.care_plan_submit:             SOCIAL_WORKERS | SUPERVISORS,
    Permission.care_plan_decide:             SUPERVISORS | MANAGERS,
    Permission.care_plan_print:              CASEWORK,
    # Support
    Permission.support_session_read:         CASEWORK,
    Permission.support_session_record:       SOCIAL_WORKERS | SUPERVISORS,
    Permission.clinical_note_read:           SOCIAL_WORKERS | SUPERVISORS,
    Permission.clinical_note_write:          SOCIAL_WORKERS | SUPERVISORS,
    Permission.clinical_note_hand_over:      SUPERVISORS,
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
    Permission.exit_plan_decide:             SUPERVISORS | MANAGERS,
    Permission.case_close:                   SOCIAL_WORKERS | SUPERVISORS,
    Permission.case_extend:                  MANAGERS,
    Permission.case_reopen:                  SUPERVISORS | MANAGERS,
    Permission.follow_up_read:               CASEWORK,
    Permission.follow_up_record:             SOCIAL_WORKERS | SUPERVISORS,
    Permission.outcome_read:                 CASEWORK,
    Permission.feedback_read:                CASEWORK,
    Permission.feedback_record:              CASEWORK,
    Permission.feedback_enter_in_error:      SUPERVISORS | MANAGERS,
    Permission.case_picture:                 CASEWORK,
    # The assistance fund
    Permission.donor_grant_read:             CASEWORK | FINANCE,
    Permission.donor_grant_manage:           SUPERVISORS | MANAGERS | FINANCE,
    Permission.fund_read:                    CASEWORK | FINANCE,
    Permission.fund_manage:                  FINANCE,
    Permission.fund_deposit:                 FINANCE,
    Permission.fund_reverse_deposit:         FINANCE | MANAGERS,
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
    Permission.disbursement_read_document:   FINANCE,
    Permission.disbursement_request:         SOCIAL_WORKERS | SUPERVISORS,
    Permission.disbursement_decide:          SUPERVISORS | MANAGERS,
    Permission.disbursement_pay:             FINANCE,
    Permission.disbursement_reconcile:       FINANCE,
    Permission.disbursement_cancel:          CASEWORK,
    Permission.disbursement_reverse:         FINANCE | MANAGERS,
    Permission.outreach_read:                CASEWORK | MONITORING | FINANCE | ADMINISTRATORS,
    Permission.outreach_record:              CASEWORK | MONITORING,
    Permission.outreach_enter_in_error:      CASEWORK | MONITORING,
    Permission.agenda_read:                  STAFF,
    Permission.agenda_feed_manage:           CASEWORK,
    Permission.access_log_read:              SUPERVISORS | DATA_PROTECTION,
    Permission.access_log_read_child:        SUPERVISORS | DATA_PROTECTION,
    Permission.access_log_read_broken_glass: CASEWORK | DATA_PROTECTION,
    Permission.alert_read:                   SUPERVISORS | DATA_PROTECTION,
    Permission.alert_acknowledge:            SUPERVISORS | DATA_PROTECTION,
    Permission.report_read:                  MONITORING | SUPERVISORS | MANAGERS | FINANCE | DATA_PROTECTION,
    Permission.report_run:                   MONITORING | SUPERVISORS | MANAGERS | FINANCE | DATA_PROTECTION,
    Permission.release_read:                 MONITORING | SUPERVISORS | MANAGERS | FINANCE | DATA_PROTECTION | SCRIPTS,
    Permission.release_prepare:              MONITORING,
    Permission.release_publish:              MANAGERS,
}
