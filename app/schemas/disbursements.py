"""Schemas of disbursements: requests for money for a child or family, and their payments."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from app.schemas.cases import CaseChild
from app.schemas.codes import CodeOf
from app.schemas.dates import PastDate, PlanDate
from app.schemas.funds import BudgetLine, Category
from app.schemas.money import Amount, Currency, Money, NonNegativeMoney, PositiveMoney, Rate
from app.schemas.references import FundRef, StaffRef
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Output,
    ShortNarrative,
    ShortText,
    UtcDateTime,
    Versioned,
)

Beneficiary = Annotated[str, CodeOf("beneficiary")]
Area = Annotated[str, CodeOf("area")]
DisbursementStatus = Annotated[str, CodeOf("disbursement_status")]
PaymentMethod = Annotated[str, CodeOf("payment_method")]
Urgency = Annotated[str, CodeOf("urgency")]


class DisbursementCreate(Input):
    """A new request for money."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    case_id: Id = Field(description="Id of the case.")
    beneficiary: Beneficiary = Field(
        description="Beneficiary of the money: `child`, `supporter` or `family`."
    )
    category: Category = Field(
        description="Category of the need. Some categories are available only for the child, others only for "
        "supporter and family."
    )
    amount: PositiveMoney = Field(description="Amount of one instalment, or of the single payment.")
    purpose: ShortNarrative = Field(description="Purpose of the money.")
    area: Area = Field(description="Area of the care plan that the money serves.")
    goal_id: Id | None = Field(None, description="Id of the goal of the care plan that the money serves.")
    other_support_sought: ShortNarrative = Field(
        description="Support from other sources that was sought before this request."
    )
    urgency: Urgency = Field(
        "routine",
        description="Urgency of the request. Only an `emergency` can be paid before the approval; it is a single "
        "payment for today.",
    )
    payee: ShortText | None = Field(
        None, description="Name of the payee; if given, the money is paid to this payee only."
    )
    months: Annotated[int, Field(strict=True, ge=1, le=12)] = Field(
        1, description="Number of monthly instalments; 1 for a single payment."
    )
    starts_on: PlanDate | None = Field(
        None, description="First release date, at most twelve months ahead; today if null."
    )


class DisbursementApproval(Input):
    """The approval of a request."""

    fund_id: Id = Field(description="Id of the fund that pays.")


class DisbursementRejection(Input):
    """The rejection of a request."""

    reason: ShortNarrative = Field(description="Reason for the rejection.")


class DisbursementCancellation(Input):
    """The cancellation of a request."""

    reason: ShortNarrative | None = Field(None, description="Reason for the cancellation.")


class DisbursementReversal(Input):
    """The reversal of a payment."""

    reason: ShortNarrative = Field(
        description="Reason for the reversal. It must contain nothing about the child: finance officers can read it."
    )


class PaymentRateCreate(Input):
    """A rate for one payment that differs by more than 5 % from the published or the last confirmed rate."""

    rate: Rate = Field(description="Riel for one US dollar.")


class PaymentDateCreate(Input):
    """A day of one payment that is more than 7 days in the past."""

    paid_on: PastDate = Field(description="Day of the payment, between the request date and today.")


class TenderCreate(Input):
    """A part of a payment in one currency."""

    amount: Amount = Field(description="Amount that was handed over or transferred.")
    currency: Currency = Field(description="Currency of the amount.")
    rate: Rate | None = Field(
        None,
        description="Riel for one US dollar; null for the published rate. A rate more than 5 % from the published or the last "
        "confirmed one must be confirmed by a second person before the payment, see `request-rate`. Ignored if `currency` is the currency of "
        "the request.",
    )


class DisbursementPayment(Input):
    """The payment of a request."""

    method: PaymentMethod = Field(description="Method of payment.")
    paid_on: PastDate = Field(
        description="Day of the payment, between the approval (for an emergency, the request) and today. A second person "
        "must first confirm a day that is more than 7 days in the past (see `request-payment-date`). The books of the day "
        "must be open."
    )
    payee: ShortText = Field(description="Name of the payee.")
    tenders: Annotated[list[TenderCreate], Field(min_length=1, max_length=10)] = Field(
        description="Parts of the payment. Their sum must equal the amount of the request. In cash it can differ by up to 100 "
        "riel if notes of 100 riel cannot make up the amount."
    )
    acknowledgement_document_id: Id | None = Field(
        None,
        description="Id of the document that proves the payment: a document of the case of the kind `receipt` or "
        "`acknowledgement`, whose amount covers the payment.",
    )
    fund_id: Id | None = Field(
        None, description="Id of the fund. Required only for an emergency payment before the approval."
    )


class DisbursementReconciliation(Input):
    """The reconciliation of a payment."""

    spent: NonNegativeMoney = Field(
        description="Spent amount, at most the paid amount, in the currency of the request."
    )
    receipt_document_ids: Annotated[list[Id], Field(max_length=50)] = Field(
        description="Ids of the documents of the case of the kinds `receipt` and `acknowledgement`. Required unless "
        "`spent` is 0. A receipt proves one payment. Each must have an amount, and their sum must cover `spent`."
    )


class FinanceDocumentsUpdate(Input):
    """The documents of a disbursement that finance officers can read. They replace the documents of an earlier request."""

    document_ids: Annotated[list[Id], Field(max_length=50)] = Field(
        description="Ids of documents of the case of the tier `case` and the kinds `receipt`, `quotation` and "
        "`acknowledgement`. Empty to hide all documents again."
    )
    shows_no_name_or_diagnosis: Literal[True] = Field(
        description="Confirmation that no document shows the name of a child or family member, or a diagnosis. If one does, "
        "add a copy on which they cannot be read (`about` the original document), and name the copy here."
    )


class FinanceDocument(Output):
    """A document that finance officers can read."""

    id: UUID = Field(description="Id of the document.")
    kind: Annotated[str, CodeOf("document_kind")] = Field(description="Kind of the document.")
    media_type: str = Field(description="Media type, detected from the content.")
    size: int = Field(description="Size of the file in bytes.")
    amount: Money | None = Field(description="Amount on the document; null if it was not given.")


class Tender(Output):
    """A part of a payment in one currency, with its worth in the currency of the request."""

    amount: Money = Field(description="Amount that was handed over or transferred.")
    rate: str | None = Field(description="Riel for one US dollar; null if no conversion was needed.")
    rate_on: date | None = Field(description="Day of the rate; null if no conversion was needed.")
    rate_source: str | None = Field(
        description="Source of the rate, or `payment` for a rate given with the payment; null if no conversion was "
        "needed."
    )
    worth: Money = Field(description="Amount converted to the currency of the request.")


class Disbursement(Versioned):
    """A request for money and its payment. Fields with details of the child are null unless the caller can see the case."""

    collection: ClassVar[str | None] = "disbursements"

    number: str = Field(description="Number of the request, for example `A-2027-00042`.")
    case_id: UUID = Field(description="Id of the case.")
    case_number: str = Field(description="Number of the case.")
    child_id: UUID | None = Field(description="Id of the child; null unless the caller can see the case.")
    child: CaseChild | None = Field(description="The child; null unless the caller can see the case.")
    beneficiary: Beneficiary = Field(
        description="Beneficiary of the money: `child`, `supporter` or `family`."
    )
    category: Category = Field(description="Category of the need.")
    amount: Money = Field(description="Amount of this instalment.")
    urgency: Urgency = Field(description="Urgency of the request.")
    status: DisbursementStatus = Field(description="Life-cycle status of the disbursement.")
    purpose: str | None = Field(description="Purpose of the money; null unless the caller can see the case.")
    area: Area | None = Field(description="Area of the care plan; null unless the caller can see the case.")
    goal_id: UUID | None = Field(
        description="Id of the goal of the care plan; null unless the caller can see the case."
    )
    other_support_sought: str | None = Field(
        description="Support sought from other sources; null unless the caller can see the case."
    )
    reason: str | None = Field(
        description="Reason for the rejection or cancellation; null unless the caller can see the case."
    )
    series_id: UUID | None = Field(
        description="Id that the instalments of a recurring request share; null for a single payment."
    )
    instalment: int = Field(description="Number of this instalment, from 1.")
    instalments: int = Field(description="Number of instalments of the request.")
    release_on: date = Field(description="Day from which the instalment can be paid.")
    fund_id: UUID | None = Field(description="Id of the fund that pays; null before the approval.")
    fund: FundRef | None = Field(description="The fund that pays; null before the approval.")
    line: BudgetLine | None = Field(description="Budget line that pays; null before the approval.")
    requested_by_id: UUID = Field(description="Id of the requester.")
    requested_by: StaffRef = Field(description="The requester.")
    approved_by_id: UUID | None = Field(description="Id of the approver; never the requester.")
    approved_by: StaffRef | None = Field(description="The approver; null before the approval.")
    approved_at: UtcDateTime | None = Field(description="Time of the approval.")
    approval_due_on: date | None = Field(
        description="Day by which an emergency payment must be approved; otherwise null."
    )
    approval_overdue: bool = Field(
        description="Whether an emergency payment was not approved by `approval_due_on`."
    )
    payee: str | None = Field(description="Name of the payee; null if the request names none.")
    method: PaymentMethod | None = Field(description="Method of payment; null before the payment.")
    paid_on: date | None = Field(description="Day of the payment; null before the payment.")
    paid_by_id: UUID | None = Field(
        description="Id of the person who recorded the payment; neither the requester nor the approver."
    )
    paid_by: StaffRef | None = Field(description="The person who recorded the payment.")
    paid_at: UtcDateTime | None = Field(description="Time at which the payment was recorded.")
    tenders: list[Tender] = Field(description="Parts of the payment; empty before the payment.")
    rounding: Money | None = Field(
        description="Paid amount minus requested amount, for a payment in cash whose amount cannot be paid in whole notes. "
        "Null before the payment."
    )
    acknowledgement_document_id: UUID | None = Field(
        description="Id of the document that proves the payment; null if there is none."
    )
    spent: Money | None = Field(description="Spent amount; null before the reconciliation.")
    receipt_document_ids: list[UUID] = Field(
        description="Ids of the documents that prove `spent`; empty before the reconciliation."
    )
    finance_documents: list[FinanceDocument] = Field(
        description="Receipts, quotations and acknowledgements that finance officers can read. Staff of the case have "
        "confirmed that they show no name and no diagnosis."
    )
    reconciled_by_id: UUID | None = Field(description="Id of the person who reconciled the payment.")
    reconciled_by: StaffRef | None = Field(description="The person who reconciled the payment.")
    reconciled_at: UtcDateTime | None = Field(description="Time of the reconciliation.")
    ended_by_id: UUID | None = Field(
        description="Id of the person who rejected, cancelled or reversed the disbursement."
    )
    ended_by: StaffRef | None = Field(
        description="The person who rejected, cancelled or reversed the disbursement."
    )
    ended_at: UtcDateTime | None = Field(description="Time of the rejection, cancellation or reversal.")
    reversal_reason: str | None = Field(description="Reason for the reversal.")
    created_at: UtcDateTime = Field(description="Time of the request.")
    updated_at: UtcDateTime = Field(description="Time of the last act, for example the payment.")


class UnreceiptedMoneyGroup(Output):
    """The payments without receipts of one requesting worker, age and currency."""

    worker_id: UUID = Field(description="Id of the worker who requested the payments.")
    worker: StaffRef = Field(description="The worker who requested the payments.")
    age: Annotated[str, CodeOf("unreceipted_age")] = Field(
        description="Age of the payments, as a range of days since `paid_on`."
    )
    count: int = Field(description="Number of payments in the group.")
    amount: Money = Field(description="Sum of the payments in the group.")


class UnreceiptedMoney(Output):
    """Sums of the payments without receipts, by requesting worker, age and currency."""

    on: date = Field(description="Day from which the age of the payments is counted: today.")
    items: list[UnreceiptedMoneyGroup] = Field(
        description="Groups of payments; the group with the oldest payment comes first."
    )
