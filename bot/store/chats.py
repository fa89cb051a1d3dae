"""What belongs to chats: settings, who used what when, what was said where and who liked it, what buttons stand for."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.domain import Liked, Origin, Said, Vote
from bot.errors import Blocked, UnknownTweet
from bot.store.database import Database, now


class ChatTables(Database):
    async def setting(self, scope: str, name: str) -> str | None:
        row = await self._row("SELECT value FROM settings WHERE scope = ? AND name = ?", (scope, name))
        return row["value"] if row else None

    async def set_setting(self, scope: str, name: str, value: str, who: str) -> None:
        async with self._transaction():
            await self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?, ?)", (scope, name, value))
            await self._log(who, f"set {name}", f"{scope} {value}")

    async def use(self, who: str, since: datetime, limit: int) -> datetime | None:
        """Count one use, unless there were ``limit`` since then: then the oldest of those is returned."""
        async with self._transaction():
            await self._db.execute("DELETE FROM uses WHERE at <= ?", (since.isoformat(),))
            found = await self._rows("SELECT at FROM uses WHERE who = ? ORDER BY at DESC LIMIT ?", (who, limit))
            if len(found) == limit:
                return datetime.fromisoformat(found[-1]["at"])
            await self._db.execute("INSERT INTO uses VALUES (?, ?)", (who, now()))
        return None

    # Updates.

    async def receive(self, platform: str, update: str, content: str) -> bool:
        """Keep an update before its platform is told that it arrived. False when it is there already."""
        async with self._transaction():
            written = await self._db.execute(
                "INSERT OR IGNORE INTO inbox VALUES (?, ?, ?, ?, NULL)", (platform, update, content, now())
            )
        return written.rowcount == 1

    async def unanswered(self, platform: str) -> list[str]:
        """The contents of the updates that an earlier process left."""
        found = await self._rows(
            "SELECT content FROM inbox WHERE platform = ? AND answered IS NULL ORDER BY received", (platform,)
        )
        return [row["content"] for row in found]

    async def set_answered(self, platform: str, update: str) -> None:
        """Its content is not needed any more; that it came is, should it come again."""
        async with self._transaction():
            await self._db.execute(
                "UPDATE inbox SET answered = ?, content = '' WHERE platform = ? AND update_id = ?",
                (now(), platform, update),
            )

    # What stands in chats.

    async def say(self, origin: Origin, message: str, said: Said) -> None:
        """Nothing is kept of a persona that is gone meanwhile."""
        async with self._transaction():
            await self._db.execute(
                "INSERT OR REPLACE INTO said SELECT ?, ?, ?, name, ?, ? FROM personas WHERE name = ?",
                (origin.platform, origin.channel, message, said.words, now(), said.persona),
            )

    async def said(self, origin: Origin, message: str) -> Said | None:
        row = await self._row(
            "SELECT persona, words FROM said WHERE platform = ? AND channel = ? AND message = ?",
            (origin.platform, origin.channel, message),
        )
        return Said(row["persona"], row["words"]) if row else None

    async def keep_line(self, line: str) -> str:
        """An id that stands for a command line from now on."""
        id = hashlib.sha256(line.encode()).hexdigest()[:16]
        async with self._transaction():
            await self._db.execute("INSERT OR IGNORE INTO lines VALUES (?, ?)", (id, line))
        return id

    async def line(self, id: str) -> str | None:
        row = await self._row("SELECT line FROM lines WHERE id = ?", (id,))
        return row["line"] if row else None

    async def forget_before(self, moment: datetime) -> None:
        """Updates and tweets in chats that are too old to matter, but for tweets that somebody likes."""
        async with self._transaction():
            await self._db.execute("DELETE FROM inbox WHERE received < ?", (moment.isoformat(),))
            await self._db.execute("DELETE FROM said WHERE at < ?", (moment.isoformat(),))
            await self._db.execute(
                "DELETE FROM tweets WHERE at < ? AND id NOT IN (SELECT tweet FROM votes WHERE standing)",
                (moment.isoformat(),),
            )

    async def move_channel(self, platform: str, old: str, new: str) -> None:
        """A group has got another id: everything that belongs to it moves, its topics too."""
        async with self._transaction():
            for table in ("watchers", "said"):
                await self._db.execute(
                    f"UPDATE OR REPLACE {table} SET channel = ? || substr(channel, ?)"
                    " WHERE platform = ? AND (channel = ? OR channel LIKE ? || '/%')",
                    (new, len(old) + 1, platform, old, old),
                )
            await self._db.execute(  # messages of the old group cannot be changed in the new one
                "UPDATE watchers SET message = '' WHERE platform = ? AND (channel = ? OR channel LIKE ? || '/%')",
                (platform, new, new),
            )
            community = f"{platform}:{old}", f"{platform}:{new}"
            await self._db.execute("UPDATE jobs SET community = ? WHERE community = ?", community[::-1])
            for kind in ("channel", "community"):
                scope = f"{kind}:{platform}:{old}"
                await self._db.execute(
                    "UPDATE OR REPLACE settings SET scope = ? || substr(scope, ?)"
                    " WHERE scope = ? OR scope LIKE ? || '/%'",
                    (f"{kind}:{platform}:{new}", len(scope) + 1, scope, scope),
                )

    # Votes.

    async def keep_tweet(self, persona: str, words: str) -> str:
        """The id by which it can be voted for from now on. Nothing is kept of a persona that is gone meanwhile."""
        id = hashlib.sha256(f"{persona} {words}".encode()).hexdigest()[:12]
        async with self._transaction():
            await self._db.execute(
                "INSERT INTO tweets SELECT ?, name, ?, ? FROM personas WHERE name = ?"
                " ON CONFLICT (id) DO UPDATE SET at = excluded.at",
                (id, words, now(), persona),
            )
        return id

    async def vote(self, tweet: str, who: str, asked: str = "") -> Vote:
        """Vote for a tweet, or take the vote back, once for an update that ``asked``. Raises UnknownTweet."""
        async with self._transaction():
            if not await self._row("SELECT 1 FROM tweets WHERE id = ?", (tweet,)):
                raise UnknownTweet
            await self._db.execute(
                "INSERT INTO votes (tweet, who, asked) VALUES (?, ?, ?) ON CONFLICT (tweet, who)"
                " DO UPDATE SET standing = NOT standing, asked = excluded.asked"
                " WHERE asked = '' OR asked != excluded.asked",
                (tweet, who, asked),
            )
            found = await self._rows("SELECT who FROM votes WHERE tweet = ? AND standing", (tweet,))
        return Vote(who in [row["who"] for row in found], len(found))

    async def best_liked(self, persona: str, limit: int) -> list[Liked]:
        """Of a persona's tweets that somebody likes, those with the most votes; of equal ones the newest."""
        found = await self._rows(
            "SELECT words, count(*) AS liked FROM tweets JOIN votes ON tweet = id AND standing WHERE persona = ?"
            " GROUP BY id ORDER BY liked DESC, at DESC LIMIT ?",
            (persona, limit),
        )
        return [Liked(row["words"], row["liked"]) for row in found]

    # Money.

    async def pay(self, receipt: str, dollars: float) -> None:
        """Book a payment, once however often it is told."""
        async with self._transaction():
            await self._db.execute("INSERT OR IGNORE INTO payments VALUES (?, ?, ?)", (receipt, dollars, now()))

    async def paid_since(self, since: datetime) -> float:
        found = await self._rows("SELECT dollars FROM payments WHERE at >= ?", (since.isoformat(),))
        return float(sum(row["dollars"] for row in found))

    # People nobody may be made of.

    async def blocked(self, handle: str) -> bool:
        return bool(await self._row("SELECT 1 FROM blocked WHERE handle = ?", (handle,)))

    async def check_allowed(self, people: Iterable[str]) -> None:
        """Raises Blocked."""
        for person in people:
            if await self.blocked(person):
                raise Blocked(person)

    async def block(self, handle: str, who: str) -> None:
        """The row is the receipt, and all that is kept of them."""
        async with self._transaction():
            await self._db.execute("INSERT OR IGNORE INTO blocked VALUES (?, ?, ?)", (handle, who, now()))

    async def scrub(self, person: str, personas: Sequence[str], jobs: Sequence[str]) -> None:
        """Delete every row that names a person, one of the personas, or belongs to one of the jobs."""
        async with self._transaction():
            await self._db.execute("CREATE TEMP TABLE gone (job TEXT PRIMARY KEY)")
            await self._db.executemany("INSERT INTO gone VALUES (?)", [(job,) for job in jobs])
            for name in {person, *personas}:
                await self._db.execute(
                    "INSERT OR IGNORE INTO gone SELECT id FROM jobs WHERE names(training, ?)", (name,)
                )
                await self._db.execute("DELETE FROM outbox WHERE names(content, ?)", (name,))
                await self._db.execute("UPDATE jobs SET error = '' WHERE names(error, ?)", (name,))
                for table in ("said", "tweets"):
                    await self._db.execute(f"DELETE FROM {table} WHERE persona = ? OR names(words, ?)", (name, name))
                await self._db.execute("DELETE FROM settings WHERE value = ?", (name,))
                for table, column in (("lines", "line"), ("inbox", "content"), ("audit", "target")):
                    await self._db.execute(f"DELETE FROM {table} WHERE names({column}, ?)", (name,))
            watchers = "(SELECT id FROM watchers WHERE job IN (SELECT job FROM gone))"
            await self._db.execute(f"DELETE FROM outbox WHERE watcher IN {watchers}")
            await self._db.execute("DELETE FROM watchers WHERE job IN (SELECT job FROM gone)")
            await self._db.execute("DELETE FROM jobs WHERE id IN (SELECT job FROM gone)")
            await self._db.execute("DROP TABLE gone")
        await self._rewrite()

    async def unblock(self, handle: str, who: str) -> bool:
        """False when nobody had blocked them."""
        async with self._transaction():
            written = await self._db.execute("DELETE FROM blocked WHERE handle = ?", (handle,))
            await self._log(who, "unblock", handle)
        return written.rowcount == 1
