"""The SQLite file itself: opening, migrating, transactions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiosqlite

from bot import clock, handles
from bot.errors import StoreBroken
from bot.store.migrations import STEPS

FILE = "mockingbird.db"


class Database:
    """A connection, and one writer at a time on it."""

    def __init__(self, connection: aiosqlite.Connection, root: Path) -> None:
        self._db = connection
        self._root = root
        self._writing = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, root: Path) -> AsyncIterator[Self]:
        """The database of a data folder. Paths are kept relative to the folder, so that it can be moved.

        Raises StoreBroken, as do all methods that write.
        """
        async with aiosqlite.connect(root / FILE, isolation_level=None) as connection:
            connection.row_factory = aiosqlite.Row
            store = cls(connection, root)
            try:
                for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000", "secure_delete = ON"):
                    await connection.execute(f"PRAGMA {pragma}")
                await store._migrate()
                await connection.execute("PRAGMA foreign_keys = ON")
                await connection.create_function("names", 2, handles.named, deterministic=True)
            except aiosqlite.Error as error:
                raise StoreBroken(str(root / FILE), str(error)) from error
            yield store

    async def _migrate(self) -> None:
        row = await self._row("PRAGMA user_version")
        for number, step in enumerate(STEPS[row[0] if row else 0 :], start=row[0] if row else 0):
            await self._db.executescript(f"BEGIN; {step} PRAGMA user_version = {number + 1}; COMMIT;")

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        async with self._writing:
            try:
                await self._db.execute("BEGIN IMMEDIATE")
                yield
                await self._db.execute("COMMIT")
            except aiosqlite.Error as error:
                await self._db.rollback()
                raise StoreBroken(str(self._root / FILE), str(error)) from error
            except BaseException:  # a cancelled BEGIN or COMMIT takes effect all the same
                await self._db.rollback()
                raise

    async def _rewrite(self) -> None:
        """Leave nothing of deleted rows in the file or beside it: pages that were split keep pieces of them."""
        async with self._writing:
            await self._db.execute("VACUUM")
            await self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[aiosqlite.Row]:
        return list(await self._db.execute_fetchall(sql, values))

    async def _row(self, sql: str, values: Sequence[Any] = ()) -> aiosqlite.Row | None:
        found = await self._rows(sql, values)
        return found[0] if found else None

    async def _log(self, who: str, action: str, target: str) -> None:
        await self._db.execute(
            "INSERT INTO audit (at, who, action, target) VALUES (?, ?, ?, ?)", (now(), who, action, target)
        )


def now() -> str:
    return clock.now().isoformat()
