"""Schemas of the caseload standard. It contains no data about children."""

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from app.schemas.instruments import validate_two_decimal_places
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import Input, StrictInteger, Versioned

Weight = Annotated[float, Field(strict=True, ge=0.1, le=10), AfterValidator(validate_two_decimal_places)]
"""Weight of a case, as a number of cases without a particular risk."""


class CaseloadStandardSettings(Input):
    """The editable fields of the caseload standard."""

    cases_per_worker: Annotated[StrictInteger, Field(ge=1, le=200)] = Field(
        description="Most cases of a worker, weighted by risk."
    )
    workers_per_supervisor: Annotated[StrictInteger, Field(ge=1, le=50)] = Field(
        description="Most workers of a supervisor."
    )
    weight_high: Weight = Field(description="Weight of a case with a high risk.")
    weight_medium: Weight = Field(description="Weight of a case with a medium risk.")
    weight_low: Weight = Field(description="Weight of a case with a low risk.")
    weight_unknown: Weight = Field(description="Weight of a case whose risk has not been assessed.")


if TYPE_CHECKING:

    class CaseloadStandardUpdate(Input):
        """Changes to the caseload standard."""
else:
    CaseloadStandardUpdate = build_patch_model(CaseloadStandardSettings, "CaseloadStandardUpdate")


class CaseloadStandard(Versioned):
    """The caseload that is considered manageable, and the weight of a case by its risk."""

    cases_per_worker: int = Field(description="Most cases of a worker, weighted by risk.")
    workers_per_supervisor: int = Field(description="Most workers of a supervisor.")
    weight_high: float = Field(description="Weight of a case with a high risk.")
    weight_medium: float = Field(description="Weight of a case with a medium risk.")
    weight_low: float = Field(description="Weight of a case with a low risk.")
    weight_unknown: float = Field(description="Weight of a case whose risk has not been assessed.")
