"""Tables. Importing this package registers every one of them."""

from app.models.access_log import AccessEntry, AccessEvent
from app.models.assessments import Assessment, Instrument
from app.models.calendar_feeds import CalendarFeed
from app.models.care_plans import Action, CarePlan, Goal, PlanArea
from app.models.casework import BreakGlass, Case, CaseHistory, CaseLink, CaseWorker
from app.models.circle import Child, Consent, Person
from app.models.disbursements import Disbursement, DisbursementNumberSeries, DisbursementWords
from app.models.documents import Document, DocumentContent
from app.models.exit_plans import ExitPlan, FollowUp
from app.models.funds import ApprovalLimit, ExchangeRate, Fund, FundTransfer
from app.models.idempotency import KeptAnswer
from app.models.intake import NameToken, Referral, ReferralQuestion
from app.models.ledger import BooksClosing, LedgerAccount, LedgerEntry, LedgerTransaction
from app.models.legal_steps import LegalStep
from app.models.organisation import (
    Agency,
    ApiClient,
    ApiClientSecret,
    SignIn,
    SignInAttempts,
    Team,
    TeamMember,
    UsedAssertion,
    User,
)
from app.models.reference import CaseNumberSeries, Edition, Place
from app.models.reviews import Review
from app.models.service_referrals import Provider, ServiceReferral
from app.models.support_sessions import ClinicalNote, SessionAddendum, SupportSession

__all__ = [
    "AccessEntry", "AccessEvent", "Action", "Agency", "ApiClient", "ApiClientSecret", "ApprovalLimit",
    "Assessment", "BooksClosing", "BreakGlass", "CalendarFeed", "CarePlan", "Case", "CaseHistory",
    "CaseLink", "CaseNumberSeries", "CaseWorker", "Child", "ClinicalNote", "Consent", "Disbursement",
    "DisbursementNumberSeries", "DisbursementWords", "Document", "DocumentContent", "Edition",
    "ExchangeRate", "ExitPlan", "FollowUp", "Fund", "FundTransfer", "Goal", "Instrument", "KeptAnswer",
    "LedgerAccount", "LedgerEntry", "LedgerTransaction", "LegalStep", "NameToken", "Person", "Place",
    "PlanArea", "Provider", "Referral", "ReferralQuestion", "Review", "ServiceReferral", "SessionAddendum",
    "SignIn", "SignInAttempts", "SupportSession", "Team", "TeamMember", "UsedAssertion", "User",
]  # fmt: skip
