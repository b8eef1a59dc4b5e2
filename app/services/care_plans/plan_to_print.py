"""A care plan with what its printed page shows beside it."""

from dataclasses import dataclass
from datetime import date

from app.schemas.care_plans import CarePlan as CarePlanSchema


@dataclass(frozen=True, slots=True)
class PrintableCarePlan:
    """A plan, and what stands on paper around it."""

    plan: CarePlanSchema
    case_number: str
    """The case's."""
    child_names: list[str]
    age: str
    person_name: str | None
    """The supporter or relative whose plan it is; nobody where it is the child's."""
    author_name: str
    approver_name: str | None
    printed_on: date
    language: str

    @property
    def file_name(self) -> str:
        """A name for the file that says nothing of the child."""
        return f"{self.case_number}-care-plan-{self.plan.subject}-{self.plan.edition}.pdf"
