"""The content of a printed care plan: its data and the fixed labels. The labels of codes come from the code lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from app.schemas.care_plans import CarePlan as CarePlanSchema


@dataclass(frozen=True, slots=True)
class PrintableCarePlan:
    """A care plan with the data of its case that the printed page shows."""

    plan: CarePlanSchema
    case_number: str
    child_names: list[str]
    age: str
    person_name: str | None
    """Name of the supporter or relative whom the plan is about. None in the child's plan."""
    author_name: str
    approver_name: str | None
    printed_on: date
    language: str

    @property
    def file_name(self) -> str:
        """File name that does not contain personal data."""
        return f"{self.case_number}-care-plan-{self.plan.subject}-{self.plan.edition}.pdf"


class CarePlanLabels(NamedTuple):
    """The fixed labels of a printed care plan in one language."""

    organisation: str
    title: str
    case: str
    child: str
    age: str
    years: str
    plan_for: str
    version_number: str
    status: str
    author: str
    approver: str
    printed_on: str
    goal: str
    strengths: str
    strengths_used: str
    action: str
    responsible: str
    due_on: str
    done: str
    dropped: str
    reason: str
    unanswered: str
    no_actions: str
    safety_plan: str
    child_view: str
    supporter_view: str
    knowledge_gaps: str
    capacity_gaps: str
    social_work: str
    yes: str
    no: str
    nothing_recorded: str
    agreement: str
    signatories: Mapping[str, str]
    """Roles of the people who sign, by the subject of the plan or the code of the role."""
    signature: str
    date: str
    page: str
    confidential: str
    draft: str
    superseded: str


CARE_PLAN_LABELS = {
    "en": CarePlanLabels(
        organisation="First Step Cambodia",
        title="Care plan",
        case="Case number",
        child="Child",
        age="Age",
        years="{} years",
        plan_for="Plan for",
        version_number="Edition",
        status="Status",
        author="Prepared by",
        approver="Approved by",
        printed_on="Printed on",
        goal="Goal {}",
        strengths="Strengths",
        strengths_used="Builds on",
        action="What is done",
        responsible="Who",
        due_on="By when",
        done="done {}",
        dropped="dropped",
        reason="No need in this area",
        unanswered="Not answered yet.",
        no_actions="No action is agreed yet.",
        safety_plan="Safety plan",
        child_view="The child's view",
        supporter_view="The supporter's view",
        knowledge_gaps="Knowledge to be gained",
        capacity_gaps="Abilities to be strengthened",
        social_work="Social-work services required",
        yes="Yes",
        no="No",
        nothing_recorded="Nothing recorded.",
        agreement="We have read this plan together and agree with it.",
        signatories={
            "child": "The child",
            "supporter": "The supporter",
            "family": "The family",
            "worker": "The social worker",
            "supervisor": "The supervisor",
        },
        signature="Signature or thumbprint",
        date="Date",
        page="Page {} of {}",
        confidential="Confidential",
        draft="DRAFT",
        superseded="SUPERSEDED",
    ),
    "km": CarePlanLabels(
        organisation="First Step Cambodia",
        title="ផែនការថែទាំ",
        case="លេខករណី",
        child="កុមារ",
        age="អាយុ",
        years="{} ឆ្នាំ",
        plan_for="ផែនការសម្រាប់",
        version_number="លើកទី",
        status="ស្ថានភាព",
        author="រៀបចំដោយ",
        approver="អនុម័តដោយ",
        printed_on="បោះពុម្ពនៅថ្ងៃទី",
        goal="គោលដៅទី {}",
        strengths="ចំណុចខ្លាំង",
        strengths_used="ផ្អែកលើ",
        action="សកម្មភាព",
        responsible="អ្នកអនុវត្ត",
        due_on="ត្រឹមថ្ងៃទី",
        done="បានធ្វើ {}",
        dropped="បានបោះបង់",
        reason="មិនមានតម្រូវការក្នុងផ្នែកនេះ",
        unanswered="មិនទាន់បានបំពេញ។",
        no_actions="មិនទាន់មានសកម្មភាពដែលបានព្រមព្រៀង។",
        safety_plan="ផែនការសុវត្ថិភាព",
        child_view="ទស្សនៈរបស់កុមារ",
        supporter_view="ទស្សនៈរបស់អ្នកគាំទ្រ",
        knowledge_gaps="ចំណេះដឹងដែលត្រូវបំពេញបន្ថែម",
        capacity_gaps="សមត្ថភាពដែលត្រូវពង្រឹង",
        social_work="ត្រូវការសេវាសង្គមកិច្ច",
        yes="ត្រូវការ",
        no="មិនត្រូវការ",
        nothing_recorded="មិនមានកំណត់ត្រា។",
        agreement="យើងខ្ញុំបានអានផែនការនេះជាមួយគ្នា ហើយយល់ព្រមតាមផែនការនេះ។",
        signatories={
            "child": "កុមារ",
            "supporter": "អ្នកគាំទ្រ",
            "family": "គ្រួសារ",
            "worker": "បុគ្គលិកសង្គមកិច្ច",
            "supervisor": "អ្នកគ្រប់គ្រងការងារផ្ទាល់",
        },
        signature="ហត្ថលេខា ឬស្នាមមេដៃ",
        date="កាលបរិច្ឆេទ",
        page="ទំព័រទី {} នៃ {}",
        confidential="សម្ងាត់",
        draft="សេចក្តីព្រាង",
        superseded="លែងប្រើ",
    ),
}
