"""The tables of the database. Importing this package registers all of them with SQLModel."""

from sqlmodel import SQLModel

from app.models.access_log import (
    AccessContext,
    AccessEntry,
    AccessEvent,
    AccessLogScan,
    Alert,
    AlertThresholds,
)
from app.models.accounts import (
    Agency,
    ApiClient,
    ApiClientSecret,
    AuthSession,
    CalendarFeed,
    PendingChange,
    SessionKey,
    SignInThrottle,
    Team,
    TeamMember,
    UsedClientAssertion,
    User,
    UserSetting,
)
from app.models.assessments import Assessment, Instrument
from app.models.care_plans import Action, CarePlan, Goal, PlanArea
from app.models.cases import (
    AssignmentPeriod,
    BreakGlassGrant,
    Case,
    CaseHistoryEntry,
    CaseLink,
    CaseSibling,
    CaseWorker,
    ClinicalHandover,
    StatusPeriod,
)
from app.models.disbursements import Disbursement, DisbursementDetails, DisbursementNumberSeries
from app.models.documents import Document, DocumentContent
from app.models.exit_plans import ExitPlan, FollowUp
from app.models.funds import ApprovalLimit, Deposit, DonorGrant, ExchangeRate, Fund, FundTransfer
from app.models.jobs import IdempotencyRecord, Job, ReportRun, ReportRunContent
from app.models.ledger import BooksClosing, LedgerAccount, LedgerEntry, LedgerTransaction
from app.models.legal_steps import LegalStep
from app.models.matching import MatchingAllowance, ReferralMatching, ReferralMatchReading
from app.models.outreach import (
    OutreachActivity,
    OutreachAttachment,
    OutreachAttachmentContent,
    OutreachChange,
    OutreachParticipants,
)
from app.models.people import Child, ChildMerge, Consent, Person, RecordChange
from app.models.record import add_case_and_child_keys
from app.models.reference import (
    CaseloadStandard,
    CaseNumberSeries,
    ConsentAgeBand,
    KeyCanary,
    Place,
    ReferenceDataVersion,
    Target,
)
from app.models.referrals import NameToken, NameTokenLength, Referral, ReferralQuestion
from app.models.releases import Release, ReleasedTable, ReleasePopulation
from app.models.reviews import Feedback, Review
from app.models.service_referrals import Provider, ServiceReferral
from app.models.supervision import SupervisionAction, SupervisionMeeting, SupervisionNotes
from app.models.support_sessions import ClinicalNote, SessionAddendum, SupportSession

__all__ = [
    "AccessContext",
    "AccessEntry",
    "AccessEvent",
    "AccessLogScan",
    "Action",
    "Agency",
    "Alert",
    "AlertThresholds",
    "ApiClient",
    "ApiClientSecret",
    "ApprovalLimit",
    "Assessment",
    "AssignmentPeriod",
    "AuthSession",
    "BooksClosing",
    "BreakGlassGrant",
    "CalendarFeed",
    "CarePlan",
    "Case",
    "CaseHistoryEntry",
    "CaseLink",
    "CaseNumberSeries",
    "CaseSibling",
    "CaseWorker",
    "CaseloadStandard",
    "Child",
    "ChildMerge",
    "ClinicalHandover",
    "ClinicalNote",
    "Consent",
    "ConsentAgeBand",
    "Deposit",
    "Disbursement",
    "DisbursementDetails",
    "DisbursementNumberSeries",
    "Document",
    "DocumentContent",
    "DonorGrant",
    "ExchangeRate",
    "ExitPlan",
    "Feedback",
    "FollowUp",
    "Fund",
    "FundTransfer",
    "Goal",
    "IdempotencyRecord",
    "Instrument",
    "Job",
    "KeyCanary",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerTransaction",
    "LegalStep",
    "MatchingAllowance",
    "NameToken",
    "NameTokenLength",
    "OutreachActivity",
    "OutreachAttachment",
    "OutreachAttachmentContent",
    "OutreachChange",
    "OutreachParticipants",
    "PendingChange",
    "Person",
    "Place",
    "PlanArea",
    "Provider",
    "RecordChange",
    "ReferenceDataVersion",
    "Referral",
    "ReferralMatchReading",
    "ReferralMatching",
    "ReferralQuestion",
    "Release",
    "ReleasePopulation",
    "ReleasedTable",
    "ReportRun",
    "ReportRunContent",
    "Review",
    "ServiceReferral",
    "SessionAddendum",
    "SessionKey",
    "SignInThrottle",
    "StatusPeriod",
    "SupervisionAction",
    "SupervisionMeeting",
    "SupervisionNotes",
    "SupportSession",
    "Target",
    "Team",
    "TeamMember",
    "UsedClientAssertion",
    "User",
    "UserSetting",
]  # fmt: skip

add_case_and_child_keys(SQLModel.metadata)
