"""Pass all items that arrive during one call to the next call."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batch(Generic[Item, Result]):
    """Collects items while `process` is running, and passes all of them to its next call.

    `process` returns one result for each item, in the same order. If it fails, the items are passed to it one by one, so
    that only those that cause the failure fail.
    """

    def __init__(self, process: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]]) -> None:
        self._process = process
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Process an item, together with others, and return its result."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = loop.create_task(self._process_waiting())
        return await future

    async def _process_waiting(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # requests that are ready can still join
            batch, self._waiting = self._waiting, []
            await self._process_batch(batch)
        self._task = None

    async def _process_batch(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._process([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - the request raises it
            if len(batch) > 1:
                for single in batch:
                    await self._process_batch([single])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():  # a cancelled request does not wait for its result
                future.set_result(result)
