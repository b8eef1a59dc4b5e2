"""Lay out the letter to a provider on PDF pages: recipient, shared fields, signature."""

from contextlib import closing

from app.kit.formatting import format_date, format_number
from app.rendering.page_flow import (
    BODY_STYLE,
    BOTTOM_LIMIT,
    CONTENT_WIDTH,
    FINE_PRINT_STYLE,
    LEFT_MARGIN,
    TITLE_STYLE,
    PageFlow,
)
from app.rendering.pdf import PdfDocument, TextStyle
from app.rendering.printed_file import PrintedFile
from app.rendering.signature_fields import Signatory, SignatureFields
from app.services.support.letter_content import LETTER_LABELS, PrintableLetter

RECALL_STYLE = TextStyle(11, bold=True)


def lay_out_letter(printable: PrintableLetter) -> PrintedFile:
    """Return the letter as a PDF."""
    layout = LetterLayout(printable)
    with closing(layout.pdf):
        return layout.render().finish()


class LetterLayout(PageFlow):
    """Layout state of one letter."""

    def __init__(self, printable: PrintableLetter) -> None:
        self.printable, self.language = printable, printable.language
        self.labels = LETTER_LABELS[printable.language]
        super().__init__(self.labels.title, printable.language)

    def render(self) -> PdfDocument:
        """Write all pages and return the document."""
        self.add_page()
        self._write_heading()
        signatures = self._build_signature_fields()
        last = len(self.printable.fields)
        for position, (label, text) in enumerate(self.printable.fields, 1):
            following_height = signatures.height if position == last else 0.0
            self.write_section(label, text, BODY_STYLE, following_height)
        signatures.write()
        self._write_footers()
        return self.pdf

    def decorate_page(self) -> None:
        """Mark every page of a letter whose consent ended, in all languages."""
        day = self.printable.recall_requested_on
        if day is None:
            return
        for line, (language, labels) in enumerate(LETTER_LABELS.items()):
            text = labels.recalled.format(format_date(day, language))
            self.write_aligned_line(text, 24 + line * RECALL_STYLE.line_height, RECALL_STYLE, 0.5)

    def _write_heading(self) -> None:
        labels, printable = self.labels, self.printable
        self.pdf.write_line(LEFT_MARGIN, self.y, labels.organisation, TextStyle(10, bold=True, gray=0.35))
        self.y += 16
        self.pdf.write_line(LEFT_MARGIN, self.y, labels.title, TITLE_STYLE)
        self.y += TITLE_STYLE.line_height + 4
        self.pdf.draw_rule(LEFT_MARGIN, self.y, CONTENT_WIDTH, 1.4)
        self.y += 8
        for label, value in (
            (labels.recipient, printable.provider_name),
            (labels.service, printable.service),
            (labels.sent_on, format_date(printable.sent_on, self.language)),
            (labels.sender, printable.sender_name),
        ):
            lines = self.pdf.wrap_text(value, CONTENT_WIDTH - 86, BODY_STYLE)
            self.write_columns([(0.0, [label], FINE_PRINT_STYLE), (86, lines, BODY_STYLE)])
        self.y += 8
        self.write_text(labels.request)

    def _build_signature_fields(self) -> SignatureFields:
        labels = self.labels
        signatory = Signatory(labels.worker, self.printable.sender_name)
        return SignatureFields(self, labels.agreement, (labels.signature, labels.date), [signatory])

    def _write_footers(self) -> None:
        """Write the footer of every page. It contains the page count, which is known only after the last page."""
        count = self.pdf.page
        for page in range(1, count + 1):
            self.pdf.page = page
            numbers = format_number(page, self.language), format_number(count, self.language)
            y = BOTTOM_LIMIT + 18
            self.pdf.draw_rule(LEFT_MARGIN, BOTTOM_LIMIT + 12, CONTENT_WIDTH, 0.4, 0.5)
            self.pdf.write_line(LEFT_MARGIN, y, self.labels.confidential, FINE_PRINT_STYLE)
            self.write_aligned_line(self.labels.page.format(*numbers), y, FINE_PRINT_STYLE, 1)
