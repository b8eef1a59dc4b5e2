"""Geometry of an ecomap: figures, their boxes, and the ellipses of the rings. All lengths are in SVG user units."""

from collections.abc import Iterator
from dataclasses import dataclass

BOX_WIDTH = 160.0
RING_SPACING = 18.0
BOX_SPACING = 10.0
NAME_FONT_SIZE, DETAIL_FONT_SIZE = 14.0, 12.0
GROWTH_STEP = 4.0
CORNER_RADIUS = 10.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One person or organisation in a ring of the ecomap."""

    name: str
    details: tuple[str, ...] = ()
    frame: str = "person"
    """Outline of the figure: a key of `FRAME_STYLES` in `ecomap_svg`."""

    @property
    def description(self) -> str:
        """Name and details as one text, for the description of the drawing."""
        return ", ".join([self.name, *self.details])


@dataclass(frozen=True, slots=True)
class Ring:
    """One ring of the ecomap with its figures."""

    title: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """The rectangle of a figure: centre, height and wrapped lines of text. The child is at (0, 0)."""

    x: float
    y: float
    height: float
    figure: Figure
    name_lines: list[str]
    detail_lines: list[str]

    def overlaps(self, other: "Box") -> bool:
        """Return whether the distance between two boxes is below `BOX_SPACING`."""
        vertical_gap = abs(self.y - other.y) - (self.height + other.height) / 2
        return abs(self.x - other.x) < BOX_WIDTH + BOX_SPACING and vertical_gap < BOX_SPACING

    def corners(self) -> Iterator[Point]:
        """Yield the coordinates of the four corners."""
        for x_offset in (-BOX_WIDTH / 2, BOX_WIDTH / 2):
            for y_offset in (-self.height / 2, self.height / 2):
                yield self.x + x_offset, self.y + y_offset

    def nearest_point(self) -> Point:
        """Return the absolute values of the coordinates of the point that is nearest to the centre of the ecomap."""
        return max(abs(self.x) - BOX_WIDTH / 2, 0), max(abs(self.y) - self.height / 2, 0)


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse around the centre of the ecomap, with its axes along x and y."""

    radius_x: float
    radius_y: float

    def contains(self, point: Point) -> bool:
        """Return whether the ellipse contains a point."""
        return (point[0] / self.radius_x) ** 2 + (point[1] / self.radius_y) ** 2 < 1

    def expand(self, distance: float) -> "Ellipse":
        """Return an ellipse with both radii longer by a distance."""
        return Ellipse(self.radius_x + distance, self.radius_y + distance)
