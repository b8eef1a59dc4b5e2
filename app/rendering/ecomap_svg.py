"""Draw an ecomap as SVG: the rings of the socio-ecological model around a child."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from app.rendering.ecomap_geometry import (
    BOX_SPACING,
    BOX_WIDTH,
    CORNER_RADIUS,
    DETAIL_FONT_SIZE,
    GROWTH_STEP,
    NAME_FONT_SIZE,
    RING_SPACING,
    Box,
    Ellipse,
    Figure,
    Point,
    Ring,
)
from app.rendering.printed_file import PrintedFile
from app.rendering.shaping import measure_text
from app.rendering.svg import (
    LINE_HEIGHT,
    build_element,
    build_paragraph,
    build_svg,
    build_text,
    fit_text_lines,
)

FRAME_STYLES: dict[str, dict[str, float | str]] = {
    "supporter": {"stroke_width": 4, "rx": CORNER_RADIUS},
    "responsible": {"stroke_width": 1.5, "rx": CORNER_RADIUS},
    "person": {"stroke_width": 1.5, "rx": CORNER_RADIUS},
    "organisation": {"stroke_width": 1.5},
    "loose": {"stroke_width": 1.5, "stroke_dasharray": "6 4"},
    "past": {"stroke_width": 1.5, "stroke_dasharray": "1.5 3"},
}
"""Outline of a figure by its frame. Frames differ by outline and not by colour, for black-and-white prints."""
RING_STYLES = (("#ececec", ""), ("#f7f7f7", "12 5"), ("#fff", "2 5"))
"""Fill and stroke dash pattern of each ring, from the inside out."""
MAX_FIGURES_PER_RING = 30
"""Maximum number of figures in a ring. If there are more, the last figure shows how many are omitted."""


def draw_ecomap(
    child: Sequence[str],
    rings: Sequence[Ring],
    title: str,
    subtitle: str,
    legend: dict[str, str],
    language: str,
) -> PrintedFile:
    """Return an ecomap as an SVG document.

    Args:
        child: the lines of text in the centre.
        rings: the rings from the inside out.
        title: heading of the drawing.
        subtitle: a line to the right of the heading.
        legend: the meaning of each frame, in the order of the legend.
        language: language tag of the document.
    """
    edge, boxes_by_ring, edges = _child_ellipse(child), [], []
    for ring in rings:
        boxes, edge = _place_figures(ring, edge)
        boxes_by_ring.append(boxes)
        edges.append(edge)
    top, bottom = 70.0, 44.0 + 26 * math.ceil(len(legend) / 2)
    width, height = max(2 * edge.radius_x + 40, 760.0), top + 2 * edge.radius_y + bottom
    body = _translate(width / 2, top + edge.radius_y, _draw_rings(child, rings, boxes_by_ring, edges))
    heading = build_text(title, 24, 38, 20, font_weight="bold")
    footer = _draw_legend(legend, height - bottom + 40, width) + build_text(
        subtitle, width - 24, 38, 12, text_anchor="end"
    )
    return build_svg(
        (width, height), title, _describe_ecomap(child, rings), heading + body + footer, language
    )


def _child_ellipse(child: Sequence[str]) -> Ellipse:
    text_width = max(measure_text(line, NAME_FONT_SIZE, bold=True) for line in child)
    return Ellipse(max(64.0, text_width / 2 + 18), max(54.0, 16 + 13 * len(child)))


def _describe_ecomap(child: Sequence[str], rings: Sequence[Ring]) -> str:
    ring_texts = (
        f"{ring.title}: {'; '.join(figure.description for figure in ring.figures) or '—'}." for ring in rings
    )
    return " ".join([f"{', '.join(child)}.", *ring_texts])


def _place_figures(ring: Ring, inner_edge: Ellipse) -> tuple[list[Box], Ellipse]:
    """Place the figures of a ring near the child without overlaps. Return their boxes and the edge of the ring."""
    boxes = [_build_box(figure) for figure in _limit_figures(ring.figures)]
    max_height = max((box.height for box in boxes), default=24.0)
    path = Ellipse(
        inner_edge.radius_x + RING_SPACING + BOX_WIDTH / 2,
        inner_edge.radius_y + RING_SPACING + max_height / 2,
    )
    placed = _distribute_along_ellipse(path, boxes, max_height)
    while _has_overlaps(placed, inner_edge):
        path = path.expand(max(GROWTH_STEP, path.radius_y / 50))
        placed = _distribute_along_ellipse(path, boxes, max_height)
    if not placed:
        return [], inner_edge.expand(RING_SPACING + max_height)
    edge = Ellipse(path.radius_x + BOX_WIDTH / 2, path.radius_y + max_height / 2).expand(BOX_SPACING)
    while not all(edge.contains(corner) for box in placed for corner in box.corners()):
        edge = edge.expand(GROWTH_STEP)
    return placed, edge.expand(BOX_SPACING)


def _limit_figures(figures: tuple[Figure, ...]) -> tuple[Figure, ...]:
    return (
        figures
        if len(figures) <= MAX_FIGURES_PER_RING
        else (*figures[: MAX_FIGURES_PER_RING - 1], Figure(f"+ {len(figures) - MAX_FIGURES_PER_RING + 1}"))
    )


def _build_box(figure: Figure) -> Box:
    name_lines = fit_text_lines(figure.name, NAME_FONT_SIZE, BOX_WIDTH - 20, 3, bold=True)
    detail_lines = [
        line
        for detail in figure.details
        for line in fit_text_lines(detail, DETAIL_FONT_SIZE, BOX_WIDTH - 20, 2)
    ]
    text_height = NAME_FONT_SIZE * LINE_HEIGHT * len(name_lines)
    text_height += DETAIL_FONT_SIZE * LINE_HEIGHT * len(detail_lines)
    return Box(0, 0, 16 + text_height, figure, name_lines, detail_lines)


def _has_overlaps(boxes: list[Box], inner_edge: Ellipse) -> bool:
    margin = inner_edge.expand(RING_SPACING - 4)
    if any(margin.contains(box.nearest_point()) for box in boxes):
        return True
    return any(box.overlaps(other) for index, box in enumerate(boxes) for other in boxes[:index])


def _distribute_along_ellipse(path: Ellipse, boxes: list[Box], max_height: float) -> list[Box]:
    """Place boxes at equal distances along an ellipse, starting at the top.

    Horizontal distances are measured in box widths, vertical distances in box heights. Boxes are wider than high, so
    more of them fit along a vertical part of the path than along a horizontal part of the same length.
    """
    points = [_point_at_angle(path, degrees) for degrees in range(361)]
    lengths = [0.0]
    for (x, y), (next_x, next_y) in pairwise(points):
        lengths.append(
            lengths[-1]
            + math.hypot((next_x - x) / (BOX_WIDTH + BOX_SPACING), (next_y - y) / (max_height + BOX_SPACING))
        )
    placed = []
    for index, box in enumerate(boxes):
        length = lengths[-1] * index / len(boxes)
        degrees = max(bisect_left(lengths, length), 1)
        fraction = (length - lengths[degrees - 1]) / (lengths[degrees] - lengths[degrees - 1])
        x, y = _point_at_angle(path, degrees - 1 + fraction)
        placed.append(replace(box, x=x, y=y))
    return placed


def _point_at_angle(path: Ellipse, degrees: float) -> Point:
    """Return a point of the ellipse. The angle starts at the top and runs clockwise."""
    radians = math.radians(degrees - 90)
    return path.radius_x * math.cos(radians), path.radius_y * math.sin(radians)


def _translate(x: float, y: float, content: str) -> str:
    return build_element("g", content, transform=f"translate({x:.1f} {y:.1f})")


def _draw_rings(
    child: Sequence[str], rings: Sequence[Ring], boxes_by_ring: Sequence[list[Box]], edges: Sequence[Ellipse]
) -> str:
    """Draw the rings from the outside in, because later elements cover earlier elements."""
    elements = []
    for ring, edge, (fill, dashes) in reversed(list(zip(rings, edges, RING_STYLES, strict=True))):
        elements.append(_draw_ring_edge(edge, fill, dashes) + _draw_ring_title(ring.title, edge))
    supporters = [box for box in boxes_by_ring[0] if box.figure.frame == "supporter"]
    elements += [
        build_element("line", x1=0, y1=0, x2=box.x, y2=box.y, stroke="#000", stroke_width=4)
        for box in supporters
    ]
    elements += [_draw_figure(box) for boxes in boxes_by_ring for box in boxes]
    return "".join([*elements, _draw_child(child)])


def _draw_ring_edge(edge: Ellipse, fill: str, dashes: str) -> str:
    attributes: dict[str, float | str] = {"fill": fill, "stroke": "#555", "stroke_width": 1.5}
    if dashes:
        attributes["stroke_dasharray"] = dashes
    return build_element("ellipse", cx=0, cy=0, rx=edge.radius_x, ry=edge.radius_y, **attributes)


def _draw_ring_title(title: str, edge: Ellipse) -> str:
    half_width = measure_text(title, 13) / 2 + 10
    background = build_element(
        "rect",
        x=-half_width,
        y=edge.radius_y - 12,
        width=2 * half_width,
        height=24,
        rx=12,
        fill="#fff",
        stroke="#555",
    )
    return background + build_text(title, 0, edge.radius_y + 5, 13, text_anchor="middle")


def _draw_figure(box: Box) -> str:
    left, top = box.x - BOX_WIDTH / 2, box.y - box.height / 2
    frame = build_element(
        "rect",
        x=left,
        y=top,
        width=BOX_WIDTH,
        height=box.height,
        fill="#fff",
        stroke="#000",
        **FRAME_STYLES[box.figure.frame],
    )
    if box.figure.frame == "responsible":
        inner = {
            "x": left + 4,
            "y": top + 4,
            "width": BOX_WIDTH - 8,
            "height": box.height - 8,
            "rx": CORNER_RADIUS - 3,
        }
        frame += build_element("rect", fill="none", stroke="#000", **inner)
    name_y = top + 8 + NAME_FONT_SIZE * LINE_HEIGHT * 0.74
    details_y = name_y + NAME_FONT_SIZE * LINE_HEIGHT * len(box.name_lines) - 2
    text = build_paragraph(
        box.name_lines, box.x, name_y, NAME_FONT_SIZE, text_anchor="middle", font_weight="bold"
    )
    text += build_paragraph(box.detail_lines, box.x, details_y, DETAIL_FONT_SIZE, text_anchor="middle")
    return build_element("g", frame + text)


def _draw_child(child: Sequence[str]) -> str:
    ellipse = _child_ellipse(child)
    background = build_element(
        "ellipse",
        cx=0,
        cy=0,
        rx=ellipse.radius_x,
        ry=ellipse.radius_y,
        fill="#fff",
        stroke="#000",
        stroke_width=5,
    )
    y = 6 - (len(child) - 1) * NAME_FONT_SIZE * LINE_HEIGHT / 2
    return background + build_paragraph(
        list(child), 0, y, NAME_FONT_SIZE, text_anchor="middle", font_weight="bold"
    )


def _draw_legend(legend: dict[str, str], top: float, width: float) -> str:
    """Draw the meaning of each frame, in two columns."""
    elements = []
    for index, (frame, meaning) in enumerate(legend.items()):
        x, y = 24 + (index % 2) * width / 2, top + 26 * (index // 2)
        elements.append(
            build_element(
                "rect", x=x, y=y - 13, width=30, height=17, fill="#fff", stroke="#000", **FRAME_STYLES[frame]
            )
        )
        if frame == "responsible":
            elements.append(
                build_element(
                    "rect", x=x + 3, y=y - 10, width=24, height=11, fill="none", stroke="#000", rx=7
                )
            )
        elements.append(build_text(meaning, x + 40, y, 12))
    return "".join(elements)
