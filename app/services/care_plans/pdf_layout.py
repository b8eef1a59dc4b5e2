"""Lay out a care plan on PDF pages: case data, seven areas with goals and actions, texts and signature fields."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime

from app.kit.dates import CAMBODIA_TIMEZONE
from app.kit.formatting import format_date, format_number
from app.rendering.pdf import BASELINE_OFFSET_FACTOR, PAGE_HEIGHT, PAGE_WIDTH, PdfDocument, TextStyle
from app.schemas.care_plans import Action as ActionSchema
from app.schemas.care_plans import CarePlanArea
from app.schemas.care_plans import Goal as GoalSchema
from app.schemas.codes import get_code_label, get_codes
from app.services.care_plans.pdf_content import CARE_PLAN_LABELS, PrintableCarePlan

LEFT_MARGIN, TOP_MARGIN, BOTTOM_LIMIT = 56.0, 64.0, PAGE_HEIGHT - 62
CONTENT_WIDTH = PAGE_WIDTH - 2 * LEFT_MARGIN
BODY_STYLE, SMALL_STYLE, FINE_PRINT_STYLE = TextStyle(10), TextStyle(9), TextStyle(8, gray=0.35)
HEADING_STYLE, TITLE_STYLE = TextStyle(11.5, bold=True), TextStyle(21, bold=True)
ACTION_COLUMN_EDGES = (0.0, 0.55, 0.8, 1.0)
"""Left edges of the columns in the action table and the right edge of the last, as fractions of the content width."""
SIGNATURE_FIELD_HEIGHT = 92.0
WATERMARK_ROTATION = "0.82 0.57 -0.57 0.82"


def lay_out_care_plan(printable: PrintableCarePlan) -> bytes:
    """Return the care plan as a PDF."""
    layout = CarePlanLayout(printable)
    with closing(layout.pdf):
        return bytes(layout.render().output())


class CarePlanLayout:
    """Layout state of one care plan. Writes from top to bottom and adds a page when the current one is full."""

    def __init__(self, printable: PrintableCarePlan) -> None:
        self.printable, self.language = printable, printable.language
        self.labels = CARE_PLAN_LABELS[printable.language]
        self.pdf = PdfDocument(f"{self.labels.title} {printable.case_number}", printable.language)
        self.y = 0.0

    def render(self) -> PdfDocument:
        """Write all pages and return the document."""
        self._add_page()
        self._write_title()
        for number, area in enumerate(get_codes("area"), 1):
            self._write_area(number, area, getattr(self.printable.plan.areas, area))
        self._write_text_sections()
        self._write_signature_fields()
        self._write_footers()
        return self.pdf

    # Pages and text blocks

    def _add_page(self) -> None:
        self.pdf.add_page()
        self.y = TOP_MARGIN
        self._write_watermark()

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
        self._write_aligned_line(labels.confidential, y, FINE_PRINT_STYLE, 0.5)
        self._write_aligned_line(labels.page.format(page, count), y, FINE_PRINT_STYLE, 1)

    def _write_watermark(self) -> None:
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

    def _write_aligned_line(self, text: str, y: float, style: TextStyle, alignment: float) -> None:
        """Write a line with an alignment of 0 (left), 0.5 (centre) or 1 (right)."""
        x = LEFT_MARGIN + alignment * (CONTENT_WIDTH - self.pdf.measure_text(text, style))
        self.pdf.write_line(x, y, text, style)

    def _ensure_space(self, height: float) -> None:
        """Add a page if the block does not fit below. A block higher than a page starts at the current position."""
        if self.y + height > BOTTOM_LIMIT and height <= BOTTOM_LIMIT - TOP_MARGIN and self.y > TOP_MARGIN:
            self._add_page()

    def _write_columns(self, cells: Sequence[tuple[float, list[str], TextStyle]]) -> None:
        """Write columns of text side by side. A cell is the left offset, the lines and the style of one column."""
        tallest = max((style for _, _, style in cells), key=lambda style: style.size)
        line_height = tallest.line_height
        for row in range(max(len(lines) for _, lines, _ in cells)):
            if self.y + line_height > BOTTOM_LIMIT:
                self._add_page()
            for x, lines, style in cells:
                if row < len(lines):
                    baseline_shift = (tallest.size - style.size) * BASELINE_OFFSET_FACTOR
                    self.pdf.write_line(LEFT_MARGIN + x, self.y + baseline_shift, lines[row], style)
            self.y += line_height

    def _write_text(self, text: str, style: TextStyle = BODY_STYLE, inset: float = 0.0) -> None:
        self._write_columns([(inset, self.pdf.wrap_text(text, CONTENT_WIDTH - inset, style), style)])

    def _write_labelled_text(self, label: str, text: str, inset: float = 0.0) -> None:
        """Write a text below its label. The label and the first two lines stay on one page."""
        lines = self.pdf.wrap_text(text, CONTENT_WIDTH - inset, BODY_STYLE)
        self._ensure_space(SMALL_STYLE.line_height + BODY_STYLE.line_height * min(2, len(lines)))
        self._write_columns([(inset, [label], SMALL_STYLE.as_bold())])
        self._write_columns([(inset, lines, BODY_STYLE)])
        self.y += 4

    def _write_section_heading(self, title: str, min_following_height: float) -> None:
        """Write a heading with a gray background on the same page as the start of the text that follows it."""
        self._ensure_space(HEADING_STYLE.line_height + 16 + min_following_height)
        self.y += 8
        self.pdf.fill_rectangle(
            LEFT_MARGIN - 6, self.y, CONTENT_WIDTH + 12, HEADING_STYLE.line_height + 4, 0.91
        )
        self.pdf.write_line(LEFT_MARGIN, self.y + 2, title, HEADING_STYLE)
        self.y += HEADING_STYLE.line_height + 10

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
                self._write_columns([(x, [label], FINE_PRINT_STYLE), (x + 86, lines, style)])
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
        self._write_section_heading(title, min_following_height=4 * BODY_STYLE.line_height)
        if plan_area.strengths:
            self._write_labelled_text(self.labels.strengths, plan_area.strengths)
        if plan_area.status is None and not plan_area.goals:
            self._write_text(self.labels.unanswered, TextStyle(10, gray=0.35))
        if plan_area.status == "no_need":
            self._write_labelled_text(self.labels.reason, plan_area.reason or "—")
        for goal_number, goal in enumerate(plan_area.goals, 1):
            self._write_goal(goal_number, goal)

    def _write_goal(self, number: int, goal: GoalSchema) -> None:
        status = (
            "" if goal.status == "open" else f" ({get_code_label('goal_status', goal.status, self.language)})"
        )
        label = self.labels.goal.format(format_number(number, self.language)) + status
        self._ensure_space(6 * BODY_STYLE.line_height)
        self._write_labelled_text(label, goal.statement)
        if goal.strengths_used:
            self._write_labelled_text(self.labels.strengths_used, goal.strengths_used)
        if goal.actions:
            self._write_actions(goal.actions)
        else:
            self._write_text(self.labels.no_actions, TextStyle(10, gray=0.35))
        self.y += 8

    def _write_actions(self, actions: Sequence[ActionSchema]) -> None:
        labels = self.labels
        self._ensure_space(SMALL_STYLE.line_height + 3 * BODY_STYLE.line_height)
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
        self._ensure_space(style.line_height * max(len(lines) for _, lines, _ in cells) + 6)
        self._write_columns(cells)
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

    def _write_text_sections(self) -> None:
        plan, labels = self.printable.plan, self.labels
        sections: list[tuple[str, str | None]] = [
            (labels.safety_plan, plan.safety_plan),
            (labels.child_view, plan.child_view),
            (labels.supporter_view, plan.supporter_view),
        ]
        if plan.subject != "child":
            needs_social_work = {True: labels.yes, False: labels.no, None: None}[plan.needs_social_work]
            sections += [
                (labels.knowledge_gaps, plan.knowledge_gaps),
                (labels.capacity_gaps, plan.capacity_gaps),
                (labels.social_work, needs_social_work),
            ]
        for title, text in sections:
            self._write_section_heading(title, min_following_height=2 * BODY_STYLE.line_height)
            self._write_text(
                text or labels.nothing_recorded, BODY_STYLE if text else TextStyle(10, gray=0.35)
            )

    def _write_signature_fields(self) -> None:
        """Write the four signature fields in two rows of two, all on one page."""
        printable, labels = self.printable, self.labels
        self._ensure_space(2 * SIGNATURE_FIELD_HEIGHT + 44)
        self.y += 14
        self._write_text(labels.agreement)
        names = (" · ".join(printable.child_names), "", printable.author_name, printable.approver_name or "")
        top, half_width = self.y + 8, CONTENT_WIDTH / 2
        for position, (role, name) in enumerate(zip(labels.signatories, names, strict=True)):
            row, column = divmod(position, 2)
            x, y = LEFT_MARGIN + column * (half_width + 12), top + row * SIGNATURE_FIELD_HEIGHT
            self._write_signature_field(x, y, half_width - 12, role, name)
        self.y = top + 2 * SIGNATURE_FIELD_HEIGHT

    def _write_signature_field(self, x: float, y: float, width: float, role: str, name: str) -> None:
        pdf, role_style = self.pdf, SMALL_STYLE.as_bold()
        pdf.write_line(x, y, f"{role}{': ' if name else ''}", role_style)
        pdf.write_line(x + pdf.measure_text(f"{role}: ", role_style), y, name, SMALL_STYLE)
        pdf.draw_rule(x, y + 58, width * 0.62)
        pdf.draw_rule(x + width * 0.68, y + 58, width * 0.32)
        pdf.write_line(x, y + 60, self.labels.signature, FINE_PRINT_STYLE)
        pdf.write_line(x + width * 0.68, y + 60, self.labels.date, FINE_PRINT_STYLE)
