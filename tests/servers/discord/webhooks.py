"""Answers to interactions: the first response, and what its token gives the right to afterwards."""

import time

from aiohttp import web

from tests.servers.discord import rules, wire
from tests.servers.discord.rest import EDIT_ANSWER, FOLLOW_UP, Answer, Handler, kept_of, read
from tests.servers.discord.rules import Refusal, invalid
from tests.servers.discord.things import AUTOCOMPLETE, COMMAND, COMPONENT, Choice, File, Interaction, Json, Message
from tests.servers.discord.world import World

MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES = 4, 5, 6, 7, 8
"""Types of a first response."""
FITTING = {
    COMMAND: (MESSAGE, DEFERRED),
    COMPONENT: (MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE),
    AUTOCOMPLETE: (CHOICES,),
}
TOKEN_LIFE = 15 * 60
"""Seconds."""


class Webhooks:
    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> dict[str, Handler]:
        return {
            "POST /interactions/{interaction}/{token}/callback": self._respond,
            FOLLOW_UP: self._follow_up,
            "GET /webhooks/{bot}/{token}/messages/{message}": self._get,
            EDIT_ANSWER: self._edit,
            "DELETE /webhooks/{bot}/{token}/messages/{message}": self._delete,
        }

    async def _respond(self, request: web.Request) -> Answer:
        body, files = await read(request)
        interaction = self._unanswered(request)
        if body.get("type") not in FITTING[interaction.kind]:
            raise invalid("type", f"a response of type {body.get('type')} to {interaction.name}")
        data = body.get("data") or {}
        self._take(interaction, body["type"], data, files)
        interaction.response, interaction.latency = body["type"], time.monotonic() - interaction.asked
        self._world.changed()
        if request.query.get("with_response", "").lower() not in ("1", "true"):
            return None
        return _told(interaction)

    def _unanswered(self, request: web.Request) -> Interaction:
        interaction = self._world.interactions.get(request.match_info["token"])
        if interaction is None or str(interaction.id) != request.match_info["interaction"]:
            raise Refusal(404, 10062, "Unknown interaction", "an unknown interaction")
        if interaction.response is not None:
            words = "Interaction has already been acknowledged."
            raise Refusal(400, 40060, words, f"a second response to {interaction.name}")
        if interaction.expired:
            raise Refusal(404, 10062, "Unknown interaction", f"a late response to {interaction.name}")
        return interaction

    def _take(self, interaction: Interaction, kind: int, data: Json, files: list[File]) -> None:
        if kind == CHOICES:
            rules.check_choices(data.get("choices") or [])
            interaction.choices = [Choice(each["name"], each["value"]) for each in data.get("choices") or []]
        elif kind in (DEFERRED_UPDATE, UPDATE):
            interaction.original = interaction.message
            if kind == UPDATE and interaction.message:
                self._change(interaction, interaction.message, data, files)
        else:
            if kind == MESSAGE:
                rules.check_message(data, {}, len(files))
            message = self._new(interaction, data)
            message.loading = kind == DEFERRED
            interaction.original = self._world.post(message, data, files)

    def _new(self, interaction: Interaction, data: Json) -> Message:
        hidden = bool((data.get("flags") or 0) & wire.EPHEMERAL)
        world = self._world
        return Message(world.new_id(), interaction.channel, world.bot, interaction=interaction, ephemeral=hidden)

    def _change(self, interaction: Interaction, message: Message, body: Json, files: list[File]) -> Message:
        rules.check_message(body, kept_of(message), len(files))
        if message not in interaction.answers:
            interaction.answers.append(message)
        return self._world.edit(message, body, files)

    async def _follow_up(self, request: web.Request) -> Answer:
        body, files = await read(request)
        interaction = self._by_token(request)
        original = interaction.original
        if original and original.loading and not original.deleted:  # the first one takes the place of "is thinking…"
            return wire.message(self._change(interaction, original, body, files))
        rules.check_message(body, {}, len(files))
        return wire.message(self._world.post(self._new(interaction, body), body, files))

    async def _get(self, request: web.Request) -> Answer:
        return wire.message(self._answer(request)[1])

    async def _edit(self, request: web.Request) -> Answer:
        body, files = await read(request)
        interaction, message = self._answer(request)
        return wire.message(self._change(interaction, message, body, files))

    async def _delete(self, request: web.Request) -> Answer:
        self._world.delete(self._answer(request)[1])
        return None

    def _by_token(self, request: web.Request) -> Interaction:
        interaction = self._world.interactions.get(request.match_info["token"])
        if interaction is None or request.match_info["bot"] != str(self._world.bot.id):
            raise Refusal(404, 10015, "Unknown Webhook", "an unknown token")
        if (age := self._world.now() - interaction.born) > TOKEN_LIFE:
            words = f"the token of {interaction.name} after {age / 60:.0f} min"
            raise Refusal(401, 50027, "Invalid Webhook Token", words)
        if interaction.response is None:
            raise Refusal(404, 10015, "Unknown Webhook", f"the token of {interaction.name} before its first response")
        if interaction.channel.deleted:
            raise Refusal(404, 10003, "Unknown Channel")
        return interaction

    def _answer(self, request: web.Request) -> tuple[Interaction, Message]:
        interaction = self._by_token(request)
        named = request.match_info["message"]
        own = [interaction.original, *(each for each in interaction.answers if each.interaction is interaction)]
        found = own[0] if named == "@original" else next((each for each in own if each and str(each.id) == named), None)
        if found is None or found.deleted:
            raise Refusal(404, 10008, "Unknown Message")
        return interaction, found


def _told(interaction: Interaction) -> Json:
    """The answer to a first response that asks for one."""
    told: Json = {"id": str(interaction.id), "type": interaction.kind, "channel_id": str(interaction.channel.id)}
    message = interaction.original
    if message is None:
        return {"interaction": told}
    told |= {
        "response_message_id": str(message.id), "response_message_loading": message.loading,
        "response_message_ephemeral": message.ephemeral,
    }  # fmt: skip
    if interaction.response not in (MESSAGE, UPDATE):
        return {"interaction": told}
    return {"interaction": told, "resource": {"type": interaction.response, "message": wire.message(message)}}
