"""Bluesky's public AppView, as far as profiles and author feeds go."""

from collections.abc import Mapping
from typing import Any

from tests.servers.local import Local

Item = dict[str, Any]


def post(number: int, text: str, **record: Any) -> Item:
    """A feed's item of minute ``number`` of a day."""
    time = f"2024-05-01T{number // 60:02}:{number % 60:02}:00.000Z"
    return {
        "post": {
            "uri": f"at://did:plc:me/app.bsky.feed.post/3k{number:06}",
            "author": {"did": "did:plc:me", "handle": "mara.example"},
            "record": {"$type": "app.bsky.feed.post", "text": text, "createdAt": time, "langs": ["en"], **record},
            "indexedAt": time,
        }
    }


def repost(number: int, text: str = "not theirs") -> Item:
    """Of a post that is older than all of a feed's own."""
    time = f"2024-05-01T{number // 60:02}:{number % 60:02}:00.000Z"
    uri = f"at://did:plc:me/app.bsky.feed.repost/3r{number:06}"
    return post(0, text) | {"reason": {"$type": "app.bsky.feed.defs#reasonRepost", "uri": uri, "indexedAt": time}}


class Bluesky(Local):
    def __init__(self, *feed: Item, **profile: Any) -> None:
        super().__init__()
        self.feed = list(feed)
        """Newest first."""
        self.profile = {"did": "did:plc:me", "handle": "mara.example", "displayName": "Mara", **profile}

    def answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, Any]:
        if query.get("actor") not in (self.profile["did"], self.profile["handle"]):
            return 400, {"error": "InvalidRequest", "message": "Profile not found"}
        match path:
            case "/xrpc/app.bsky.actor.getProfile":
                return 200, {**self.profile, "postsCount": len(self.feed)}
            case "/xrpc/app.bsky.feed.getAuthorFeed":
                return 200, self._page(int(query.get("cursor", 0)), int(query.get("limit", 50)))
        return 404, {"error": "XRPCNotSupported", "message": "XRPCNotSupported"}

    def _page(self, at: int, size: int) -> dict[str, Any]:
        following = {"cursor": str(at + size)} if at + size < len(self.feed) else {}
        return {"feed": self.feed[at : at + size], **following}
