"""Report: conditions that were met at the exit."""

from app.schemas.codes import CODE_LISTS
from app.services.reports.definition import AGE_BAND, FLOW, SEX, Report, Text, count_if, percentage

CONDITIONS = CODE_LISTS["exit_condition"].codes
REPORT = Report(
    name="exit_conditions",
    definition=Text(
        "Cases closed in the period, and the conditions of the exit plan that were met.",
        "ករណីដែលបានបិទក្នុងរយៈពេល និងលក្ខខណ្ឌនៃផែនការបញ្ចប់ការគាំទ្រដែលបានបំពេញ។",
    ),
    numerator="Closed cases in whose exit plan the condition is met.",
    denominator="Cases closed in the period, without deaths.",
    pitfall="A case that ended without a checklist counts as an exit in which no condition is met.",
    period=FLOW,
    dimensions=(SEX, AGE_BAND),
    measures=(
        count_if("exits", Text("Exits", "ការបញ្ចប់ការគាំទ្រ"), "true"),
        count_if(
            "without_checklist", Text("Without a checklist", "គ្មានបញ្ជីផ្ទៀងផ្ទាត់"), "conditions_met IS NULL"
        ),
        *(
            count_if(f"met_{code.code}", Text(code.en, code.km), f"'{code.code}' = ANY (conditions_met)")
            for code in CONDITIONS
        ),
        *(
            percentage(
                f"share_{code.code}",
                Text(f"{code.en}, of exits", f"{code.km} (ភាគរយ)"),
                f"met_{code.code}",
                "exits",
            )
            for code in CONDITIONS
        ),
    ),
    facts="""
        SELECT c.closed_on AS starts_on, c.sex, c.age_band, e.conditions_met
          FROM counted_cases c LEFT JOIN exit_plans e ON e.case_id = c.id
         WHERE c.closed_on IS NOT NULL AND c.close_reason IS DISTINCT FROM 'died'""",
)
