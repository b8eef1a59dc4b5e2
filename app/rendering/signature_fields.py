"""Signature fields of a printed page: role and name above a line for the signature and a line for the date."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.rendering.line_breaks import truncate_lines
from app.rendering.page_flow import (
    BODY_STYLE,
    CONTENT_WIDTH,
    FINE_PRINT_STYLE,
    LEFT_MARGIN,
    SMALL_STYLE,
    PageFlow,
)

_FIELDS_PER_ROW = 2
_FIELD_WIDTH = CONTENT_WIDTH / _FIELDS_PER_ROW - 12
_SPACE_ABOVE_LINE, _SPACE_BELOW_FIELD = 34.0, 14.0
_MAX_NAME_LINES = 4


@dataclass(frozen=True, slots=True)
class Signatory:
    """A person who signs. Without a name, the field leaves space to write one by hand."""

    role: str
    name: str


class SignatureFields:
    """The fields of all signatories below an agreement. They are on one page."""

    def __init__(
        self, flow: PageFlow, agreement: str, captions: tuple[str, str], signatories: Sequence[Signatory]
    ) -> None:
        """Prepare the fields.

        Args:
            flow: the document.
            agreement: the sentence that is signed.
            captions: the labels of the line for the signature and of the line for the date.
            signatories: the people who sign.
        """
        self._flow, self._agreement, self._captions = flow, agreement, captions
        fields = [(signatory.role, self._wrap_name(signatory.name)) for signatory in signatories]
        self._rows = [
            fields[start : start + _FIELDS_PER_ROW] for start in range(0, len(fields), _FIELDS_PER_ROW)
        ]

    def _wrap_name(self, name: str) -> list[str]:
        return truncate_lines(self._flow.pdf.wrap_text(name, _FIELD_WIDTH, SMALL_STYLE), _MAX_NAME_LINES)

    @property
    def height(self) -> float:
        """The height of the agreement and all fields."""
        agreement = self._flow.pdf.wrap_text(self._agreement, CONTENT_WIDTH, BODY_STYLE)
        return 22 + BODY_STYLE.line_height * len(agreement) + sum(map(self._measure_row, self._rows))

    def _measure_names(self, row: Sequence[tuple[str, list[str]]]) -> float:
        return SMALL_STYLE.line_height * (1 + max(len(lines) for _, lines in row))

    def _measure_row(self, row: Sequence[tuple[str, list[str]]]) -> float:
        caption_height = FINE_PRINT_STYLE.line_height
        return self._measure_names(row) + _SPACE_ABOVE_LINE + caption_height + _SPACE_BELOW_FIELD

    def write(self) -> None:
        """Write the agreement and the fields."""
        self._flow.ensure_space(self.height)
        self._flow.y += 14
        self._flow.write_text(self._agreement)
        self._flow.y += 8
        for row in self._rows:
            line_y = self._flow.y + self._measure_names(row) + _SPACE_ABOVE_LINE
            for column, (role, names) in enumerate(row):
                x = LEFT_MARGIN + column * (CONTENT_WIDTH / _FIELDS_PER_ROW + 12)
                self._write_field(x, line_y, role, names)
            self._flow.y += self._measure_row(row)

    def _write_field(self, x: float, line_y: float, role: str, names: Sequence[str]) -> None:
        pdf, width, (signature, date) = self._flow.pdf, _FIELD_WIDTH, self._captions
        pdf.write_line(x, self._flow.y, role, SMALL_STYLE.as_bold())
        for position, name in enumerate(names, 1):
            pdf.write_line(x, self._flow.y + position * SMALL_STYLE.line_height, name, SMALL_STYLE)
        pdf.draw_rule(x, line_y, width * 0.62)
        pdf.draw_rule(x + width * 0.68, line_y, width * 0.32)
        pdf.write_line(x, line_y + 2, signature, FINE_PRINT_STYLE)
        pdf.write_line(x + width * 0.68, line_y + 2, date, FINE_PRINT_STYLE)
