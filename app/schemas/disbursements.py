"""Disbursements on the wire: what is asked for a child or family, and what became of it."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.funds import BudgetLine, Category
from app.schemas.money import Amount, Currency, Money, NonNegativeMoney, PositiveMoney, Rate
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Output,
    PageQuery,
    PlainDate,
    ShortNarrative,
    ShortText,
    UtcDateTime,
    Versioned,
)

Beneficiary = Annotated[str, CodeOf("beneficiary")]
Area = Annotated[str, CodeOf("area")]
Status = Annotated[str, CodeOf("disbursement_status")]


class DisbursementCreate(Input):
    """A request for money; the client may choose the id."""

    id: ClientChosenId | None = None
    case_id: Id
    beneficiary: Beneficiary
    category: Category
    amount: PositiveMoney = Field(description="Of each month, where there are several.")
    purpose: ShortNarrative
    area: Area
    goal_id: Id | None = None
    other_support_sought: ShortNarrative
    urgency: Annotated[str, CodeOf("urgency")] = "routine"
    payee: ShortText | None = None
    months: Annotated[int, Field(strict=True, ge=1, le=12)] = 1
    starts_on: PlainDate | None = None


class DisbursementFilters(PageQuery):
    """Which disbursements."""

    case_id: Id | None = None
    status: Status | None = None
    fund_id: Id | None = None
    category: Category | None = None
    urgency: Annotated[str, CodeOf("urgency")] | None = None
    series_id: Id | None = Field(None, description="The months of one recurring request.")
    approval_overdue: Annotated[
        bool | None,
        Field(
            description="Those paid first in an emergency that nobody approved in time (true), or all others."
        ),
    ] = None


class DisbursementApproval(Input):
    """Which fund pays."""

    fund_id: Id


class DisbursementRejection(Input):
    """Why a request is not approved."""

    reason: ShortNarrative


class DisbursementCancellation(Input):
    """Why it is not needed any more."""

    reason: ShortNarrative | None = None


class DisbursementReversal(Input):
    """Why the money came back. No word of the child: this is read by the finance officer."""

    reason: ShortNarrative


class TenderCreate(Input):
    """Notes of one currency that were handed over, or transferred."""

    amount: Amount
    currency: Currency
    rate: Rate | None = None


class DisbursementPayment(Input):
    """How, when and to whom it was paid."""

    method: Annotated[str, CodeOf("payment_method")]
    paid_on: PlainDate
    payee: ShortText
    tenders: Annotated[list[TenderCreate], Field(min_length=1, max_length=10)]
    acknowledgement_document_id: Id | None = None
    fund_id: Id | None = None


class DisbursementReconciliation(Input):
    """What was really spent, and the receipts that show it."""

    spent: NonNegativeMoney
    receipt_document_ids: Annotated[list[Id], Field(max_length=50)]


class Tender(Output):
    """Notes of one currency, and what they were worth in the currency of the request."""

    amount: Money
    rate: str | None
    rate_on: date | None = Field(description="The day the rate is of; null where no rate was needed.")
    rate_source: str | None
    worth: Money


class Disbursement(Versioned):
    """A request for money, and what became of it. Who does not see the case reads null in what tells of the child."""

    collection: ClassVar[str | None] = "disbursements"

    number: str
    case_id: UUID
    case_number: str
    child_id: UUID | None
    beneficiary: Beneficiary
    category: Category
    amount: Money
    urgency: Annotated[str, CodeOf("urgency")]
    status: Status
    purpose: str | None
    area: Area | None
    goal_id: UUID | None
    other_support_sought: str | None
    reason: str | None
    series_id: UUID | None
    instalment: int
    instalments: int
    release_on: date
    fund_id: UUID | None
    line: BudgetLine | None
    requested_by_id: UUID
    approved_by_id: UUID | None
    approved_at: UtcDateTime | None
    approval_due_on: date | None
    approval_overdue: bool
    payee: str | None
    method: Annotated[str, CodeOf("payment_method")] | None
    paid_on: date | None
    paid_by_id: UUID | None
    paid_at: UtcDateTime | None
    tenders: list[Tender]
    acknowledgement_document_id: UUID | None
    spent: Money | None
    receipt_document_ids: list[UUID]
    reconciled_by_id: UUID | None
    reconciled_at: UtcDateTime | None
    ended_by_id: UUID | None
    ended_at: UtcDateTime | None
    reversal_reason: str | None
    created_at: UtcDateTime
    updated_at: UtcDateTime


class UnreceiptedMoneyGroup(Output):
    """Money that a worker asked for, that was paid, and that nobody has accounted for yet."""

    worker_id: UUID
    worker_name: str
    age: Annotated[str, CodeOf("unreceipted_age")]
    count: int
    amount: Money


class UnreceiptedMoney(Output):
    """Money without receipts, by age and worker."""

    on: date
    items: list[UnreceiptedMoneyGroup]
