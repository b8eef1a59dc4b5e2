"""Lays a care plan out on pages: its facts, seven areas with goals and actions, views, safety plan, signatures."""

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime

from app.kit.dates import CAMBODIA_TIMEZONE
from app.kit.formatting import format_date, format_number
from app.rendering.pdf import BASELINE_OFFSET_FACTOR, PAGE_HEIGHT, PAGE_WIDTH, PdfDocument, TextStyle
from app.schemas.care_plans import Action as ActionSchema
from app.schemas.care_plans import CarePlanArea
from app.schemas.care_plans import Goal as GoalSchema
from app.schemas.codes import get_code_label, get_codes
from app.services.care_plans.pdf_labels import CARE_PLAN_LABELS
from app.services.care_plans.plan_to_print import PrintableCarePlan

LEFT_MARGIN, TOP_MARGIN, BOTTOM_LIMIT = 56.0, 64.0, PAGE_HEIGHT - 62
CONTENT_WIDTH = PAGE_WIDTH - 2 * LEFT_MARGIN
BODY_STYLE, SMALL_STYLE, FINE_PRINT_STYLE = TextStyle(10), TextStyle(9), TextStyle(8, gray=0.35)
HEADING_STYLE, TITLE_STYLE = TextStyle(11.5, bold=True), TextStyle(21, bold=True)
ACTION_COLUMN_EDGES = (0.0, 0.55, 0.8, 1.0)
"""Where the columns of the table of actions begin, and where the last ends, of the width of the text."""
WATERMARK_ROTATION = "0.82 0.57 -0.57 0.82"


def lay_out_care_plan(told: PrintableCarePlan) -> bytes:
    """Return the plan as a PDF."""
    layout = CarePlanLayout(told)
    with closing(layout.pdf):
        return bytes(layout.render().output())


class CarePlanLayout:
    """A plan on its way to paper: writes from the top down, and begins a new page where one is full."""

    def __init__(self, told: PrintableCarePlan) -> None:
        self.printable, self.language = told, told.language
        self.labels = CARE_PLAN_LABELS[told.language]
        self.pdf = PdfDocument(f"{self.labels.title} {told.case_number}", told.language)
        self.y = 0.0

    def render(self) -> PdfDocument:
        """Write everything."""
        self._add_page()
        self._write_title()
        for place, area in enumerate(get_codes("area"), 1):
            self._write_area(place, area, getattr(self.printable.plan.areas, area))
        self._write_text_sections()
        self._write_signature_fields()
        self._write_footers()
        return self.pdf

    # Pages, and the room on them

    def _add_page(self) -> None:
        self.pdf.add_page()
        self.y = TOP_MARGIN
        self._write_watermark()

    def _write_footers(self) -> None:
        """Write at the foot of every page what it belongs to, and how many there are: known only now."""
        count = self.pdf.page
        for page in range(1, count + 1):
            self.pdf.page = page
            self._write_footer(*(format_number(at, self.language) for at in (page, count)))

    def _write_footer(self, page: str, count: str) -> None:
        words, told = self.labels, self.printable
        edition = f"{words.version_number} {format_number(told.plan.edition, self.language)}"
        self.pdf.draw_rule(LEFT_MARGIN, BOTTOM_LIMIT + 12, CONTENT_WIDTH, 0.4, 0.5)
        self.pdf.write_line(
            LEFT_MARGIN,
            BOTTOM_LIMIT + 18,
            f"{told.case_number} · {words.title} · {edition}",
            FINE_PRINT_STYLE,
        )
        self._write_aligned_line(words.confidential, BOTTOM_LIMIT + 18, FINE_PRINT_STYLE, 0.5)
        self._write_aligned_line(words.page.format(page, count), BOTTOM_LIMIT + 18, FINE_PRINT_STYLE, 1)

    def _write_watermark(self) -> None:
        status = self.printable.plan.status
        if status == "approved":
            return
        mark = self.labels.superseded if status == "superseded" else self.labels.draft
        style = TextStyle(96, bold=True, gray=0.9)
        style = TextStyle(min(96, 96 * 520 / self.pdf.measure_text(mark, style)), bold=True, gray=0.9)
        half = self.pdf.measure_text(mark, style) / 2
        self.pdf.write_line(
            PAGE_WIDTH / 2 - 0.82 * half,
            PAGE_HEIGHT / 2 + 0.57 * half - style.size,
            mark,
            style,
            WATERMARK_ROTATION,
        )

    def _write_aligned_line(self, text: str, y: float, style: TextStyle, where: float) -> None:
        """Write a line at the left (0), in the middle (0.5) or at the right (1)."""
        self.pdf.write_line(
            LEFT_MARGIN + where * (CONTENT_WIDTH - self.pdf.measure_text(text, style)), y, text, style
        )

    def _ensure_space(self, height: float) -> None:
        """Make sure of so much room; what no page has room for begins where it is."""
        if self.y + height > BOTTOM_LIMIT and height <= BOTTOM_LIMIT - TOP_MARGIN and self.y > TOP_MARGIN:
            self._add_page()

    def _write_columns(self, cells: Sequence[tuple[float, list[str], TextStyle]]) -> None:
        """Write columns of lines beside each other: each where it begins from the left, its lines, their style."""
        tallest = max((style for _, _, style in cells), key=lambda style: style.size)
        step = tallest.line_height
        for place in range(max(len(lines) for _, lines, _ in cells)):
            if self.y + step > BOTTOM_LIMIT:
                self._add_page()
            for x, lines, style in cells:
                if place < len(lines):
                    down = (tallest.size - style.size) * BASELINE_OFFSET_FACTOR
                    self.pdf.write_line(LEFT_MARGIN + x, self.y + down, lines[place], style)
            self.y += step

    def _write_text(self, text: str, style: TextStyle = BODY_STYLE, inset: float = 0.0) -> None:
        self._write_columns([(inset, self.pdf.wrap_text(text, CONTENT_WIDTH - inset, style), style)])

    def _write_labelled_text(self, name: str, text: str, inset: float = 0.0) -> None:
        """Write a text after its label, which stays with its first lines."""
        lines = self.pdf.wrap_text(text, CONTENT_WIDTH - inset, BODY_STYLE)
        self._ensure_space(SMALL_STYLE.line_height + BODY_STYLE.line_height * min(2, len(lines)))
        self._write_columns([(inset, [name], SMALL_STYLE.as_bold())])
        self._write_columns([(inset, lines, BODY_STYLE)])
        self.y += 4

    def _write_section_heading(self, title: str, keep: float) -> None:
        """Write a heading on a gray ground, on the same page as what follows."""
        self._ensure_space(HEADING_STYLE.line_height + 16 + keep)
        self.y += 8
        self.pdf.fill_rectangle(
            LEFT_MARGIN - 6, self.y, CONTENT_WIDTH + 12, HEADING_STYLE.line_height + 4, 0.91
        )
        self.pdf.write_line(LEFT_MARGIN, self.y + 2, title, HEADING_STYLE)
        self.y += HEADING_STYLE.line_height + 10

    # The plan

    def _write_title(self) -> None:
        words = self.labels
        self.pdf.write_line(LEFT_MARGIN, self.y, words.organisation, TextStyle(10, bold=True, gray=0.35))
        self.y += 16
        self.pdf.write_line(LEFT_MARGIN, self.y, words.title, TITLE_STYLE)
        self.y += TITLE_STYLE.line_height + 4
        self.pdf.draw_rule(LEFT_MARGIN, self.y, CONTENT_WIDTH, 1.4)
        self.y += 8
        self._write_facts()
        self.pdf.draw_rule(LEFT_MARGIN, self.y + 2, CONTENT_WIDTH, 0.6)
        self.y += 6

    def _write_facts(self) -> None:
        told, plan, words = self.printable, self.printable.plan, self.labels
        about = get_code_label("subject", plan.subject, self.language)
        left = [
            (words.child, " · ".join(told.child_names)),
            (words.age, words.years.format(told.age)),
            (words.plan_for, about if told.person_name is None else f"{about}: {told.person_name}"),
            (words.case, told.case_number),
        ]
        right = [
            (words.version_number, format_number(plan.edition, self.language)),
            (words.status, get_code_label("decision_status", plan.status, self.language)),
            (words.author, self._format_name_and_date(told.author_name, plan.submitted_at)),
            (
                words.approver,
                self._format_name_and_date(told.approver_name, plan.decided_at)
                if told.approver_name
                else "—",
            ),
            (words.printed_on, format_date(told.printed_on, self.language)),
        ]
        top, half = self.y, CONTENT_WIDTH / 2
        bottoms = []
        for x, facts in ((0.0, left), (half + 8, right)):
            self.y = top
            for name, value in facts:
                style = BODY_STYLE.as_bold() if name == words.child else BODY_STYLE
                lines = self.pdf.wrap_text(value, half - 100, style)
                self._write_columns([(x, [name], FINE_PRINT_STYLE), (x + 86, lines, style)])
            bottoms.append(self.y)
        self.y = max(bottoms)

    def _format_name_and_date(self, name: str, at: datetime | None) -> str:
        return (
            name
            if at is None
            else f"{name}, {format_date(at.astimezone(CAMBODIA_TIMEZONE).date(), self.language)}"
        )

    def _write_area(self, place: int, area: str, found: CarePlanArea) -> None:
        title = f"{format_number(place, self.language)}. {get_code_label('area', area, self.language)}"
        self._write_section_heading(title, keep=4 * BODY_STYLE.line_height)
        if found.strengths:
            self._write_labelled_text(self.labels.strengths, found.strengths)
        if found.status is None and not found.goals:
            self._write_text(self.labels.unanswered, TextStyle(10, gray=0.35))
        if found.status == "no_need":
            self._write_labelled_text(self.labels.reason, found.reason or "—")
        for at, goal in enumerate(found.goals, 1):
            self._write_goal(at, goal)

    def _write_goal(self, place: int, goal: GoalSchema) -> None:
        status = (
            "" if goal.status == "open" else f" ({get_code_label('goal_status', goal.status, self.language)})"
        )
        name = self.labels.goal.format(format_number(place, self.language)) + status
        self._ensure_space(6 * BODY_STYLE.line_height)
        self._write_labelled_text(name, goal.statement)
        if goal.strengths_used:
            self._write_labelled_text(self.labels.strengths_used, goal.strengths_used)
        if goal.actions:
            self._write_actions(goal.actions)
        else:
            self._write_text(self.labels.no_actions, TextStyle(10, gray=0.35))
        self.y += 8

    def _write_actions(self, actions: Sequence[ActionSchema]) -> None:
        words = self.labels
        self._ensure_space(SMALL_STYLE.line_height + 3 * BODY_STYLE.line_height)
        self._write_table_row([words.action, words.responsible, words.due_on], SMALL_STYLE.as_bold(), 0.9)
        for action in actions:
            self._write_table_row(
                [action.what, self._format_responsible(action), self._format_due_date(action)],
                SMALL_STYLE,
                0.4,
            )

    def _write_table_row(self, told: Sequence[str], style: TextStyle, weight: float) -> None:
        columns = zip(told, ACTION_COLUMN_EDGES, ACTION_COLUMN_EDGES[1:], strict=False)
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
        self.pdf.draw_rule(LEFT_MARGIN, self.y + 2, CONTENT_WIDTH, weight, 0.4)
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
        plan, words = self.printable.plan, self.labels
        told: list[tuple[str, str | None]] = [
            (words.safety_plan, plan.safety_plan),
            (words.child_view, plan.child_view),
            (words.supporter_view, plan.supporter_view),
        ]
        if plan.subject != "child":
            answer = {True: words.yes, False: words.no, None: None}[plan.needs_social_work]
            told += [
                (words.knowledge_gaps, plan.knowledge_gaps),
                (words.capacity_gaps, plan.capacity_gaps),
                (words.social_work, answer),
            ]
        for name, text in told:
            self._write_section_heading(name, keep=2 * BODY_STYLE.line_height)
            self._write_text(text or words.nothing_recorded, BODY_STYLE if text else TextStyle(10, gray=0.35))

    def _write_signature_fields(self) -> None:
        """Leave room to sign, two beside each other, all on one page."""
        told, words = self.printable, self.labels
        one = 92.0
        self._ensure_space(2 * one + 44)
        self.y += 14
        self._write_text(words.agreement)
        names = (" · ".join(told.child_names), "", told.author_name, told.approver_name or "")
        top, half = self.y + 8, CONTENT_WIDTH / 2
        for place, (role, name) in enumerate(zip(words.signatories, names, strict=True)):
            x, y = LEFT_MARGIN + (place % 2) * (half + 12), top + (place // 2) * one
            self._write_signature_field(x, y, half - 12, role, name)
        self.y = top + 2 * one

    def _write_signature_field(self, x: float, y: float, across: float, role: str, name: str) -> None:
        write: Callable[[float, float, str, TextStyle], None] = self.pdf.write_line
        write(x, y, f"{role}{': ' if name else ''}", SMALL_STYLE.as_bold())
        write(x + self.pdf.measure_text(f"{role}: ", SMALL_STYLE.as_bold()), y, name, SMALL_STYLE)
        self.pdf.draw_rule(x, y + 58, across * 0.62)
        self.pdf.draw_rule(x + across * 0.68, y + 58, across * 0.32)
        write(x, y + 60, self.labels.signature, FINE_PRINT_STYLE)
        write(x + across * 0.68, y + 60, self.labels.date, FINE_PRINT_STYLE)
