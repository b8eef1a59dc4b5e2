"""Schemas of the list of disbursements: its filters, its orders and its pages."""

from typing import Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from app.schemas.dates import FilterDate
from app.schemas.disbursements import Beneficiary, Disbursement, DisbursementStatus, Urgency
from app.schemas.funds import Category
from app.schemas.money import Currency
from app.schemas.wire import (
    CommaSeparated,
    CountedPage,
    CountedPageQuery,
    Id,
    QueryBoolean,
    SearchText,
)

DisbursementSort = TypeAliasType(
    "DisbursementSort",
    Literal["created_at", "-created_at", "updated_at", "-updated_at", "amount", "-amount"],
)
"""Order of the list of disbursements."""
DisbursementAwaiting = TypeAliasType("DisbursementAwaiting", Literal["me"])
"""The person whose next act a disbursement awaits."""


class DisbursementFilters(CountedPageQuery):
    """Query parameters of the list of disbursements."""

    q: SearchText | None = Field(
        None,
        description="Only disbursements with this number, or of the case with this number, in any notation and also "
        "without the year. The list is then sorted by number.",
    )
    sort: DisbursementSort = Field(
        "-created_at",
        description="Order of the list; a minus sign means descending. `amount` compares cents and whole riel, so "
        "combine it with `currency`. Excludes `q`.",
    )
    awaiting: DisbursementAwaiting | None = Field(
        None,
        description="Only disbursements that the caller can approve, pay or reconcile next, according to roles, teams, "
        "limits and separation of duties. A recurring request appears once until it is decided. Whether the fund and "
        "the receipts suffice is checked by the act.",
    )
    status: CommaSeparated[DisbursementStatus] | None = Field(
        None, description="Only disbursements with one of these statuses, separated by commas."
    )
    case_id: Id | None = Field(None, description="Only disbursements of this case.")
    fund_id: CommaSeparated[Id] | None = Field(
        None, description="Only disbursements from one of these funds, separated by commas."
    )
    category: CommaSeparated[Category] | None = Field(
        None, description="Only disbursements of one of these categories, separated by commas."
    )
    beneficiary: CommaSeparated[Beneficiary] | None = Field(
        None, description="Only disbursements for one of these beneficiaries, separated by commas."
    )
    urgency: CommaSeparated[Urgency] | None = Field(
        None, description="Only disbursements with one of these urgencies, separated by commas."
    )
    currency: Currency | None = Field(None, description="Only disbursements in this currency.")
    requested_by_id: CommaSeparated[Id] | None = Field(
        None, description="Only disbursements of one of these requesters, separated by commas."
    )
    requested_from: FilterDate | None = Field(
        None, description="Only disbursements requested on or after this date, in Cambodia."
    )
    requested_to: FilterDate | None = Field(
        None, description="Only disbursements requested on or before this date, in Cambodia."
    )
    series_id: Id | None = Field(
        None, description="Only the instalments of the recurring request with this `series_id`."
    )
    approval_overdue: QueryBoolean | None = Field(
        None,
        description="Only emergency payments that were not approved in time (`true`), or all other disbursements "
        "(`false`).",
    )


class DisbursementList(CountedPage[Disbursement]):
    """One page of disbursements, in the order of `sort`."""
