"""The server that is run in a test, and the steps that its users take."""

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler as Next

from tests.servers.discord import forms, wire
from tests.servers.discord.faults import Fault
from tests.servers.discord.gateway import Gateway
from tests.servers.discord.limits import Limits
from tests.servers.discord.rest import API, Rest, key_of, respond
from tests.servers.discord.things import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    SEND,
    VIEW,
    Channel,
    Choice,
    File,
    Impossible,
    Interaction,
    Json,
    Message,
)
from tests.servers.discord.webhooks import Webhooks
from tests.servers.discord.world import GUILDS, World


class Discord(World):
    """Serves a bot in the loop of the test until the ``async with`` block ends. See the package for an example.

    ``granted`` are the privileged intents the application has; ``limit`` messages may be written and as many edited
    in ``window`` seconds, in each channel; ``deadline`` is for the first response to an interaction; a condition
    that does not come true within ``patience`` seconds fails the test.
    """

    token = "MTAw.local.token"

    def __init__(
        self,
        *,
        guilds: int = 1,
        granted: int = 0,
        limit: int = 5,
        window: float = 5.0,
        deadline: float = 3.0,
        heartbeat: float = 41.25,
        patience: float = 60.0,
    ) -> None:
        super().__init__(guilds, deadline, patience)
        self.limits = Limits(limit, window)
        self.gateway = Gateway(self, self.token, heartbeat, granted)
        self.requests: list[str] = []
        """As in "POST /channels/1/messages", in order."""
        self._faults: list[Fault] = []
        self._rest = Rest(self, self.token, self.limits)
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.5)

    async def __aenter__(self) -> "Discord":
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = f"127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gateway.drop()
        await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        return f"http://{self.address}{API}"

    @property
    def gateway_url(self) -> str:
        return f"ws://{self.address}/gateway"

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._disturb], client_max_size=256 << 20)
        for line, handler in (self._rest.routes() | Webhooks(self).routes()).items():
            method, path = line.split(" ")
            application.router.add_route(method, API + path, self._rest.serve(handler))
        application.router.add_route("*", API + "/{rest:.*}", self._rest.serve(self._rest.unknown))
        application.router.add_get("/gateway", self.gateway.connect)
        application.router.add_get("/attachments/{id}/{name}", self._download)
        return application

    async def _download(self, request: web.Request) -> web.StreamResponse:
        found = self.files.get(int(request.match_info["id"]))
        if found is None:
            raise web.HTTPNotFound
        return web.Response(body=found.content, content_type="application/octet-stream")

    @web.middleware
    async def _disturb(self, request: web.Request, handler: Next) -> web.StreamResponse:
        line = f"{request.method} {request.path.removeprefix(API)}"
        self.requests.append(line)
        fault = next((each for each in self._faults if each.meets(line)), None)
        if fault is None:
            return await handler(request)
        fault.met += 1
        self.changed()
        await fault.wait()
        answer = None if (fault.cut or fault.status) and not fault.after else await handler(request)
        if fault.cut and request.transport:
            request.transport.abort()
        if fault.status == web.HTTPTooManyRequests.status_code:
            refusal = self.limits.block(key_of(request), fault.retry_after)
            return respond(refusal.status, refusal.body, refusal.headers)
        if fault.status or answer is None:
            return respond(fault.status or web.HTTPServiceUnavailable.status_code, fault.body)
        return answer

    # What goes wrong.

    def fault(self, pattern: str, **how: Any) -> Fault:
        """What ``Fault`` takes; the first one that meets a request is the one it feels."""
        self._faults.append(Fault(pattern, **how))
        return self._faults[-1]

    def clear_faults(self) -> None:
        self._faults.clear()

    def deny(self, channel: str, *, hidden: bool = False) -> None:
        """From now on the bot may not write there, nor see a ``hidden`` channel."""
        place = self.channels[channel]
        place.denied = SEND | VIEW * hidden
        self.dispatch("CHANNEL_UPDATE", wire.channel(place, self.bot), GUILDS)

    def delete_channel(self, channel: str) -> None:
        place = self.channels[channel]
        place.deleted = True
        self.dispatch("CHANNEL_DELETE", wire.channel(place, self.bot), GUILDS)

    def kick(self, guild: int = 1) -> None:
        """The bot is thrown out of a guild."""
        gone = self.guilds[guild - 1]
        gone.kicked = True
        self.dispatch("GUILD_DELETE", {"id": str(gone.id)}, GUILDS)

    # What users do. A channel "dm" is the user's own conversation with the bot.

    async def ready(self) -> None:
        """A bot is connected. Of a second one, ask ``gateway.identified``."""
        await self.until(lambda: self.gateway.connected)

    async def slash(
        self, command: str, *, user: str = "member", channel: str = "general", **options: forms.Value
    ) -> Interaction:
        """``command`` in words, as "models list"; an option named like a parameter here takes a "_" behind its name.

        Everybody may use every command: a guild's admins can allow it, so only a bot's own check protects it.
        """
        place = self._place(channel, user)
        data = self._command(command, place, options)
        return self.interact(self.new_interaction(COMMAND, f"/{command}", user, place, data=data))

    async def autocomplete(
        self, command: str, focused: str, text: str, *, user: str = "member", channel: str = "general",
        **options: forms.Value,
    ) -> list[Choice]:  # fmt: skip
        """What is offered once ``text`` is typed into the option ``focused``; nothing if the answer is late."""
        place = self._place(channel, user)
        data = self._command(command, place, options | {focused: text}, focused)
        name = f"the autocomplete of {focused} of /{command}"
        asked = self.interact(self.new_interaction(AUTOCOMPLETE, name, user, place, data=data))
        await self.until(lambda: asked.response is not None or asked.expired)
        return asked.choices

    async def press(self, message: Message, button: str, *, user: str = "member") -> Interaction:
        """``button`` by its label or custom_id."""
        if message.deleted or (message.ephemeral and message.interaction and message.interaction.user.name != user):
            raise Impossible(f"{user} does not see this message")
        found = next((each for each in message.buttons.values() if button in (each.label, each.custom_id)), None)
        if found is None or found.disabled:
            raise Impossible(f"no button {button!r} to press; there are {list(message.buttons)}")
        data = {"custom_id": found.custom_id, "component_type": 2}
        name = f"the button {found.label}"
        return self.interact(self.new_interaction(COMPONENT, name, user, message.channel, data=data, message=message))

    async def message(
        self, text: str, *, user: str = "member", channel: str = "general", reply_to: Message | None = None,
        mention: bool = False, ping: bool = True, files: list[File] | None = None,
    ) -> Message:  # fmt: skip
        """``mention`` puts the bot's name in front. A reply notifies, and so mentions, whom it answers unless
        ``ping`` is off."""
        place = self._place(channel, user)
        message = Message(self.new_id(), place, self.users[user], reply_to=reply_to)
        content = f"{self.bot.mention} {text}" if mention else text
        message.mentions = [each for each in self.users.values() if each.mention in content]
        if reply_to and ping and reply_to.author not in message.mentions:
            message.mentions.append(reply_to.author)
        return self.post(message, {"content": content}, files or [])

    async def delete_message(self, message: Message) -> None:
        self.delete(message)

    async def answer(self, interaction: Interaction) -> Message:
        """The first message that an interaction brought about or changed, once it shows something."""

        def shown() -> Message | None:
            assert not interaction.expired, f"{interaction.name} was not answered\n{self.transcript()}"
            return next((each for each in interaction.answers if not each.loading), None)

        return await self.until(shown)

    def _place(self, channel: str, user: str) -> Channel:
        place = self.direct(self.users[user]) if channel == "dm" else self.channels[channel]
        if place.deleted:
            raise Impossible(f"{channel} is gone")
        return place

    def _command(self, name: str, channel: Channel, options: dict[str, forms.Value], focused: str = "") -> Json:
        command, way = forms.find(self.commands, name.split())
        if channel.guild is None and (
            command.get("dm_permission") is False or 1 not in (command.get("contexts") or [1])
        ):
            raise Impossible(f"/{name} is not offered in direct messages")
        attached: dict[str, Json] = {}

        def attach(file: File) -> str:
            attachment = self.attach(file)
            attached[str(attachment.id)] = wire.attachment(attachment)
            return str(attachment.id)

        given = {option.rstrip("_"): value for option, value in options.items()}
        data = {"id": command["id"], "name": command["name"], "type": 1}
        data["options"] = forms.fill(way, given, attach, focused)
        return data | ({"resolved": {"attachments": attached}} if attached else {})
