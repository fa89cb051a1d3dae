"""Personas, their versions, and the tweets they are made of."""

import json
from collections.abc import Sequence
from pathlib import Path

from bot.domain import Corpus, Persona, Version
from bot.store import rows
from bot.store.database import Database, now

PERSONA = """
    SELECT p.name, p.display_name, p.pinned, v.*, (SELECT count(*) FROM versions WHERE persona = p.name) AS versions
    FROM personas p JOIN versions v ON v.persona = p.name AND v.number = p.current
"""


class PersonaTables(Database):
    async def personas(self, search: str = "") -> list[Persona]:
        found = await self._rows(
            f"{PERSONA} WHERE instr(p.name, ?) OR instr(lower(p.display_name), ?) ORDER BY p.name", (search, search)
        )
        return [rows.persona(row, self._root) for row in found]

    async def names(self) -> list[str]:
        return [row["name"] for row in await self._rows("SELECT name FROM personas ORDER BY name")]

    async def persona(self, name: str) -> Persona | None:
        row = await self._row(f"{PERSONA} WHERE p.name = ?", (name,))
        return rows.persona(row, self._root) if row else None

    async def versions(self, persona: str) -> list[Version]:
        found = await self._rows("SELECT * FROM versions WHERE persona = ? ORDER BY number", (persona,))
        return [rows.version(row, self._root) for row in found]

    async def directories(self) -> set[Path]:
        """Of every version there is."""
        return {self._root / row["directory"] for row in await self._rows("SELECT directory FROM versions")}

    async def make_current(self, persona: str, number: int, who: str) -> None:
        async with self._transaction():
            await self._db.execute("UPDATE personas SET current = ? WHERE name = ?", (number, persona))
            await self._log(who, "models rollback", f"{persona} {number}")

    async def set_pinned(self, persona: str, pinned: bool, who: str) -> None:
        async with self._transaction():
            await self._db.execute("UPDATE personas SET pinned = ? WHERE name = ?", (pinned, persona))
            await self._log(who, "models pin" if pinned else "models unpin", persona)

    async def delete(self, persona: str, numbers: Sequence[int], who: str) -> None:
        """Forget versions; with the last one the persona goes, otherwise the newest left becomes current."""
        async with self._transaction():
            for number in numbers:
                await self._db.execute("DELETE FROM versions WHERE persona = ? AND number = ?", (persona, number))
            await self._db.execute(
                "UPDATE personas SET current = (SELECT max(number) FROM versions WHERE persona = name)"
                " WHERE name = ? AND EXISTS (SELECT 1 FROM versions WHERE persona = name)"
                " AND NOT EXISTS (SELECT 1 FROM versions WHERE persona = name AND number = current)",
                (persona,),
            )
            await self._db.execute(
                "DELETE FROM personas WHERE name = ? AND NOT EXISTS (SELECT 1 FROM versions WHERE persona = name)",
                (persona,),
            )
            await self._log(who, "models delete", f"{persona} {list(numbers)}")

    async def add_corpus(self, corpus: Corpus) -> None:
        """It is the latest then, also if the same content had been given before."""
        async with self._transaction():
            await self._db.execute(
                "INSERT OR REPLACE INTO corpora VALUES (?, ?, ?, ?)",
                (corpus.handle, corpus.digest, json.dumps(corpus.summary), now()),
            )

    async def delete_corpora(self, handle: str, who: str) -> list[str]:
        """Forget what was read of a person, and give the digests of the files that can go."""
        async with self._transaction():
            found = await self._rows("SELECT digest FROM corpora WHERE handle = ?", (handle,))
            await self._db.execute("DELETE FROM corpora WHERE handle = ?", (handle,))
            await self._log(who, "delete tweets", handle)
        return [row["digest"] for row in found]

    async def supersede(self, corpus: Corpus) -> list[str]:
        """Forget what was read of a person before, but for what a job still waits to train on; the digests."""
        older = (
            "handle = ? AND digest <> ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE instr(training, digest)"
            " AND state IN ('waiting', 'ready', 'training'))"
        )
        async with self._transaction():
            found = await self._rows(f"SELECT digest FROM corpora WHERE {older}", (corpus.handle, corpus.digest))
            await self._db.execute(f"DELETE FROM corpora WHERE {older}", (corpus.handle, corpus.digest))
        return [row["digest"] for row in found]

    async def corpus(self, handle: str, digest: str = "") -> Corpus | None:
        """What was read of a person from that content, or the latest there is."""
        row = await self._row(
            "SELECT digest, summary FROM corpora WHERE handle = ? AND (digest = ? OR ? = '') ORDER BY created DESC",
            (handle, digest, digest),
        )
        return Corpus(handle, row["digest"], json.loads(row["summary"])) if row else None
