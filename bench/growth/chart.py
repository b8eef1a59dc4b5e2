"""Draw the time in PostgreSQL per request as bars, one group per operation and one bar per database."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.rendering.printed_file import PrintedFile
from app.rendering.svg import build_element, build_svg, build_text

LEFT_MARGIN, PLOT_WIDTH, RIGHT_MARGIN = 430.0, 300.0, 190.0
TOP_MARGIN, BAR_HEIGHT, GROUP_SPACING = 96.0, 14.0, 18.0
SHADES = ("#c9c9c9", "#8a8a8a", "#3d3d3d", "#000")
"""Fill of the bars, from the smallest to the largest database."""


def draw_growth_chart(operations: Mapping[str, Mapping[str, Any]], max_ratio: float) -> PrintedFile:
    """Return the chart as SVG. Each group has its own scale, so that bars of equal length mean no growth."""
    case_counts = list(next(iter(operations.values()))["medians"])
    group_height = BAR_HEIGHT * len(case_counts) + GROUP_SPACING
    size = (LEFT_MARGIN + PLOT_WIDTH + RIGHT_MARGIN, TOP_MARGIN + group_height * len(operations) + 8)
    title = "Time in PostgreSQL per request"
    body = build_text(title, 24, 36, 20, font_weight="bold") + _draw_legend(case_counts, max_ratio)
    body += "".join(
        _draw_group(name, operation, TOP_MARGIN + group_height * index, max_ratio)
        for index, (name, operation) in enumerate(operations.items())
    )
    return build_svg(size, title, _describe(operations), body, "en")


def _draw_legend(case_counts: Sequence[str], max_ratio: float) -> str:
    parts = []
    for index, case_count in enumerate(case_counts):
        x = 24 + 170.0 * index
        parts.append(build_element("rect", x=x, y=56, width=14, height=14, fill=SHADES[index]))
        parts.append(build_text(f"{int(case_count):,} cases", x + 20, 68, 13))
    x = LEFT_MARGIN + PLOT_WIDTH + RIGHT_MARGIN - 24
    parts.append(build_text(f"bar: ratio ≤ {max_ratio}", x, 68, 13, text_anchor="end"))
    return "".join(parts)


def _draw_group(name: str, operation: Mapping[str, Any], y: float, max_ratio: float) -> str:
    milliseconds = [figures["postgres_ms"] or 0 for figures in operation["medians"].values()]
    ratio = operation["ratio"]
    parts = [
        build_text(name, 24, y + 14, 14, font_weight="bold"),
        build_text(operation["description"], 60, y + 14, 12),
    ]
    for index, value in enumerate(milliseconds):
        width, bar_y = PLOT_WIDTH * value / max(*milliseconds, 0.001), y + BAR_HEIGHT * index
        parts.append(
            build_element(
                "rect", x=LEFT_MARGIN, y=bar_y, width=width, height=BAR_HEIGHT - 2, fill=SHADES[index]
            )
        )
        label = f"{value:,.2f} ms" if value else "failed"
        parts.append(build_text(label, LEFT_MARGIN + width + 6, bar_y + 10, 11))
    x = LEFT_MARGIN + PLOT_WIDTH + RIGHT_MARGIN - 24
    weight = "normal" if ratio and ratio <= max_ratio else "bold"
    label = f"ratio {ratio:,.2f}" if ratio else "failed"
    parts.append(build_text(label, x, y + 14, 14, text_anchor="end", font_weight=weight))
    return "".join(parts)


def _describe(operations: Mapping[str, Mapping[str, Any]]) -> str:
    ratios = (
        f"{name} {operation['ratio']:.2f}" for name, operation in operations.items() if operation["ratio"]
    )
    return f"Ratios of the largest database to the smallest: {', '.join(ratios)}."
