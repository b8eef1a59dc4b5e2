"""Amounts of money: a decimal string with its currency. Amounts of different currencies are never summed."""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, GetCoreSchemaHandler, StringConstraints, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from app.schemas.wire import Input, Output


class _NamedCurrencySchema:
    """Gives the enum of currencies a separate name in OpenAPI."""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(["USD", "KHR"], ref=f"{__name__}.Currency:currency")


Currency = Annotated[Literal["USD", "KHR"], _NamedCurrencySchema()]
"""US dollar or Cambodian riel."""
Amount = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$")]
"""A decimal with at most two decimal places."""
RIEL_PER_DOLLAR_PATTERN = r"^[1-9][0-9]{0,5}(\.[0-9]{1,2})?$"
Rate = Annotated[str, StringConstraints(pattern=RIEL_PER_DOLLAR_PATTERN)]
"""Riel for one US dollar."""
MINOR_UNITS_PER_UNIT = {"USD": 100, "KHR": 1}
"""A dollar has 100 cents. A riel is not divided."""


def format_money(minor_units: int, currency: str) -> dict[str, str]:
    """Return an amount of cents or whole riel as a plain dictionary, for responses that are not validated."""
    amount = str(Decimal(minor_units).scaleb(-2)) if currency == "USD" else str(minor_units)
    return {"amount": amount, "currency": currency}


class Money(Output):
    """An amount in one currency."""

    amount: str = Field(description="Decimal: two decimal places for USD, none for KHR.")
    currency: Currency = Field(description="Currency of the amount.")

    @classmethod
    def from_minor_units(cls, minor_units: int, currency: str) -> Self:
        """Return an amount of cents or whole riel in the response format."""
        return cls.model_validate(format_money(minor_units, currency))


class NonNegativeMoney(Input):
    """An amount of 0 or more in one currency. Riel are whole."""

    min_minor_units: ClassVar[int] = 0
    amount: Amount = Field(description="Decimal with at most two decimal places for USD and none for KHR.")
    currency: Currency = Field(description="Currency of the amount.")

    @model_validator(mode="after")
    def validate_amount(self) -> Self:
        """Require whole riel, and at least `min_minor_units`."""
        if Decimal(self.amount) * MINOR_UNITS_PER_UNIT[self.currency] % 1:
            raise PydanticCustomError("riel_broken", "riel must be whole")
        if self.minor_units < self.min_minor_units:
            raise PydanticCustomError("amount_zero", "must be greater than 0")
        return self

    @property
    def minor_units(self) -> int:
        """The amount in cents or whole riel."""
        return int(Decimal(self.amount) * MINOR_UNITS_PER_UNIT[self.currency])


class PositiveMoney(NonNegativeMoney):
    """An amount greater than 0 in one currency. Riel are whole."""

    min_minor_units: ClassVar[int] = 1
