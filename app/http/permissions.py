"""Guards: one alias for each permission, used as the type of an endpoint's `caller` parameter.

The permission table is `app.access.permissions`. `recent=True` requires a sign-in within the last hour (step-up);
`while_enrolling=True` also admits callers who have not finished setting up their account.
"""

from typing import Annotated

from fastapi import Depends

from app.access.actor import Actor
from app.access.permissions import Permission
from app.http.authorization import Requires

# The caller's own account
AccountOwner = Annotated[Actor, Depends(Requires(Permission.own_account))]
AccountSessionEnder = Annotated[Actor, Depends(Requires(Permission.own_sessions_end))]
PasswordChanger = Annotated[
    Actor, Depends(Requires(Permission.own_password, recent=True, while_enrolling=True))
]
SecondFactorEnroller = Annotated[
    Actor, Depends(Requires(Permission.own_second_factor, recent=True, while_enrolling=True))
]
SecondFactorConfirmer = Annotated[
    Actor, Depends(Requires(Permission.own_second_factor, while_enrolling=True))
]
SecondFactorRemover = Annotated[Actor, Depends(Requires(Permission.own_second_factor, recent=True))]
AgendaReader = Annotated[Actor, Depends(Requires(Permission.agenda_read))]
CalendarFeedCreator = Annotated[Actor, Depends(Requires(Permission.agenda_feed_manage, recent=True))]
CalendarFeedManager = Annotated[Actor, Depends(Requires(Permission.agenda_feed_manage))]

# Administration
UserReader = Annotated[Actor, Depends(Requires(Permission.user_read))]
UserManager = Annotated[Actor, Depends(Requires(Permission.user_manage))]
TeamReader = Annotated[Actor, Depends(Requires(Permission.team_read))]
TeamManager = Annotated[Actor, Depends(Requires(Permission.team_manage))]
AgencyReader = Annotated[Actor, Depends(Requires(Permission.agency_read))]
AgencyManager = Annotated[Actor, Depends(Requires(Permission.agency_manage))]
ApiClientReader = Annotated[Actor, Depends(Requires(Permission.api_client_read))]
ApiClientManager = Annotated[Actor, Depends(Requires(Permission.api_client_manage))]

# Referrals
ReferralCreator = Annotated[Actor, Depends(Requires(Permission.referral_receive))]
ReferralReader = Annotated[Actor, Depends(Requires(Permission.referral_read))]
ReferralLister = Annotated[Actor, Depends(Requires(Permission.referral_list))]
ReferralEditor = Annotated[Actor, Depends(Requires(Permission.referral_complete))]
ReferralAcknowledger = Annotated[Actor, Depends(Requires(Permission.referral_acknowledge))]
ReferralInformationRequester = Annotated[Actor, Depends(Requires(Permission.referral_ask))]
ReferralInformationProvider = Annotated[Actor, Depends(Requires(Permission.referral_answer))]
ReferralMatchReader = Annotated[Actor, Depends(Requires(Permission.referral_match))]
ReferralAcceptor = Annotated[Actor, Depends(Requires(Permission.referral_accept))]
ReferralDecliner = Annotated[Actor, Depends(Requires(Permission.referral_decline))]
ReferralWithdrawer = Annotated[Actor, Depends(Requires(Permission.referral_withdraw))]

# Children and the people around them
ChildReader = Annotated[Actor, Depends(Requires(Permission.child_read))]
ChildSearcher = Annotated[Actor, Depends(Requires(Permission.child_search))]
ChildEditor = Annotated[Actor, Depends(Requires(Permission.child_change))]
PersonReader = Annotated[Actor, Depends(Requires(Permission.person_read))]
PersonCreator = Annotated[Actor, Depends(Requires(Permission.person_add))]
PersonEditor = Annotated[Actor, Depends(Requires(Permission.person_change))]
ConsentReader = Annotated[Actor, Depends(Requires(Permission.consent_read))]
ConsentRecorder = Annotated[Actor, Depends(Requires(Permission.consent_record))]
ConsentWithdrawer = Annotated[Actor, Depends(Requires(Permission.consent_withdraw))]

# Cases
CaseReader = Annotated[Actor, Depends(Requires(Permission.case_read))]
CaseLister = Annotated[Actor, Depends(Requires(Permission.case_list))]
CaseEditor = Annotated[Actor, Depends(Requires(Permission.case_change))]
CaseAssigner = Annotated[Actor, Depends(Requires(Permission.case_assign))]
CaseTransferrer = Annotated[Actor, Depends(Requires(Permission.case_transfer))]
CaseBreakGlassUser = Annotated[Actor, Depends(Requires(Permission.case_break_glass, recent=True))]
CaseLinker = Annotated[Actor, Depends(Requires(Permission.case_link))]
CaseTimelineReader = Annotated[Actor, Depends(Requires(Permission.case_timeline))]
CaseChartReader = Annotated[Actor, Depends(Requires(Permission.case_picture))]
CaseExtender = Annotated[Actor, Depends(Requires(Permission.case_extend))]
CaseCloser = Annotated[Actor, Depends(Requires(Permission.case_close))]
CaseReopener = Annotated[Actor, Depends(Requires(Permission.case_reopen))]

# Assessments and instruments
AssessmentReader = Annotated[Actor, Depends(Requires(Permission.assessment_read))]
AssessmentEditor = Annotated[Actor, Depends(Requires(Permission.assessment_write))]
AssessmentSubmitter = Annotated[Actor, Depends(Requires(Permission.assessment_submit))]
AssessmentApprover = Annotated[Actor, Depends(Requires(Permission.assessment_decide))]
InstrumentReader = Annotated[Actor, Depends(Requires(Permission.instrument_read))]
InstrumentManager = Annotated[Actor, Depends(Requires(Permission.instrument_manage))]

# Care plans
CarePlanReader = Annotated[Actor, Depends(Requires(Permission.care_plan_read))]
CarePlanEditor = Annotated[Actor, Depends(Requires(Permission.care_plan_write))]
CarePlanSubmitter = Annotated[Actor, Depends(Requires(Permission.care_plan_submit))]
CarePlanApprover = Annotated[Actor, Depends(Requires(Permission.care_plan_decide))]
CarePlanPrinter = Annotated[Actor, Depends(Requires(Permission.care_plan_print))]

# Support
SupportSessionReader = Annotated[Actor, Depends(Requires(Permission.support_session_read))]
SupportSessionRecorder = Annotated[Actor, Depends(Requires(Permission.support_session_record))]
ClinicalNoteReader = Annotated[Actor, Depends(Requires(Permission.clinical_note_read))]
ClinicalNoteEditor = Annotated[Actor, Depends(Requires(Permission.clinical_note_write))]
ProviderReader = Annotated[Actor, Depends(Requires(Permission.provider_read))]
ProviderManager = Annotated[Actor, Depends(Requires(Permission.provider_manage))]
ServiceReferralReader = Annotated[Actor, Depends(Requires(Permission.service_referral_read))]
ServiceReferralCreator = Annotated[Actor, Depends(Requires(Permission.service_referral_make))]
ServiceReferralSender = Annotated[Actor, Depends(Requires(Permission.service_referral_send))]
ServiceReferralOutcomeRecorder = Annotated[Actor, Depends(Requires(Permission.service_referral_follow))]
DocumentReader = Annotated[Actor, Depends(Requires(Permission.document_read))]
DocumentUploader = Annotated[Actor, Depends(Requires(Permission.document_add))]
LegalStepReader = Annotated[Actor, Depends(Requires(Permission.legal_step_read))]
LegalStepRecorder = Annotated[Actor, Depends(Requires(Permission.legal_step_record))]

# Reviews and exit
ReviewReader = Annotated[Actor, Depends(Requires(Permission.review_read))]
ReviewEditor = Annotated[Actor, Depends(Requires(Permission.review_hold))]
OutcomeReader = Annotated[Actor, Depends(Requires(Permission.outcome_read))]
ExitPlanReader = Annotated[Actor, Depends(Requires(Permission.exit_plan_read))]
ExitPlanEditor = Annotated[Actor, Depends(Requires(Permission.exit_plan_write))]
ExitPlanApprover = Annotated[Actor, Depends(Requires(Permission.exit_plan_decide))]
FollowUpReader = Annotated[Actor, Depends(Requires(Permission.follow_up_read))]
FollowUpRecorder = Annotated[Actor, Depends(Requires(Permission.follow_up_record))]

# The assistance fund
FundReader = Annotated[Actor, Depends(Requires(Permission.fund_read))]
FundManager = Annotated[Actor, Depends(Requires(Permission.fund_manage))]
FundDepositRecorder = Annotated[Actor, Depends(Requires(Permission.fund_deposit))]
FundLedgerReader = Annotated[Actor, Depends(Requires(Permission.fund_ledger))]
FundTransferRequester = Annotated[Actor, Depends(Requires(Permission.fund_transfer_ask))]
FundTransferApprover = Annotated[Actor, Depends(Requires(Permission.fund_transfer_decide))]
FundCloser = Annotated[Actor, Depends(Requires(Permission.fund_close))]
BooksCloser = Annotated[Actor, Depends(Requires(Permission.books_close))]
ApprovalLimitReader = Annotated[Actor, Depends(Requires(Permission.approval_limit_read))]
ApprovalLimitEditor = Annotated[Actor, Depends(Requires(Permission.approval_limit_set))]
ExchangeRateReader = Annotated[Actor, Depends(Requires(Permission.exchange_rate_read))]
ExchangeRateRecorder = Annotated[Actor, Depends(Requires(Permission.exchange_rate_record))]
DisbursementReader = Annotated[Actor, Depends(Requires(Permission.disbursement_read))]
DisbursementRequester = Annotated[Actor, Depends(Requires(Permission.disbursement_request))]
DisbursementApprover = Annotated[Actor, Depends(Requires(Permission.disbursement_decide))]
DisbursementPayer = Annotated[Actor, Depends(Requires(Permission.disbursement_pay))]
DisbursementReconciler = Annotated[Actor, Depends(Requires(Permission.disbursement_reconcile))]
DisbursementCanceller = Annotated[Actor, Depends(Requires(Permission.disbursement_cancel))]
DisbursementReverser = Annotated[Actor, Depends(Requires(Permission.disbursement_reverse))]

# The access log
AccessLogReader = Annotated[Actor, Depends(Requires(Permission.log_read))]
ChildAccessLogReader = Annotated[Actor, Depends(Requires(Permission.log_read_child))]
BreakGlassLogReader = Annotated[Actor, Depends(Requires(Permission.broken_glass_read))]
