"""Report: children with an open case on any day of the period."""

from app.services.reports.definition import (
    AGE_BAND,
    KIND,
    PROVINCE,
    SEX,
    SPAN,
    Measure,
    Report,
    Text,
)

REPORT = Report(
    name="children_supported",
    definition=Text(
        "Children with an open case on at least one day of the period. Each child counts once.",
        "កុមារដែលមានករណីកំពុងបើកយ៉ាងតិចមួយថ្ងៃក្នុងរយៈពេល។ កុមារម្នាក់ៗត្រូវបានរាប់តែម្តង។",
    ),
    numerator="Children with a case that was open on any day of the period.",
    pitfall="Of several cases of a child, the group is that of the case that was opened last.",
    period=SPAN,
    dimensions=(SEX, AGE_BAND, KIND, PROVINCE),
    measures=(Measure(name="children", title=Text("Children supported", "កុមារដែលបានទទួលការគាំទ្រ")),),
    facts="SELECT opened_on AS starts_on, closed_on AS ends_on, c.* FROM counted_cases c",
    unit="child_id",
)
