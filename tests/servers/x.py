"""X API v2, as far as people and their timelines go."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.servers.local import Local

PROBLEMS = "https://api.twitter.com/2/problems/"
USER = re.compile(r"/2/users/by/username/(\w{1,15})")
TIMELINE = re.compile(r"/2/users/(\d+)/tweets")
PARAMETERS = {"tweet.fields", "max_results", "pagination_token", "since_id", "until_id", "exclude"}

Tweet = dict[str, Any]


@dataclass
class Account:
    id: str
    username: str
    name: str = "Somebody"
    description: str = ""
    protected: bool = False
    suspended: bool = False
    tweets: list[Tweet] = field(default_factory=list)
    """Newest first."""


def tweet(number: int, text: str, **more: Any) -> Tweet:
    day, second = 1 + number // 80_000, number % 80_000
    time = f"2024-01-{day:02}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000Z"
    return {"id": str(number), "created_at": time, "text": text, "lang": "en", **more}


def retweet(number: int, text: str = "RT @other: not theirs") -> Tweet:
    return tweet(number, text, referenced_tweets=[{"type": "retweeted", "id": "1"}])


class X(Local):
    """Unlike X it can forget its pagination tokens. A page is cut first and ``exclude`` applied after, as X does."""

    def __init__(self, *accounts: Account, bearer: str = "token") -> None:
        super().__init__()
        self.bearer = bearer
        self.accounts = list(accounts)
        self.served: list[str] = []
        """Ids of all posts that went out: what X would charge for."""
        self.tokens: dict[str, int] = {}

    def answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, Any]:
        if headers.get("Authorization") != f"Bearer {self.bearer}":
            return 401, {"title": "Unauthorized", "status": 401, "detail": "Unauthorized", "type": "about:blank"}
        if found := USER.fullmatch(path):
            return self._user(found[1], query)
        if found := TIMELINE.fullmatch(path):
            return self._timeline(found[1], query)
        return 404, {"title": "Not Found", "status": 404, "detail": "Not Found", "type": "about:blank"}

    def _user(self, username: str, query: Mapping[str, str]) -> tuple[int, Any]:
        account = next((each for each in self.accounts if each.username.lower() == username.lower()), None)
        if account is None or account.suspended:
            return 200, {"errors": [problem("suspended" if account else "unknown", username)]}
        user = {
            "description": account.description,
            "protected": account.protected,
            "public_metrics": {"tweet_count": len(account.tweets)},
        }
        asked = {name: user[name] for name in query.get("user.fields", "").split(",") if name in user}
        return 200, {"data": {"id": account.id, "username": account.username, "name": account.name, **asked}}

    def _timeline(self, number: str, query: Mapping[str, str]) -> tuple[int, Any]:
        account = next(each for each in self.accounts if each.id == number)
        token = query.get("pagination_token", "")
        if set(query) - PARAMETERS or (token and token not in self.tokens):
            return 400, {"title": "Invalid Request", "detail": "One or more parameters was invalid.", "errors": []}
        if account.protected or account.suspended:
            return 200, {"errors": [problem("suspended" if account.suspended else "protected", number)]}
        low, high = int(query.get("since_id", 0)), int(query.get("until_id", 10**19))
        found = [each for each in account.tweets if low < int(each["id"]) < high]
        at, size = self.tokens.get(token, 0), int(query.get("max_results", 10))
        page = [each for each in found[at : at + size] if not ("exclude" in query and "referenced_tweets" in each)]
        self.served += [each["id"] for each in page]
        return 200, self._page(page, at + size if at + size < len(found) else None, query)

    def _page(self, page: Sequence[Tweet], following: int | None, query: Mapping[str, str]) -> dict[str, Any]:
        names = {"id", "text", *query.get("tweet.fields", "").split(",")}
        meta: dict[str, Any] = {"result_count": len(page)}
        if page:
            meta |= {"newest_id": page[0]["id"], "oldest_id": page[-1]["id"]}
        if following is not None:
            meta["next_token"] = f"token{following}"
            self.tokens[meta["next_token"]] = following
        data = [{name: value for name, value in each.items() if name in names} for each in page]
        return {"meta": meta, **({"data": data} if data else {})}


def problem(kind: str, value: str) -> dict[str, str]:
    """An entry of ``errors`` about one person, in an answer with status 200."""
    title, detail, name = {
        "unknown": ("Not Found Error", f"Could not find user with username: [{value}].", "resource-not-found"),
        "suspended": ("Forbidden", f"User has been suspended: [{value}].", "resource-not-found"),
        "protected": ("Authorization Error", "Sorry, you are not authorized.", "not-authorized-for-resource"),
    }[kind]
    return {"value": value, "title": title, "detail": detail, "type": PROBLEMS + name, "resource_type": "user"}
