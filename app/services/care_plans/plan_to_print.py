"""A care plan with what its printed page shows beside it."""

from dataclasses import dataclass
from datetime import date

from app.schemas.care_plans import CarePlanOut


@dataclass(frozen=True, slots=True)
class PlanToPrint:
    """A plan, and what stands on paper around it."""

    plan: CarePlanOut
    number: str
    """The case's."""
    child: list[str]
    age: str
    about: str | None
    """The supporter or relative whose plan it is; nobody where it is the child's."""
    author: str
    approver: str | None
    on: date
    language: str

    @property
    def file_name(self) -> str:
        """A name for the file that says nothing of the child."""
        return f"{self.number}-care-plan-{self.plan.subject}-{self.plan.edition}.pdf"
