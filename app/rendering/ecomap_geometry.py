"""The figures, boxes and ellipses that an ecomap is laid out with."""

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
    """Somebody, or some organisation, in a ring."""

    name: str
    details: tuple[str, ...] = ()
    frame: str = "person"
    """One of `FRAMES`."""

    @property
    def description(self) -> str:
        """The figure in words."""
        return ", ".join([self.name, *self.details])


@dataclass(frozen=True, slots=True)
class Ring:
    """A ring, from the inside out."""

    title: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """Where a figure stands: its middle, its size, and what is written in it."""

    x: float
    y: float
    height: float
    figure: Figure
    name: list[str]
    details: list[str]

    def overlaps(self, other: "Box") -> bool:
        """Whether two boxes are too near to one another."""
        apart = abs(self.y - other.y) - (self.height + other.height) / 2
        return abs(self.x - other.x) < BOX_WIDTH + BOX_SPACING and apart < BOX_SPACING

    def corners(self) -> Iterator[Point]:
        """Yield the four corners."""
        for across in (-BOX_WIDTH / 2, BOX_WIDTH / 2):
            for down in (-self.height / 2, self.height / 2):
                yield self.x + across, self.y + down

    def nearest_point(self) -> Point:
        """Return the point of the box that is nearest to the child."""
        return max(abs(self.x) - BOX_WIDTH / 2, 0), max(abs(self.y) - self.height / 2, 0)


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse around the child."""

    radius_x: float
    radius_y: float

    def contains(self, point: Point) -> bool:
        """Whether a point lies within."""
        return (point[0] / self.radius_x) ** 2 + (point[1] / self.radius_y) ** 2 < 1

    def expand(self, by: float) -> "Ellipse":
        """Return a larger one."""
        return Ellipse(self.radius_x + by, self.radius_y + by)
