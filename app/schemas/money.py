"""Money on the wire: a decimal as text, and its currency; two currencies are never summed."""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.wire import Input, Output

Currency = Literal["USD", "KHR"]
Amount = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$")]
"""A decimal of at most two places."""
RIEL_PER_DOLLAR_PATTERN = r"^[1-9][0-9]{0,5}(\.[0-9]{1,2})?$"
Rate = Annotated[str, StringConstraints(pattern=RIEL_PER_DOLLAR_PATTERN)]
MINOR_UNITS_PER_UNIT = {"USD": 100, "KHR": 1}
"""How many of the smallest unit make one: a dollar is a hundred cents, a riel is whole."""


class Money(Output):
    """An amount in one currency."""

    amount: str
    currency: Currency

    @classmethod
    def from_minor_units(cls, minor: int, currency: str) -> Self:
        """Return so many cents, or riel, as they are written."""
        whole = str(Decimal(minor).scaleb(-2)) if currency == "USD" else str(minor)
        return cls.model_validate({"amount": whole, "currency": currency})


class NonNegativeMoney(Input):
    """An amount in one currency, or nothing of it; riel are whole."""

    min_minor_units: ClassVar[int] = 0
    amount: Amount
    currency: Currency

    @model_validator(mode="after")
    def validate_amount(self) -> Self:
        """Ask for whole riel, and for more than nothing where that makes sense."""
        if Decimal(self.amount) * MINOR_UNITS_PER_UNIT[self.currency] % 1:
            raise PydanticCustomError("riel_broken", "riel are whole")
        if self.minor_units < self.min_minor_units:
            raise PydanticCustomError("amount_zero", "must be more than nothing")
        return self

    @property
    def minor_units(self) -> int:
        """Cents, or riel."""
        return int(Decimal(self.amount) * MINOR_UNITS_PER_UNIT[self.currency])


class PositiveMoney(NonNegativeMoney):
    """An amount in one currency; riel are whole."""

    min_minor_units: ClassVar[int] = 1
