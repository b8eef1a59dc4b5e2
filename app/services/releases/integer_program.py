"""Integer programs with non-negative columns and bounded sums, solved with HiGHS."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np


class ProgramFailed(RuntimeError):
    """The solver found no optimal solution in time. The caller must not publish."""


@dataclass(frozen=True)
class LinearSum:
    """A sum of columns, each with its coefficient."""

    coefficients: Mapping[int, int]

    def value(self, solution: Sequence[int]) -> int:
        """Return the value of the sum in a solution."""
        return sum(coefficient * solution[column] for column, coefficient in self.coefficients.items())


class IntegerProgram:
    """Columns with whole values of at least 0, and limits of their sums. One solution is known from the start."""

    def __init__(self, *, timeout_seconds: float = 60.0) -> None:
        """Create a program. All calls of `maximize` together may take `timeout_seconds`."""
        self._ends_at = time.monotonic() + timeout_seconds
        self.solution: list[int] = []
        """The known solution: a value for each column."""
        self._solver = highspy.Highs()  # type: ignore[no-untyped-call]
        self._solver.silent()
        self._solver.setOptionValue("threads", 1)

    def add_column(self, value: int, upper_bound: int) -> int:
        """Add a column with its value in the known solution, and return its number."""
        self._solver.addVar(0, upper_bound)
        self.solution.append(value)
        column = len(self.solution) - 1
        self._solver.changeColIntegrality(column, highspy.HighsVarType.kInteger)
        return column

    def constrain_sum(self, total: LinearSum, low: int, high: int) -> None:
        """Require a sum to be between two numbers.

        Raises:
            ValueError: The known solution is outside the limits.
        """
        if not low <= total.value(self.solution) <= high:
            raise ValueError("The known solution is outside the limits.")
        columns = np.fromiter(total.coefficients, dtype=np.int32)
        coefficients = np.fromiter(total.coefficients.values(), dtype=np.float64)
        self._solver.addRow(low, high, len(columns), columns, coefficients)

    def maximize(self, weights: Mapping[int, float]) -> list[int]:
        """Return the solution with the largest weighted sum of columns.

        Raises:
            ProgramFailed: The solver did not prove an optimum in time.
        """
        costs = np.zeros(len(self.solution))
        for column, weight in weights.items():
            costs[column] = weight
        columns = np.arange(len(costs), dtype=np.int32)
        self._solver.changeColsCost(len(costs), columns, costs)
        self._solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
        # HiGHS counts the limit from the first call of run(), so the time that passed is added.
        remaining = max(0.0, self._ends_at - time.monotonic())
        self._solver.setOptionValue("time_limit", self._solver.getRunTime() + remaining)
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            raise ProgramFailed(str(self._solver.getModelStatus()))
        return [round(value) for value in self._solver.getSolution().col_value]
