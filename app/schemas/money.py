"""Money on the wire: a decimal as text, and its currency; two currencies are never summed."""

from typing import Literal

from app.schemas.wire import Output


class Money(Output):
    """An amount in one currency."""

    amount: str
    currency: Literal["USD", "KHR"]
