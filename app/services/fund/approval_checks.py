"""Preconditions on the fund that pays for a request."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Fault
from app.kit.dates import BirthRange, today
from app.kit.records import get_record
from app.models import Case, Child, Disbursement, Fund
from app.services.fund.funds import check_fund_open


def check_fund_terms(fund: Fund, disbursement: Disbursement, last_release_on: date) -> list[Fault]:
    """Return the terms of a fund that a request does not fit: status, currency, category and period."""
    unmet = check_fund_open(fund)
    if fund.currency != disbursement.currency:
        unmet.append(Fault("/fund_id", "currency_other", f"The currency of the fund is {fund.currency}."))
    if disbursement.category not in fund.categories:
        unmet.append(Fault("/fund_id", "category_not_funded", "The fund does not pay for this category."))
    last_day = max(today(), last_release_on)
    if today() < fund.starts_on or (fund.ends_on is not None and last_day > fund.ends_on):
        detail = "Today and every release date must be within the period of the fund."
        unmet.append(Fault("/fund_id", "outside_period", detail))
    return unmet


async def check_child_eligible(session: AsyncSession, fund: Fund, case: Case) -> list[Fault]:
    """Return the donor's restrictions that the child does not fit: province and age.

    An uncertain age is accepted if any age in its range is accepted.
    """
    unmet = []
    if fund.province_codes and case.province_code not in fund.province_codes:
        unmet.append(Fault("/fund_id", "province_not_funded", "The fund is for other provinces."))
    if fund.youngest is not None or fund.oldest is not None:
        child = await get_record(session, Child, case.child_id)
        min_age, max_age = BirthRange.from_details(child.identity["birth"]).age_range_on(today())
        if (fund.youngest is not None and max_age < fund.youngest) or (
            fund.oldest is not None and min_age > fund.oldest
        ):
            unmet.append(Fault("/fund_id", "age_not_funded", "The fund is for another age."))
    return unmet
