"""The tables of the database. Importing this package registers all of them with SQLModel."""

from app.models.access_log import AccessContext, AccessEntry, AccessEvent
from app.models.accounts import (
    Agency,
    ApiClient,
    ApiClientSecret,
    AuthSession,
    SignInThrottle,
    Team,
    TeamMember,
    UsedClientAssertion,
    User,
)
from app.models.assessments import Assessment, Instrument
from app.models.calendar_feeds import CalendarFeed
from app.models.care_plans import Action, CarePlan, Goal, PlanArea
from app.models.cases import BreakGlassGrant, Case, CaseHistoryEntry, CaseLink, CaseWorker
from app.models.disbursements import Disbursement, DisbursementDetails, DisbursementNumberSeries
from app.models.documents import Document, DocumentContent
from app.models.exit_plans import ExitPlan, FollowUp
from app.models.funds import ApprovalLimit, ExchangeRate, Fund, FundTransfer
from app.models.idempotency import IdempotencyRecord
from app.models.ledger import BooksClosing, LedgerAccount, LedgerEntry, LedgerTransaction
from app.models.legal_steps import LegalStep
from app.models.people import Child, Consent, Person
from app.models.reference import CaseNumberSeries, Place, ReferenceDataVersion
from app.models.referrals import NameToken, NameTokenLength, Referral, ReferralQuestion
from app.models.reviews import Review
from app.models.service_referrals import Provider, ServiceReferral
from app.models.support_sessions import ClinicalNote, SessionAddendum, SupportSession

__all__ = [
    "AccessContext",
    "AccessEntry",
    "AccessEvent",
    "Action",
    "Agency",
    "ApiClient",
    "ApiClientSecret",
    "ApprovalLimit",
    "Assessment",
    "AuthSession",
    "BooksClosing",
    "BreakGlassGrant",
    "CalendarFeed",
    "CarePlan",
    "Case",
    "CaseHistoryEntry",
    "CaseLink",
    "CaseNumberSeries",
    "CaseWorker",
    "Child",
    "ClinicalNote",
    "Consent",
    "Disbursement",
    "DisbursementDetails",
    "DisbursementNumberSeries",
    "Document",
    "DocumentContent",
    "ExchangeRate",
    "ExitPlan",
    "FollowUp",
    "Fund",
    "FundTransfer",
    "Goal",
    "IdempotencyRecord",
    "Instrument",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerTransaction",
    "LegalStep",
    "NameToken",
    "NameTokenLength",
    "Person",
    "Place",
    "PlanArea",
    "Provider",
    "ReferenceDataVersion",
    "Referral",
    "ReferralQuestion",
    "Review",
    "ServiceReferral",
    "SessionAddendum",
    "SignInThrottle",
    "SupportSession",
    "Team",
    "TeamMember",
    "UsedClientAssertion",
    "User",
]  # fmt: skip
