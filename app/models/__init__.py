"""Tables. Importing this package registers every one of them."""

from app.models.access_log import AccessEntry, AccessEvent
from app.models.casework import BreakGlass, Case, CaseHistory, CaseLink, CaseWorker
from app.models.circle import Child, Consent, Person
from app.models.idempotency import KeptAnswer
from app.models.intake import NameToken, Referral, ReferralQuestion
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

__all__ = [
    "AccessEntry", "AccessEvent", "Agency", "ApiClient", "ApiClientSecret", "BreakGlass", "Case", "CaseHistory",
    "CaseLink", "CaseNumberSeries", "CaseWorker", "Child", "Consent", "Edition", "KeptAnswer", "NameToken", "Person",
    "Place", "Referral", "ReferralQuestion", "SignIn", "SignInAttempts", "Team", "TeamMember", "UsedAssertion",
    "User",
]  # fmt: skip
