"""Schemas of fund statements."""

from datetime import date
from uuid import UUID

from pydantic import Field

from app.schemas.funds import Category
from app.schemas.money import Currency, Money
from app.schemas.wire import Output


class FundStatementLine(Output):
    """Spending on one category."""

    category: Category | None = Field(
        description="Category of the payments; null for payments of several categories, each with fewer than five payments."
    )
    spent: Money = Field(description="Money spent according to receipts, less reversals.")
    payments: int | None = Field(
        description="Number of payments; null below 5, which occurs only in the month in which the fund is closed."
    )


class FundStatement(Output):
    """The money of a fund in a period.

    `closing` = `opening` + `deposits` + `received` - `spent` - `rounding` - `given_back`. The statement is written for the donor
    and contains no personal data. A payment is reported together with at least four others, so that no statement, and no
    difference of two statements, shows a single payment.
    """

    fund_id: UUID = Field(description="Id of the fund.")
    name: str = Field(description="Name of the fund.")
    donor: str = Field(description="Name of the donor.")
    grant_code: str | None = Field(description="Code of the grant that the money comes from.")
    currency: Currency = Field(description="Currency of all amounts.")
    first_day: date = Field(description="First day of the period.")
    last_day: date = Field(description="Last day of the period.")
    opening: Money = Field(
        description="Balance before the first day, with the money of payments that are not reported yet."
    )
    deposits: Money = Field(description="Money received from the donor, less reversed deposits.")
    received: Money = Field(description="Money received from other funds that were closed.")
    given_back: Money = Field(
        description="Money that went to another fund or back to the donor when this fund was closed."
    )
    spent: Money = Field(description="Money spent according to receipts, less reversals: the sum of `lines`.")
    rounding: Money = Field(
        description="Rounding differences of payments in cash; negative if less was paid."
    )
    closing: Money = Field(
        description="Balance after the last day, with the money of payments that are not reported yet."
    )
    lines: list[FundStatementLine] = Field(
        description="Spending that is reported in the period, by category."
    )
