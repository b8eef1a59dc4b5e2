"""Guards: one alias for each permission, used as the type of an endpoint's `caller` parameter.

The permission table is `app.access.permissions`. `recent=True` requires a sign-in within the last hour (step-up);
`while_enrolling=True` also admits callers who have not finished setting up their account.
"""

from typing import Annotated

from fastapi import Depends

from app.access.caller import Caller
from app.access.permissions import Permission
from app.http.authorization import Requires

# The caller's own account
AccountOwner = Annotated[Caller, Depends(Requires(Permission.account_own))]
AccountSessionEnder = Annotated[Caller, Depends(Requires(Permission.account_end_session))]
PasswordChanger = Annotated[
    Caller, Depends(Requires(Permission.account_change_password, recent=True, while_enrolling=True))
]
SecondFactorEnroller = Annotated[
    Caller, Depends(Requires(Permission.account_second_factor, recent=True, while_enrolling=True))
]
SecondFactorConfirmer = Annotated[
    Caller, Depends(Requires(Permission.account_second_factor, while_enrolling=True))
]
SecondFactorRemover = Annotated[Caller, Depends(Requires(Permission.account_second_factor, recent=True))]
AgendaReader = Annotated[Caller, Depends(Requires(Permission.agenda_read))]
CalendarFeedCreator = Annotated[Caller, Depends(Requires(Permission.agenda_feed_manage, recent=True))]
CalendarFeedManager = Annotated[Caller, Depends(Requires(Permission.agenda_feed_manage))]

# Administration
UserReader = Annotated[Caller, Depends(Requires(Permission.user_read))]
UserManager = Annotated[Caller, Depends(Requires(Permission.user_manage))]
TeamReader = Annotated[Caller, Depends(Requires(Permission.team_read))]
TeamManager = Annotated[Caller, Depends(Requires(Permission.team_manage))]
AgencyReader = Annotated[Caller, Depends(Requires(Permission.agency_read))]
AgencyManager = Annotated[Caller, Depends(Requires(Permission.agency_manage))]
ApiClientReader = Annotated[Caller, Depends(Requires(Permission.api_client_read))]
ApiClientManager = Annotated[Caller, Depends(Requires(Permission.api_client_manage))]

# Referrals
ReferralCreator = Annotated[Caller, Depends(Requires(Permission.referral_receive))]
ReferralReader = Annotated[Caller, Depends(Requires(Permission.referral_read))]
ReferralLister = Annotated[Caller, Depends(Requires(Permission.referral_list))]
ReferralEditor = Annotated[Caller, Depends(Requires(Permission.referral_complete))]
ReferralAcknowledger = Annotated[Caller, Depends(Requires(Permission.referral_acknowledge))]
ReferralInformationRequester = Annotated[Caller, Depends(Requires(Permission.referral_request_information))]
ReferralInformationProvider = Annotated[Caller, Depends(Requires(Permission.referral_provide_information))]
ReferralMatchReader = Annotated[Caller, Depends(Requires(Permission.referral_match))]
ReferralAcceptor = Annotated[Caller, Depends(Requires(Permission.referral_accept))]
ReferralDecliner = Annotated[Caller, Depends(Requires(Permission.referral_decline))]
ReferralWithdrawer = Annotated[Caller, Depends(Requires(Permission.referral_withdraw))]

# Children and the people around them
ChildReader = Annotated[Caller, Depends(Requires(Permission.child_read))]
ChildSearcher = Annotated[Caller, Depends(Requires(Permission.child_search))]
ChildEditor = Annotated[Caller, Depends(Requires(Permission.child_change))]
PersonReader = Annotated[Caller, Depends(Requires(Permission.person_read))]
PersonCreator = Annotated[Caller, Depends(Requires(Permission.person_add))]
PersonEditor = Annotated[Caller, Depends(Requires(Permission.person_change))]
ConsentReader = Annotated[Caller, Depends(Requires(Permission.consent_read))]
ConsentRecorder = Annotated[Caller, Depends(Requires(Permission.consent_record))]
ConsentWithdrawer = Annotated[Caller, Depends(Requires(Permission.consent_withdraw))]

# Cases
CaseReader = Annotated[Caller, Depends(Requires(Permission.case_read))]
CaseLister = Annotated[Caller, Depends(Requires(Permission.case_list))]
CaseEditor = Annotated[Caller, Depends(Requires(Permission.case_change))]
CaseAssigner = Annotated[Caller, Depends(Requires(Permission.case_assign))]
CaseTransferrer = Annotated[Caller, Depends(Requires(Permission.case_transfer))]
CaseBreakGlassUser = Annotated[Caller, Depends(Requires(Permission.case_break_glass, recent=True))]
CaseLinker = Annotated[Caller, Depends(Requires(Permission.case_link))]
CaseTimelineReader = Annotated[Caller, Depends(Requires(Permission.case_timeline))]
CaseChartReader = Annotated[Caller, Depends(Requires(Permission.case_picture))]
CaseExtender = Annotated[Caller, Depends(Requires(Permission.case_extend))]
CaseCloser = Annotated[Caller, Depends(Requires(Permission.case_close))]
CaseReopener = Annotated[Caller, Depends(Requires(Permission.case_reopen))]

# Assessments and instruments
AssessmentReader = Annotated[Caller, Depends(Requires(Permission.assessment_read))]
AssessmentEditor = Annotated[Caller, Depends(Requires(Permission.assessment_write))]
AssessmentSubmitter = Annotated[Caller, Depends(Requires(Permission.assessment_submit))]
AssessmentApprover = Annotated[Caller, Depends(Requires(Permission.assessment_decide))]
InstrumentReader = Annotated[Caller, Depends(Requires(Permission.instrument_read))]
InstrumentManager = Annotated[Caller, Depends(Requires(Permission.instrument_manage))]

# Care plans
CarePlanReader = Annotated[Caller, Depends(Requires(Permission.care_plan_read))]
CarePlanEditor = Annotated[Caller, Depends(Requires(Permission.care_plan_write))]
CarePlanSubmitter = Annotated[Caller, Depends(Requires(Permission.care_plan_submit))]
CarePlanApprover = Annotated[Caller, Depends(Requires(Permission.care_plan_decide))]
CarePlanPrinter = Annotated[Caller, Depends(Requires(Permission.care_plan_print))]

# Support
SupportSessionReader = Annotated[Caller, Depends(Requires(Permission.support_session_read))]
SupportSessionRecorder = Annotated[Caller, Depends(Requires(Permission.support_session_record))]
ClinicalNoteReader = Annotated[Caller, Depends(Requires(Permission.clinical_note_read))]
ClinicalNoteEditor = Annotated[Caller, Depends(Requires(Permission.clinical_note_write))]
ProviderReader = Annotated[Caller, Depends(Requires(Permission.provider_read))]
ProviderManager = Annotated[Caller, Depends(Requires(Permission.provider_manage))]
ServiceReferralReader = Annotated[Caller, Depends(Requires(Permission.service_referral_read))]
ServiceReferralCreator = Annotated[Caller, Depends(Requires(Permission.service_referral_make))]
ServiceReferralSender = Annotated[Caller, Depends(Requires(Permission.service_referral_send))]
ServiceReferralOutcomeRecorder = Annotated[Caller, Depends(Requires(Permission.service_referral_follow))]
DocumentReader = Annotated[Caller, Depends(Requires(Permission.document_read))]
DocumentUploader = Annotated[Caller, Depends(Requires(Permission.document_add))]
LegalStepReader = Annotated[Caller, Depends(Requires(Permission.legal_step_read))]
LegalStepRecorder = Annotated[Caller, Depends(Requires(Permission.legal_step_record))]

# Reviews and exit
ReviewReader = Annotated[Caller, Depends(Requires(Permission.review_read))]
ReviewEditor = Annotated[Caller, Depends(Requires(Permission.review_hold))]
OutcomeReader = Annotated[Caller, Depends(Requires(Permission.outcome_read))]
ExitPlanReader = Annotated[Caller, Depends(Requires(Permission.exit_plan_read))]
ExitPlanEditor = Annotated[Caller, Depends(Requires(Permission.exit_plan_write))]
ExitPlanApprover = Annotated[Caller, Depends(Requires(Permission.exit_plan_decide))]
FollowUpReader = Annotated[Caller, Depends(Requires(Permission.follow_up_read))]
FollowUpRecorder = Annotated[Caller, Depends(Requires(Permission.follow_up_record))]

# The assistance fund
FundReader = Annotated[Caller, Depends(Requires(Permission.fund_read))]
FundManager = Annotated[Caller, Depends(Requires(Permission.fund_manage))]
FundDepositRecorder = Annotated[Caller, Depends(Requires(Permission.fund_deposit))]
FundLedgerReader = Annotated[Caller, Depends(Requires(Permission.fund_ledger))]
FundTransferRequester = Annotated[Caller, Depends(Requires(Permission.fund_ask_transfer))]
FundTransferApprover = Annotated[Caller, Depends(Requires(Permission.fund_decide_transfer))]
FundCloser = Annotated[Caller, Depends(Requires(Permission.fund_close))]
BooksCloser = Annotated[Caller, Depends(Requires(Permission.fund_close_books))]
ApprovalLimitReader = Annotated[Caller, Depends(Requires(Permission.approval_limit_read))]
ApprovalLimitEditor = Annotated[Caller, Depends(Requires(Permission.approval_limit_set))]
ExchangeRateReader = Annotated[Caller, Depends(Requires(Permission.exchange_rate_read))]
ExchangeRateRecorder = Annotated[Caller, Depends(Requires(Permission.exchange_rate_record))]
DisbursementReader = Annotated[Caller, Depends(Requires(Permission.disbursement_read))]
DisbursementRequester = Annotated[Caller, Depends(Requires(Permission.disbursement_request))]
DisbursementApprover = Annotated[Caller, Depends(Requires(Permission.disbursement_decide))]
DisbursementPayer = Annotated[Caller, Depends(Requires(Permission.disbursement_pay))]
DisbursementReconciler = Annotated[Caller, Depends(Requires(Permission.disbursement_reconcile))]
DisbursementCanceller = Annotated[Caller, Depends(Requires(Permission.disbursement_cancel))]
DisbursementReverser = Annotated[Caller, Depends(Requires(Permission.disbursement_reverse))]

# The access log
AccessLogReader = Annotated[Caller, Depends(Requires(Permission.access_log_read))]
ChildAccessLogReader = Annotated[Caller, Depends(Requires(Permission.access_log_read_child))]
BreakGlassLogReader = Annotated[Caller, Depends(Requires(Permission.access_log_read_broken_glass))]
