"""The kinds of changes that need the confirmation of a second person."""

from app.kit.pending_changes import ChangeKind
from app.services.accounts.account_changes import PASSWORD_RESET, REACTIVATION, RIGHTS
from app.services.accounts.api_client_changes import API_CLIENT, API_CLIENT_SECRET
from app.services.consents.legal_basis import CONSENT_BASIS
from app.services.fund.approval_limits import APPROVAL_LIMIT
from app.services.fund.exchange_rates import EXCHANGE_RATE
from app.services.fund.payment_dates import PAYMENT_DATE
from app.services.fund.tenders import PAYMENT_RATE

KINDS: dict[str, ChangeKind] = {
    kind.name: kind
    for kind in (
        RIGHTS,
        REACTIVATION,
        PASSWORD_RESET,
        API_CLIENT,
        API_CLIENT_SECRET,
        APPROVAL_LIMIT,
        EXCHANGE_RATE,
        PAYMENT_RATE,
        PAYMENT_DATE,
        CONSENT_BASIS,
    )
}
"""The kinds by name. Each is declared in the package of the records that it changes."""
