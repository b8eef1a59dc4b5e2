"""Lay out text on the pages of a PDF, from top to bottom, with page breaks that keep related lines together."""

from collections.abc import Sequence

from app.rendering.pdf import BASELINE_OFFSET_FACTOR, PAGE_HEIGHT, PAGE_WIDTH, PdfDocument, TextStyle

LEFT_MARGIN, TOP_MARGIN, BOTTOM_LIMIT = 56.0, 64.0, PAGE_HEIGHT - 62
CONTENT_WIDTH = PAGE_WIDTH - 2 * LEFT_MARGIN
BODY_STYLE, SMALL_STYLE, FINE_PRINT_STYLE = TextStyle(10), TextStyle(9), TextStyle(8, gray=0.35)
PALE_STYLE = TextStyle(10, gray=0.35)
HEADING_STYLE, TITLE_STYLE = TextStyle(11.5, bold=True), TextStyle(21, bold=True)
KEPT_LINES = 2
"""Number of lines of a text that stay on one page with the content before or after it."""


class PageFlow:
    """The current page and the position on it. A document inherits from it and writes its parts in order."""

    def __init__(self, title: str, language: str) -> None:
        self.pdf = PdfDocument(title, language)
        self.y = 0.0

    def add_page(self) -> None:
        """Begin a page at its top."""
        self.pdf.add_page()
        self.y = TOP_MARGIN
        self.decorate_page()

    def decorate_page(self) -> None:
        """Write the content that every page has below its text, such as a watermark."""

    def ensure_space(self, height: float) -> None:
        """Add a page if the block does not fit below. A block higher than a page starts at the current position."""
        if self.y + height > BOTTOM_LIMIT and height <= BOTTOM_LIMIT - TOP_MARGIN and self.y > TOP_MARGIN:
            self.add_page()

    def write_aligned_line(self, text: str, y: float, style: TextStyle, alignment: float) -> None:
        """Write a line with an alignment of 0 (left), 0.5 (centre) or 1 (right)."""
        x = LEFT_MARGIN + alignment * (CONTENT_WIDTH - self.pdf.measure_text(text, style))
        self.pdf.write_line(x, y, text, style)

    def write_columns(
        self, cells: Sequence[tuple[float, list[str], TextStyle]], following_height: float = 0.0
    ) -> None:
        """Write columns of text side by side.

        Args:
            cells: left offset, lines and style of each column.
            following_height: height of the block that must be on the same page as the last lines.
        """
        tallest = max((style for _, _, style in cells), key=lambda style: style.size)
        line_height, row_count = tallest.line_height, max(len(lines) for _, lines, _ in cells)
        for row in range(row_count):
            if row == max(row_count - KEPT_LINES, 0):
                self.ensure_space((row_count - row) * line_height + following_height)
            if self.y + line_height > BOTTOM_LIMIT:
                self.add_page()
            for x, lines, style in cells:
                if row < len(lines):
                    baseline_shift = (tallest.size - style.size) * BASELINE_OFFSET_FACTOR
                    self.pdf.write_line(LEFT_MARGIN + x, self.y + baseline_shift, lines[row], style)
            self.y += line_height

    def write_text(
        self, text: str, style: TextStyle = BODY_STYLE, inset: float = 0.0, following_height: float = 0.0
    ) -> None:
        """Write a text, broken into lines."""
        lines = self.pdf.wrap_text(text, CONTENT_WIDTH - inset, style)
        self.write_columns([(inset, lines, style)], following_height)

    def write_labelled_text(self, label: str, text: str, inset: float = 0.0) -> None:
        """Write a text below its label. The label and the first two lines stay on one page."""
        lines = self.pdf.wrap_text(text, CONTENT_WIDTH - inset, BODY_STYLE)
        self.ensure_space(SMALL_STYLE.line_height + BODY_STYLE.line_height * min(KEPT_LINES, len(lines)))
        self.write_columns([(inset, [label], SMALL_STYLE.as_bold())])
        self.write_columns([(inset, lines, BODY_STYLE)])
        self.y += 4

    def write_section_heading(self, title: str, min_following_height: float) -> None:
        """Write a heading with a gray background on the same page as the start of the text that follows it."""
        lines = self.pdf.wrap_text(title, CONTENT_WIDTH, HEADING_STYLE)
        height = HEADING_STYLE.line_height * len(lines)
        self.ensure_space(height + 16 + min_following_height)
        self.y += 8
        self.pdf.fill_rectangle(LEFT_MARGIN - 6, self.y, CONTENT_WIDTH + 12, height + 4, 0.91)
        self.y += 2
        self.write_columns([(0.0, lines, HEADING_STYLE)])
        self.y += 8

    def write_section(self, title: str, text: str, style: TextStyle, following_height: float = 0.0) -> None:
        """Write a text below its heading. The last lines stay on the page of the block that follows.

        Empty lines at the end are omitted, because they would be the last lines.
        """
        text = text.rstrip()
        line_count = len(self.pdf.wrap_text(text, CONTENT_WIDTH, style))
        is_short = line_count < 2 * KEPT_LINES
        kept_height = (
            line_count * style.line_height + following_height if is_short else KEPT_LINES * style.line_height
        )
        self.write_section_heading(title, kept_height)
        self.write_text(text, style, following_height=following_height)
