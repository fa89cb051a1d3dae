"""/like: a vote for a tweet. The button below a tweet stands for it."""

from bot import text
from bot.commands.options import TweetId
from bot.commands.table import Request, command
from bot.reply import Reply


@command("like", "Vote for a tweet, or take your vote back", button=True)
async def like(request: Request, tweet: TweetId) -> Reply:
    origin = request.origin
    return text.voted(await request.services.store.vote(tweet.lower(), origin.who, origin.update))
