"""Guards: one alias for each permission, used as the type of an endpoint's `caller` parameter.

The permission table is `app.access.permissions`. `recent=True` requires a sign-in within the last hour (step-up);
`while_enrolling=True` also accepts users who have not finished setting up their account.
"""

from typing import Annotated

from fastapi import Depends

from app.access.caller import Caller
from app.access.permissions import Permission
from app.http.authorization import RequirePermission

# The caller's own account
AccountOwner = Annotated[Caller, Depends(RequirePermission(Permission.account_own))]
AccountSessionEnder = Annotated[Caller, Depends(RequirePermission(Permission.account_end_session))]
PasswordChanger = Annotated[
    Caller, Depends(RequirePermission(Permission.account_change_password, recent=True, while_enrolling=True))
]
SecondFactorEnroller = Annotated[
    Caller, Depends(RequirePermission(Permission.account_second_factor, recent=True, while_enrolling=True))
]
SecondFactorConfirmer = Annotated[
    Caller, Depends(RequirePermission(Permission.account_second_factor, while_enrolling=True))
]
SecondFactorRemover = Annotated[
    Caller, Depends(RequirePermission(Permission.account_second_factor, recent=True))
]
AccountActivator = Annotated[
    Caller, Depends(RequirePermission(Permission.account_activate, while_enrolling=True))
]
AgendaReader = Annotated[Caller, Depends(RequirePermission(Permission.agenda_read))]
CalendarFeedCreator = Annotated[
    Caller, Depends(RequirePermission(Permission.agenda_feed_manage, recent=True))
]
CalendarFeedManager = Annotated[Caller, Depends(RequirePermission(Permission.agenda_feed_manage))]

# Administration
UserReader = Annotated[Caller, Depends(RequirePermission(Permission.user_read))]
UserManager = Annotated[Caller, Depends(RequirePermission(Permission.user_manage))]
WorkHandover = Annotated[Caller, Depends(RequirePermission(Permission.user_hand_over))]
StaffReader = Annotated[Caller, Depends(RequirePermission(Permission.staff_read))]
CaseloadStandardReader = Annotated[Caller, Depends(RequirePermission(Permission.caseload_standard_read))]
CaseloadStandardEditor = Annotated[Caller, Depends(RequirePermission(Permission.caseload_standard_set))]
SupervisionReader = Annotated[Caller, Depends(RequirePermission(Permission.supervision_read))]
SupervisionHolder = Annotated[Caller, Depends(RequirePermission(Permission.supervision_hold))]
SupervisionActionEditor = Annotated[Caller, Depends(RequirePermission(Permission.supervision_update_action))]
MissingDataReader = Annotated[Caller, Depends(RequirePermission(Permission.missing_data_read))]
TeamOverviewReader = Annotated[Caller, Depends(RequirePermission(Permission.team_overview))]
TeamReader = Annotated[Caller, Depends(RequirePermission(Permission.team_read))]
TeamManager = Annotated[Caller, Depends(RequirePermission(Permission.team_manage))]
AgencyReader = Annotated[Caller, Depends(RequirePermission(Permission.agency_read))]
AgencyManager = Annotated[Caller, Depends(RequirePermission(Permission.agency_manage))]
ApiClientReader = Annotated[Caller, Depends(RequirePermission(Permission.api_client_read))]
ApiClientManager = Annotated[Caller, Depends(RequirePermission(Permission.api_client_manage))]
PendingChangeReader = Annotated[Caller, Depends(RequirePermission(Permission.pending_change_read))]
PendingChangeDecider = Annotated[
    Caller, Depends(RequirePermission(Permission.pending_change_decide, recent=True))
]
PendingChangeWithdrawer = Annotated[Caller, Depends(RequirePermission(Permission.pending_change_withdraw))]

# Referrals
ReferralCreator = Annotated[Caller, Depends(RequirePermission(Permission.referral_receive))]
ReferralReader = Annotated[Caller, Depends(RequirePermission(Permission.referral_read))]
ReferralLister = Annotated[Caller, Depends(RequirePermission(Permission.referral_list))]
ReferralEditor = Annotated[Caller, Depends(RequirePermission(Permission.referral_complete))]
ReferralAcknowledger = Annotated[Caller, Depends(RequirePermission(Permission.referral_acknowledge))]
ReferralInformationRequester = Annotated[
    Caller, Depends(RequirePermission(Permission.referral_request_information))
]
ReferralInformationProvider = Annotated[
    Caller, Depends(RequirePermission(Permission.referral_provide_information))
]
ReferralMatchReader = Annotated[Caller, Depends(RequirePermission(Permission.referral_match))]
ReferralMatchingAllower = Annotated[Caller, Depends(RequirePermission(Permission.referral_allow_matching))]
ReferralAcceptor = Annotated[Caller, Depends(RequirePermission(Permission.referral_accept))]
ReferralDecliner = Annotated[Caller, Depends(RequirePermission(Permission.referral_decline))]
ReferralReinstater = Annotated[Caller, Depends(RequirePermission(Permission.referral_reinstate))]
ReferralDetacher = Annotated[Caller, Depends(RequirePermission(Permission.referral_detach))]
ReferralWithdrawer = Annotated[Caller, Depends(RequirePermission(Permission.referral_withdraw))]

# Children and the people around them
ChildReader = Annotated[Caller, Depends(RequirePermission(Permission.child_read))]
ChildSearcher = Annotated[Caller, Depends(RequirePermission(Permission.child_search))]
ChildHistoryReader = Annotated[Caller, Depends(RequirePermission(Permission.child_history))]
ChildEditor = Annotated[Caller, Depends(RequirePermission(Permission.child_change))]
ChildMerger = Annotated[Caller, Depends(RequirePermission(Permission.child_merge))]
ChildUnmerger = Annotated[Caller, Depends(RequirePermission(Permission.child_unmerge))]
PersonReader = Annotated[Caller, Depends(RequirePermission(Permission.person_read))]
PersonCreator = Annotated[Caller, Depends(RequirePermission(Permission.person_add))]
PersonEditor = Annotated[Caller, Depends(RequirePermission(Permission.person_change))]
ConsentReader = Annotated[Caller, Depends(RequirePermission(Permission.consent_read))]
ConsentRecorder = Annotated[Caller, Depends(RequirePermission(Permission.consent_record))]
ConsentWithdrawer = Annotated[Caller, Depends(RequirePermission(Permission.consent_withdraw))]

# Corrections
ErrorMarker = Annotated[Caller, Depends(RequirePermission(Permission.record_enter_in_error))]

# Cases
CaseReader = Annotated[Caller, Depends(RequirePermission(Permission.case_read))]
CaseLister = Annotated[Caller, Depends(RequirePermission(Permission.case_list))]
CaseEditor = Annotated[Caller, Depends(RequirePermission(Permission.case_change))]
CaseAssigner = Annotated[Caller, Depends(RequirePermission(Permission.case_assign))]
CaseTransferrer = Annotated[Caller, Depends(RequirePermission(Permission.case_transfer))]
CaseBreakGlassUser = Annotated[Caller, Depends(RequirePermission(Permission.case_break_glass, recent=True))]
CaseLinker = Annotated[Caller, Depends(RequirePermission(Permission.case_link))]
CaseTimelineReader = Annotated[Caller, Depends(RequirePermission(Permission.case_timeline))]
CaseFileReader = Annotated[Caller, Depends(RequirePermission(Permission.case_file))]
CaseChartReader = Annotated[Caller, Depends(RequirePermission(Permission.case_picture))]
CaseExtender = Annotated[Caller, Depends(RequirePermission(Permission.case_extend))]
CaseCloser = Annotated[Caller, Depends(RequirePermission(Permission.case_close))]
CaseReopener = Annotated[Caller, Depends(RequirePermission(Permission.case_reopen))]

# Assessments and instruments
AssessmentReader = Annotated[Caller, Depends(RequirePermission(Permission.assessment_read))]
AssessmentEditor = Annotated[Caller, Depends(RequirePermission(Permission.assessment_write))]
AssessmentSubmitter = Annotated[Caller, Depends(RequirePermission(Permission.assessment_submit))]
AssessmentApprover = Annotated[Caller, Depends(RequirePermission(Permission.assessment_decide))]
InstrumentReader = Annotated[Caller, Depends(RequirePermission(Permission.instrument_read))]
InstrumentManager = Annotated[Caller, Depends(RequirePermission(Permission.instrument_manage))]

# Care plans
CarePlanReader = Annotated[Caller, Depends(RequirePermission(Permission.care_plan_read))]
CarePlanEditor = Annotated[Caller, Depends(RequirePermission(Permission.care_plan_write))]
CarePlanSubmitter = Annotated[Caller, Depends(RequirePermission(Permission.care_plan_submit))]
CarePlanApprover = Annotated[Caller, Depends(RequirePermission(Permission.care_plan_decide))]
CarePlanPrinter = Annotated[Caller, Depends(RequirePermission(Permission.care_plan_print))]

# Support
SupportSessionReader = Annotated[Caller, Depends(RequirePermission(Permission.support_session_read))]
SupportSessionRecorder = Annotated[Caller, Depends(RequirePermission(Permission.support_session_record))]
ClinicalNoteReader = Annotated[Caller, Depends(RequirePermission(Permission.clinical_note_read))]
ClinicalNoteSupervisor = Annotated[Caller, Depends(RequirePermission(Permission.clinical_note_hand_over))]
ClinicalNoteEditor = Annotated[Caller, Depends(RequirePermission(Permission.clinical_note_write))]
ProviderReader = Annotated[Caller, Depends(RequirePermission(Permission.provider_read))]
ProviderManager = Annotated[Caller, Depends(RequirePermission(Permission.provider_manage))]
ServiceReferralReader = Annotated[Caller, Depends(RequirePermission(Permission.service_referral_read))]
ServiceReferralCreator = Annotated[Caller, Depends(RequirePermission(Permission.service_referral_make))]
ServiceReferralSender = Annotated[Caller, Depends(RequirePermission(Permission.service_referral_send))]
ServiceReferralOutcomeRecorder = Annotated[
    Caller, Depends(RequirePermission(Permission.service_referral_follow))
]
DocumentReader = Annotated[Caller, Depends(RequirePermission(Permission.document_read))]
DocumentUploader = Annotated[Caller, Depends(RequirePermission(Permission.document_add))]
LegalStepReader = Annotated[Caller, Depends(RequirePermission(Permission.legal_step_read))]
LegalStepRecorder = Annotated[Caller, Depends(RequirePermission(Permission.legal_step_record))]

# Reviews and exit
ReviewReader = Annotated[Caller, Depends(RequirePermission(Permission.review_read))]
ReviewEditor = Annotated[Caller, Depends(RequirePermission(Permission.review_hold))]
FeedbackReader = Annotated[Caller, Depends(RequirePermission(Permission.feedback_read))]
FeedbackRecorder = Annotated[Caller, Depends(RequirePermission(Permission.feedback_record))]
FeedbackErrorMarker = Annotated[Caller, Depends(RequirePermission(Permission.feedback_enter_in_error))]
OutcomeReader = Annotated[Caller, Depends(RequirePermission(Permission.outcome_read))]
ExitPlanReader = Annotated[Caller, Depends(RequirePermission(Permission.exit_plan_read))]
ExitPlanEditor = Annotated[Caller, Depends(RequirePermission(Permission.exit_plan_write))]
ExitPlanApprover = Annotated[Caller, Depends(RequirePermission(Permission.exit_plan_decide))]
FollowUpReader = Annotated[Caller, Depends(RequirePermission(Permission.follow_up_read))]
FollowUpRecorder = Annotated[Caller, Depends(RequirePermission(Permission.follow_up_record))]

# The assistance fund
DonorGrantReader = Annotated[Caller, Depends(RequirePermission(Permission.donor_grant_read))]
DonorGrantManager = Annotated[Caller, Depends(RequirePermission(Permission.donor_grant_manage))]
FundReader = Annotated[Caller, Depends(RequirePermission(Permission.fund_read))]
FundManager = Annotated[Caller, Depends(RequirePermission(Permission.fund_manage))]
FundDepositRecorder = Annotated[Caller, Depends(RequirePermission(Permission.fund_deposit))]
DepositReverser = Annotated[Caller, Depends(RequirePermission(Permission.fund_reverse_deposit))]
FundLedgerReader = Annotated[Caller, Depends(RequirePermission(Permission.fund_ledger))]
FundTransferRequester = Annotated[Caller, Depends(RequirePermission(Permission.fund_ask_transfer))]
FundTransferApprover = Annotated[Caller, Depends(RequirePermission(Permission.fund_decide_transfer))]
FundCloser = Annotated[Caller, Depends(RequirePermission(Permission.fund_close))]
BooksCloser = Annotated[Caller, Depends(RequirePermission(Permission.fund_close_books))]
ApprovalLimitReader = Annotated[Caller, Depends(RequirePermission(Permission.approval_limit_read))]
ApprovalLimitEditor = Annotated[Caller, Depends(RequirePermission(Permission.approval_limit_set))]
ExchangeRateReader = Annotated[Caller, Depends(RequirePermission(Permission.exchange_rate_read))]
ExchangeRateRecorder = Annotated[Caller, Depends(RequirePermission(Permission.exchange_rate_record))]
DisbursementReader = Annotated[Caller, Depends(RequirePermission(Permission.disbursement_read))]
FinanceDocumentReader = Annotated[Caller, Depends(RequirePermission(Permission.disbursement_read_document))]
DisbursementRequester = Annotated[Caller, Depends(RequirePermission(Permission.disbursement_request))]
DisbursementApprover = Annotated[Caller, Depends(RequirePermission(Permission.disbursement_decide))]
DisbursementPayer = Annotated[Caller, Depends(RequirePermission(Permission.disbursement_pay))]
DisbursementReconciler = Annotated[Caller, Depends(RequirePermission(Permission.disbursement_reconcile))]
DisbursementCanceller = Annotated[Caller, Depends(RequirePermission(Permission.disbursement_cancel))]
DisbursementReverser = Annotated[Caller, Depends(RequirePermission(Permission.disbursement_reverse))]

# Outreach activities
OutreachReader = Annotated[Caller, Depends(RequirePermission(Permission.outreach_read))]
OutreachRecorder = Annotated[Caller, Depends(RequirePermission(Permission.outreach_record))]
OutreachErrorMarker = Annotated[Caller, Depends(RequirePermission(Permission.outreach_enter_in_error))]

# The access log
AccessLogReader = Annotated[Caller, Depends(RequirePermission(Permission.access_log_read))]
ChildAccessLogReader = Annotated[Caller, Depends(RequirePermission(Permission.access_log_read_child))]
BreakGlassLogReader = Annotated[Caller, Depends(RequirePermission(Permission.access_log_read_broken_glass))]
AlertReader = Annotated[Caller, Depends(RequirePermission(Permission.alert_read))]
AlertAcknowledger = Annotated[Caller, Depends(RequirePermission(Permission.alert_acknowledge))]

# Reports
ReportViewer = Annotated[Caller, Depends(RequirePermission(Permission.report_read))]
ReportRequester = Annotated[Caller, Depends(RequirePermission(Permission.report_run))]
ReleaseReader = Annotated[Caller, Depends(RequirePermission(Permission.release_read))]
ReleasePreparer = Annotated[Caller, Depends(RequirePermission(Permission.release_prepare))]
ReleasePublisher = Annotated[Caller, Depends(RequirePermission(Permission.release_publish))]
