"""Batches: calls that arrive while a transaction runs share the next transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import asyncpg

T = TypeVar("T")
R = TypeVar("R")

MAX_BATCH_SIZE = 100
ITEM_ERRORS = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.InvalidAuthorizationSpecificationError,
)
"""Errors that a single item can cause: an invalid value, or an access that is not open. Any other error, such as a lost
connection or a timeout, would occur again for each item."""


class Batcher(Generic[T, R]):
    """Runs one batch at a time. The items that are submitted in the meantime form the next batch.

    A single call does not wait for others. Under load, one commit serves many calls.
    """

    def __init__(self, run: Callable[[Sequence[T]], Awaitable[Sequence[R]]]) -> None:
        """`run` processes a batch and returns one result per item."""
        self._run = run
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: T) -> R:
        """Process an item in the next batch and return its result.

        Raises:
            Exception: the error of the batch, or, if the batch was repeated, of this item.
        """
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._run_batches())
        return await future

    def count_waiting_items(self) -> int:
        """Return the number of items that wait for the next batch."""
        return len(self._waiting)

    async def _run_batches(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # requests that are ready can still join
                batch, self._waiting = self._waiting[:MAX_BATCH_SIZE], self._waiting[MAX_BATCH_SIZE:]
                await self._run_batch(batch)
        finally:
            self._task = None

    async def _run_batch(self, batch: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._run([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - the submitters raise it
            if len(batch) == 1 or not isinstance(error, ITEM_ERRORS):
                _fail(batch, error)
                return
            # One item caused the error. The items are repeated one by one, so that the other items succeed.
            for submission in batch:
                await self._run_batch([submission])
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():  # the submitter was cancelled
                    future.set_result(result)


def _fail(batch: list[tuple[T, asyncio.Future[R]]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
