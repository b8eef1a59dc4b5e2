"""Lay out a care plan on PDF pages: case data, areas with goals and actions, texts and signature fields.

The plan of a child contains all seven areas. The plan of a supporter or family contains the areas that it answers.
"""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from app.kit.dates import CAMBODIA_TIMEZONE
from app.kit.formatting import format_date, format_number
from app.rendering.page_flow import (
    BODY_STYLE,
    BOTTOM_LIMIT,
    CONTENT_WIDTH,
    FINE_PRINT_STYLE,
    LEFT_MARGIN,
    PALE_STYLE,
    SMALL_STYLE,
    TITLE_STYLE,
    PageFlow,
)
from app.rendering.pdf import PAGE_HEIGHT, PAGE_WIDTH, PdfDocument, TextStyle
from app.rendering.printed_file import PrintedFile
from app.rendering.signature_fields import Signatory, SignatureFields
from app.schemas.care_plans import Action as ActionSchema
from app.schemas.care_plans import CarePlanArea
from app.schemas.care_plans import Goal as GoalSchema
from app.schemas.codes import get_code_label, get_codes
from app.services.care_plans.pdf_content import CARE_PLAN_LABELS, PrintableCarePlan

ACTION_COLUMN_EDGES = (0.0, 0.55, 0.8, 1.0)
"""Left edges of the columns in the action table and the right edge of the last, as fractions of the content width."""
WATERMARK_ROTATION = "0.82 0.57 -0.57 0.82"


def lay_out_care_plan(printable: PrintableCarePlan) -> PrintedFile:
    """Return the care plan as a PDF."""
    layout = CarePlanLayout(printable)
    with closing(layout.pdf):
        return layout.render().finish()


class CarePlanLayout(PageFlow):
    """Layout state of one care plan."""

    def __init__(self, printable: PrintableCarePlan) -> None:
        self.printable, self.language = printable, printable.language
        self.labels = CARE_PLAN_LABELS[printable.language]
        super().__init__(f"{self.labels.title} {printable.case_number}", printable.language)

    def render(self) -> PdfDocument:
        """Write all pages and return the document."""
        self.add_page()
        self._write_title()
        for number, area in enumerate(self._list_printed_areas(), 1):
            self._write_area(number, area, self._get_area(area))
        signatures = self._build_signature_fields()
        self._write_text_sections(following_height=signatures.height)
        signatures.write()
        self._write_footers()
        return self.pdf

    def _list_printed_areas(self) -> list[str]:
        areas = get_codes("area")
        if self.printable.plan.subject == "child":
            return list(areas)
        return [area for area in areas if self._get_area(area).status or self._get_area(area).goals]

    def _get_area(self, area: str) -> CarePlanArea:
        plan_area: CarePlanArea = getattr(self.printable.plan.areas, area)
        return plan_area

    def _write_footers(self) -> None:
        """Write the footer of every page. It contains the page count, which is known only after the last page."""
        count = self.pdf.page
        for page in range(1, count + 1):
            self.pdf.page = page
            self._write_footer(format_number(page, self.language), format_number(count, self.language))

    def _write_footer(self, page: str, count: str) -> None:
        labels, y = self.labels, BOTTOM_LIMIT + 18
        edition = f"{labels.version_number} {format_number(self.printable.plan.edition, self.language)}"
        title = f"{self.printable.case_number} · {labels.title} · {edition}"
        self.pdf.draw_rule(LEFT_MARGIN, BOTTOM_LIMIT + 12, CONTENT_WIDTH, 0.4, 0.5)
        self.pdf.write_line(LEFT_MARGIN, y, title, FINE_PRINT_STYLE)
        self.write_aligned_line(labels.confidential, y, FINE_PRINT_STYLE, 0.5)
        self.write_aligned_line(labels.page.format(page, count), y, FINE_PRINT_STYLE, 1)

    def decorate_page(self) -> None:
        """Write the watermark of a plan that is not in force."""
        status = self.printable.plan.status
        if status == "approved":
            return
        text = self.labels.superseded if status == "superseded" else self.labels.draft
        style = TextStyle(96, bold=True, gray=0.9)
        style = TextStyle(min(96, 96 * 520 / self.pdf.measure_text(text, style)), bold=True, gray=0.9)
        half_width = self.pdf.measure_text(text, style) / 2
        self.pdf.write_line(
            PAGE_WIDTH / 2 - 0.82 * half_width,
            PAGE_HEIGHT / 2 + 0.57 * half_width - style.size,
            text,
            style,
            WATERMARK_ROTATION,
        )

    # Content

    def _write_title(self) -> None:
        labels = self.labels
        self.pdf.write_line(LEFT_MARGIN, self.y, labels.organisation, TextStyle(10, bold=True, gray=0.35))
        self.y += 16
        self.pdf.write_line(LEFT_MARGIN, self.y, labels.title, TITLE_STYLE)
        self.y += TITLE_STYLE.line_height + 4
        self.pdf.draw_rule(LEFT_MARGIN, self.y, CONTENT_WIDTH, 1.4)
        self.y += 8
        self._write_case_data()
        self.pdf.draw_rule(LEFT_MARGIN, self.y + 2, CONTENT_WIDTH, 0.6)
        self.y += 6

    def _write_case_data(self) -> None:
        """Write the data of the case in the left column and that of the plan in the right column."""
        top, half_width = self.y, CONTENT_WIDTH / 2
        bottoms = []
        for x, entries in ((0.0, self._list_case_data()), (half_width + 8, self._list_plan_data())):
            self.y = top
            for label, value in entries:
                style = BODY_STYLE.as_bold() if label == self.labels.child else BODY_STYLE
                lines = self.pdf.wrap_text(value, half_width - 100, style)
                self.write_columns([(x, [label], FINE_PRINT_STYLE), (x + 86, lines, style)])
            bottoms.append(self.y)
        self.y = max(bottoms)

    def _list_case_data(self) -> list[tuple[str, str]]:
        printable, labels = self.printable, self.labels
        subject = get_code_label("subject", printable.plan.subject, self.language)
        plan_for = f"{subject}: {printable.person_name}" if printable.person_name else subject
        return [
            (labels.child, " · ".join(printable.child_names)),
            (labels.age, labels.years.format(printable.age)),
            (labels.plan_for, plan_for),
            (labels.case, printable.case_number),
        ]

    def _list_plan_data(self) -> list[tuple[str, str]]:
        printable, plan, labels = self.printable, self.printable.plan, self.labels
        approver = printable.approver_name
        return [
            (labels.version_number, format_number(plan.edition, self.language)),
            (labels.status, get_code_label("decision_status", plan.status, self.language)),
            (labels.author, self._format_name_and_date(printable.author_name, plan.submitted_at)),
            (labels.approver, self._format_name_and_date(approver, plan.decided_at) if approver else "—"),
            (labels.printed_on, format_date(printable.printed_on, self.language)),
        ]

    def _format_name_and_date(self, name: str, timestamp: datetime | None) -> str:
        if timestamp is None:
            return name
        return f"{name}, {format_date(timestamp.astimezone(CAMBODIA_TIMEZONE).date(), self.language)}"

    def _write_area(self, number: int, area: str, plan_area: CarePlanArea) -> None:
        title = f"{format_number(number, self.language)}. {get_code_label('area', area, self.language)}"
        self.write_section_heading(title, min_following_height=4 * BODY_STYLE.line_height)
        if plan_area.strengths:
            self.write_labelled_text(self.labels.strengths, plan_area.strengths)
        if plan_area.status is None and not plan_area.goals:
            self.write_text(self.labels.unanswered, PALE_STYLE)
        if plan_area.status == "no_need":
            self.write_labelled_text(self.labels.reason, plan_area.reason or "—")
        for goal_number, goal in enumerate(plan_area.goals, 1):
            self._write_goal(goal_number, goal)

    def _write_goal(self, number: int, goal: GoalSchema) -> None:
        status = (
            "" if goal.status == "open" else f" ({get_code_label('goal_status', goal.status, self.language)})"
        )
        label = self.labels.goal.format(format_number(number, self.language)) + status
        self.ensure_space(6 * BODY_STYLE.line_height)
        self.write_labelled_text(label, goal.statement)
        if goal.strengths_used:
            self.write_labelled_text(self.labels.strengths_used, goal.strengths_used)
        if goal.actions:
            self._write_actions(goal.actions)
        else:
            self.write_text(self.labels.no_actions, PALE_STYLE)
        self.y += 8

    def _write_actions(self, actions: Sequence[ActionSchema]) -> None:
        labels = self.labels
        self.ensure_space(SMALL_STYLE.line_height + 3 * BODY_STYLE.line_height)
        self._write_table_row([labels.action, labels.responsible, labels.due_on], SMALL_STYLE.as_bold(), 0.9)
        for action in actions:
            self._write_table_row(
                [action.what, self._format_responsible(action), self._format_due_date(action)],
                SMALL_STYLE,
                0.4,
            )

    def _write_table_row(self, texts: Sequence[str], style: TextStyle, line_width: float) -> None:
        columns = zip(texts, ACTION_COLUMN_EDGES, ACTION_COLUMN_EDGES[1:], strict=False)
        cells = [
            (
                start * CONTENT_WIDTH,
                self.pdf.wrap_text(text, (end - start) * CONTENT_WIDTH - 12, style),
                style,
            )
            for text, start, end in columns
        ]
        self.ensure_space(style.line_height * max(len(lines) for _, lines, _ in cells) + 6)
        self.write_columns(cells)
        self.pdf.draw_rule(LEFT_MARGIN, self.y + 2, CONTENT_WIDTH, line_width, 0.4)
        self.y += 6

    def _format_responsible(self, action: ActionSchema) -> str:
        role = get_code_label("action_by", action.by, self.language)
        return f"{role}: {action.by_whom}" if action.by_whom else role

    def _format_due_date(self, action: ActionSchema) -> str:
        due = format_date(action.due_on, self.language)
        if action.status == "dropped":
            return f"{due} ({self.labels.dropped})"
        if action.done_on is not None:
            return f"{due} ({self.labels.done.format(format_date(action.done_on, self.language))})"
        return due

    def _write_text_sections(self, following_height: float) -> None:
        """Write the texts of the plan. The end of the last one stays on the page of the signatures."""
        sections = self._list_text_sections()
        for position, (title, text) in enumerate(sections, 1):
            self.write_section(
                title,
                text or self.labels.nothing_recorded,
                BODY_STYLE if text else PALE_STYLE,
                following_height if position == len(sections) else 0.0,
            )

    def _list_text_sections(self) -> list[tuple[str, str | None]]:
        """Return the headings and texts that every plan of the subject has, and optional texts if they are recorded."""
        plan, labels = self.printable.plan, self.labels
        general: list[tuple[str, str | None]] = [
            (labels.safety_plan, plan.safety_plan),
            (labels.child_view, plan.child_view),
            (labels.supporter_view, plan.supporter_view),
        ]
        if plan.subject == "child":
            return general
        needs_social_work = {True: labels.yes, False: labels.no, None: None}[plan.needs_social_work]
        return [
            *((title, text) for title, text in general if text),
            (labels.knowledge_gaps, plan.knowledge_gaps),
            (labels.capacity_gaps, plan.capacity_gaps),
            (labels.social_work, needs_social_work),
        ]

    def _build_signature_fields(self) -> SignatureFields:
        """Return the fields of the people who sign. The child signs the plan of the child only."""
        printable, labels, subject = self.printable, self.labels, self.printable.plan.subject
        names = [
            (subject, printable.person_name or ""),
            ("worker", printable.author_name),
            ("supervisor", printable.approver_name or ""),
        ]
        if subject == "child":
            names = [("child", " · ".join(printable.child_names)), ("supporter", ""), *names[1:]]
        signatories = [Signatory(labels.signatories[role], name) for role, name in names]
        return SignatureFields(self, labels.agreement, (labels.signature, labels.date), signatories)
