"""A Mastodon server, as far as one account and its statuses go."""

from collections.abc import Mapping
from typing import Any

from tests.servers.local import Local

Status = dict[str, Any]


def status(number: int, content: str, **more: Any) -> Status:
    return {
        "id": str(number),
        "created_at": f"2024-05-01T{number // 60 % 24:02}:{number % 60:02}:00.000Z",
        "content": content,
        "visibility": "public",
        "language": "en",
        "reblog": None,
        **more,
    }


def reblog(number: int, content: str = "<p>not theirs</p>") -> Status:
    return status(number, content, reblog=status(1, content))


class Mastodon(Local):
    def __init__(self, *statuses: Status, **account: Any) -> None:
        super().__init__()
        self.statuses = list(statuses)
        """Newest first."""
        self.account = {"id": "77", "username": "mara", "acct": "mara", "display_name": "Mara", "note": "", **account}

    def answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, Any]:
        match path:
            case "/api/v1/accounts/lookup" if query.get("acct") == self.account["acct"]:
                return 200, {**self.account, "statuses_count": len(self.statuses)}
            case "/api/v1/accounts/77/statuses":
                return 200, self._page(query)
        return 404, {"error": "Record not found"}

    def _page(self, query: Mapping[str, str]) -> list[Status]:
        low, high = int(query.get("since_id", 0)), int(query.get("max_id", 10**19))
        found = [each for each in self.statuses if low < int(each["id"]) < high]
        return found[: int(query.get("limit", 20))]
