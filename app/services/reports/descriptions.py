"""Describe the definition of a report for clients."""

from app.schemas.codes import get_codes
from app.schemas.reports import ReportDefinition, ReportMeasure, ReportPeriodRule, ReportText
from app.services.reports.definition import Measure, Report, Text


def build_definition(report: Report) -> ReportDefinition:
    """Return the description of a report."""
    return ReportDefinition(
        name=report.name,
        title=ReportText(en=report.get_title("en"), km=report.get_title("km")),
        definition=_build_text(report.definition),
        numerator=report.numerator,
        denominator=report.denominator,
        pitfall=report.pitfall,
        period=ReportPeriodRule(
            kind=report.period.kind,
            follow_up_days=report.period.follow_up_days,
            targets=list(report.period.targets),
            is_year=report.period.is_year,
        ),
        dimensions=[dimension.name for dimension in report.dimensions],
        measures=[_build_measure(measure) for measure in report.measures],
        formats=list(get_codes("report_format")),
        needs_run=report.needs_run,
        max_dimensions=report.max_dimensions,
        has_grants=report.has_grants,
        roles=[role for role in get_codes("role") if role in report.readers],
    )


def _build_measure(measure: Measure) -> ReportMeasure:
    return ReportMeasure(
        name=measure.name,
        title=_build_text(measure.title),
        kind=measure.kind,
        numerator=measure.numerator or None,
        denominator=measure.denominator or None,
        currency=measure.currency,
    )


def _build_text(text: Text) -> ReportText:
    return ReportText(en=text.en, km=text.km)
