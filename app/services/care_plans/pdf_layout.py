"""Lays a care plan out on pages: its facts, seven areas with goals and actions, views, safety plan, signatures."""

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime

from app.kit.dates import LOCAL
from app.kit.formatting import day, number
from app.rendering.pdf import HIGH, RISE, WIDE, Pages, Style
from app.schemas.care_plans import ActionOut, GoalOut, PlanAreaOut
from app.schemas.codes import codes_of, label
from app.services.care_plans.pdf_labels import WORDS
from app.services.care_plans.plan_to_print import PlanToPrint

LEFT, TOP, BOTTOM = 56.0, 64.0, HIGH - 62
ACROSS = WIDE - 2 * LEFT
TEXT, SMALL, FINE = Style(10), Style(9), Style(8, gray=0.35)
HEADING, TITLE = Style(11.5, bold=True), Style(21, bold=True)
COLUMNS = (0.0, 0.55, 0.8, 1.0)
"""Where the columns of the table of actions begin, and where the last ends, of the width of the text."""
ROTATED = "0.82 0.57 -0.57 0.82"


def pages(told: PlanToPrint) -> bytes:
    """Return the plan as a PDF."""
    layout = Layout(told)
    with closing(layout.paper):
        return bytes(layout.laid_out().output())


class Layout:
    """A plan on its way to paper: writes from the top down, and begins a new page where one is full."""

    def __init__(self, told: PlanToPrint) -> None:
        self.told, self.language = told, told.language
        self.words = WORDS[told.language]
        self.paper = Pages(f"{self.words.title} {told.number}", told.language)
        self.y = 0.0

    def laid_out(self) -> Pages:
        """Write everything."""
        self._turn()
        self._head()
        for place, area in enumerate(codes_of("area"), 1):
            self._area(place, area, getattr(self.told.plan.areas, area))
        self._texts()
        self._signatures()
        self._feet()
        return self.paper

    # Pages, and the room on them

    def _turn(self) -> None:
        self.paper.add_page()
        self.y = TOP
        self._watermark()

    def _feet(self) -> None:
        """Write at the foot of every page what it belongs to, and how many there are: known only now."""
        count = self.paper.page
        for page in range(1, count + 1):
            self.paper.page = page
            self._foot(*(number(at, self.language) for at in (page, count)))

    def _foot(self, page: str, count: str) -> None:
        words, told = self.words, self.told
        edition = f"{words.edition} {number(told.plan.edition, self.language)}"
        self.paper.rule(LEFT, BOTTOM + 12, ACROSS, 0.4, 0.5)
        self.paper.write_line(LEFT, BOTTOM + 18, f"{told.number} · {words.title} · {edition}", FINE)
        self._aligned(words.confidential, BOTTOM + 18, FINE, 0.5)
        self._aligned(words.page.format(page, count), BOTTOM + 18, FINE, 1)

    def _watermark(self) -> None:
        status = self.told.plan.status
        if status == "approved":
            return
        mark = self.words.superseded if status == "superseded" else self.words.draft
        style = Style(96, bold=True, gray=0.9)
        style = Style(min(96, 96 * 520 / self.paper.width(mark, style)), bold=True, gray=0.9)
        half = self.paper.width(mark, style) / 2
        self.paper.write_line(
            WIDE / 2 - 0.82 * half, HIGH / 2 + 0.57 * half - style.size, mark, style, ROTATED
        )

    def _aligned(self, text: str, y: float, style: Style, where: float) -> None:
        """Write a line at the left (0), in the middle (0.5) or at the right (1)."""
        self.paper.write_line(LEFT + where * (ACROSS - self.paper.width(text, style)), y, text, style)

    def _need(self, height: float) -> None:
        """Make sure of so much room; what no page has room for begins where it is."""
        if self.y + height > BOTTOM and height <= BOTTOM - TOP and self.y > TOP:
            self._turn()

    def _rows(self, cells: Sequence[tuple[float, list[str], Style]]) -> None:
        """Write columns of lines beside each other: each where it begins from the left, its lines, their style."""
        tallest = max((style for _, _, style in cells), key=lambda style: style.size)
        step = tallest.step
        for place in range(max(len(lines) for _, lines, _ in cells)):
            if self.y + step > BOTTOM:
                self._turn()
            for x, lines, style in cells:
                if place < len(lines):
                    down = (tallest.size - style.size) * RISE
                    self.paper.write_line(LEFT + x, self.y + down, lines[place], style)
            self.y += step

    def _text(self, text: str, style: Style = TEXT, inset: float = 0.0) -> None:
        self._rows([(inset, self.paper.lines(text, ACROSS - inset, style), style)])

    def _labelled(self, name: str, text: str, inset: float = 0.0) -> None:
        """Write a text after its label, which stays with its first lines."""
        lines = self.paper.lines(text, ACROSS - inset, TEXT)
        self._need(SMALL.step + TEXT.step * min(2, len(lines)))
        self._rows([(inset, [name], SMALL.strong())])
        self._rows([(inset, lines, TEXT)])
        self.y += 4

    def _bar(self, title: str, keep: float) -> None:
        """Write a heading on a gray ground, on the same page as what follows."""
        self._need(HEADING.step + 16 + keep)
        self.y += 8
        self.paper.ground(LEFT - 6, self.y, ACROSS + 12, HEADING.step + 4, 0.91)
        self.paper.write_line(LEFT, self.y + 2, title, HEADING)
        self.y += HEADING.step + 10

    # The plan

    def _head(self) -> None:
        words = self.words
        self.paper.write_line(LEFT, self.y, words.organisation, Style(10, bold=True, gray=0.35))
        self.y += 16
        self.paper.write_line(LEFT, self.y, words.title, TITLE)
        self.y += TITLE.step + 4
        self.paper.rule(LEFT, self.y, ACROSS, 1.4)
        self.y += 8
        self._facts()
        self.paper.rule(LEFT, self.y + 2, ACROSS, 0.6)
        self.y += 6

    def _facts(self) -> None:
        told, plan, words = self.told, self.told.plan, self.words
        about = label("subject", plan.subject, self.language)
        left = [
            (words.child, " · ".join(told.child)),
            (words.age, words.years.format(told.age)),
            (words.about, about if told.about is None else f"{about}: {told.about}"),
            (words.case, told.number),
        ]
        right = [
            (words.edition, number(plan.edition, self.language)),
            (words.status, label("decision_status", plan.status, self.language)),
            (words.author, self._signed(told.author, plan.submitted_at)),
            (words.approver, self._signed(told.approver, plan.decided_at) if told.approver else "—"),
            (words.printed, day(told.on, self.language)),
        ]
        top, half = self.y, ACROSS / 2
        bottoms = []
        for x, facts in ((0.0, left), (half + 8, right)):
            self.y = top
            for name, value in facts:
                style = TEXT.strong() if name == words.child else TEXT
                lines = self.paper.lines(value, half - 100, style)
                self._rows([(x, [name], FINE), (x + 86, lines, style)])
            bottoms.append(self.y)
        self.y = max(bottoms)

    def _signed(self, name: str, at: datetime | None) -> str:
        return name if at is None else f"{name}, {day(at.astimezone(LOCAL).date(), self.language)}"

    def _area(self, place: int, area: str, found: PlanAreaOut) -> None:
        title = f"{number(place, self.language)}. {label('area', area, self.language)}"
        self._bar(title, keep=4 * TEXT.step)
        if found.strengths:
            self._labelled(self.words.strengths, found.strengths)
        if found.status is None and not found.goals:
            self._text(self.words.unanswered, Style(10, gray=0.35))
        if found.status == "no_need":
            self._labelled(self.words.reason, found.reason or "—")
        for at, goal in enumerate(found.goals, 1):
            self._goal(at, goal)

    def _goal(self, place: int, goal: GoalOut) -> None:
        status = "" if goal.status == "open" else f" ({label('goal_status', goal.status, self.language)})"
        name = self.words.goal.format(number(place, self.language)) + status
        self._need(6 * TEXT.step)
        self._labelled(name, goal.statement)
        if goal.strengths_used:
            self._labelled(self.words.strengths_used, goal.strengths_used)
        if goal.actions:
            self._actions(goal.actions)
        else:
            self._text(self.words.no_actions, Style(10, gray=0.35))
        self.y += 8

    def _actions(self, actions: Sequence[ActionOut]) -> None:
        words = self.words
        self._need(SMALL.step + 3 * TEXT.step)
        self._row([words.what, words.who, words.by_when], SMALL.strong(), 0.9)
        for action in actions:
            self._row([action.what, self._who(action), self._when(action)], SMALL, 0.4)

    def _row(self, told: Sequence[str], style: Style, weight: float) -> None:
        columns = zip(told, COLUMNS, COLUMNS[1:], strict=False)
        cells = [
            (start * ACROSS, self.paper.lines(text, (end - start) * ACROSS - 12, style), style)
            for text, start, end in columns
        ]
        self._need(style.step * max(len(lines) for _, lines, _ in cells) + 6)
        self._rows(cells)
        self.paper.rule(LEFT, self.y + 2, ACROSS, weight, 0.4)
        self.y += 6

    def _who(self, action: ActionOut) -> str:
        role = label("action_by", action.by, self.language)
        return f"{role}: {action.by_whom}" if action.by_whom else role

    def _when(self, action: ActionOut) -> str:
        due = day(action.due_on, self.language)
        if action.status == "dropped":
            return f"{due} ({self.words.dropped})"
        if action.done_on is not None:
            return f"{due} ({self.words.done.format(day(action.done_on, self.language))})"
        return due

    def _texts(self) -> None:
        plan, words = self.told.plan, self.words
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
            self._bar(name, keep=2 * TEXT.step)
            self._text(text or words.nothing, TEXT if text else Style(10, gray=0.35))

    def _signatures(self) -> None:
        """Leave room to sign, two beside each other, all on one page."""
        told, words = self.told, self.words
        one = 92.0
        self._need(2 * one + 44)
        self.y += 14
        self._text(words.agreement)
        names = (" · ".join(told.child), "", told.author, told.approver or "")
        top, half = self.y + 8, ACROSS / 2
        for place, (role, name) in enumerate(zip(words.signed_by, names, strict=True)):
            x, y = LEFT + (place % 2) * (half + 12), top + (place // 2) * one
            self._signature(x, y, half - 12, role, name)
        self.y = top + 2 * one

    def _signature(self, x: float, y: float, across: float, role: str, name: str) -> None:
        write: Callable[[float, float, str, Style], None] = self.paper.write_line
        write(x, y, f"{role}{': ' if name else ''}", SMALL.strong())
        write(x + self.paper.width(f"{role}: ", SMALL.strong()), y, name, SMALL)
        self.paper.rule(x, y + 58, across * 0.62)
        self.paper.rule(x + across * 0.68, y + 58, across * 0.32)
        write(x, y + 60, self.words.signature, FINE)
        write(x + across * 0.68, y + 60, self.words.date, FINE)
