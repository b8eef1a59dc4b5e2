"""Draw strips on the pages of a PDF. Importing this module is slow, as importing `app.rendering.pdf` is."""

from collections.abc import Iterable, Sequence
from contextlib import closing

from app.rendering.page_flow import BOTTOM_LIMIT, LEFT_MARGIN, PageFlow
from app.rendering.pdf import TextStyle
from app.rendering.printed_file import PrintedFile
from app.rendering.strips import NOTE_GRAY, SMALL_SIZE, BoxMark, Strip, TextMark

FOOT_STYLE = TextStyle(SMALL_SIZE, gray=NOTE_GRAY)


def render_strips_pdf(parts: Iterable[Sequence[Strip]], title: str, language: str) -> PrintedFile:
    """Return the strips as a PDF. Each part begins on a new page. The foot of a page has the title and the page number."""
    flow = StripFlow(title, language)
    with closing(flow.pdf):
        for strips in parts:
            flow.add_page()
            for strip in strips:
                flow.write_strip(strip)
        return flow.pdf.finish()


class StripFlow(PageFlow):
    """Writes strips from the top to the bottom of the pages."""

    def __init__(self, title: str, language: str) -> None:
        super().__init__(title, language)
        self._title = title

    def decorate_page(self) -> None:
        """Write the foot of the page."""
        self.pdf.write_line(LEFT_MARGIN, BOTTOM_LIMIT + 12, self._title, FOOT_STYLE)
        self.write_aligned_line(str(self.pdf.page_no()), BOTTOM_LIMIT + 12, FOOT_STYLE, 1)

    def write_strip(self, strip: Strip) -> None:
        """Write a strip. If it does not fit, write it on a new page, below its heading."""
        page = self.pdf.page_no()
        self.ensure_space(strip.height + strip.following_height)
        if strip.heading is not None and self.pdf.page_no() != page:
            self.write_strip(strip.heading)
        for mark in strip.marks:
            self._write_mark(mark)
        self.y += strip.height

    def _write_mark(self, mark: TextMark | BoxMark) -> None:
        x, y = LEFT_MARGIN + mark.x, self.y + mark.y
        if isinstance(mark, BoxMark):
            self.pdf.fill_rectangle(x, y, mark.width, mark.height, mark.gray)
            return
        style = TextStyle(mark.size, mark.bold, mark.gray)
        left = x - mark.alignment * self.pdf.measure_text(mark.text, style)
        self.pdf.write_line(left, y, mark.text, style)
