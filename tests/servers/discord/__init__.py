"""A Discord on this machine: strict with the bot, patient with the test.

It speaks REST and the gateway, version 10, so that an unmodified discord.py works with it. What Discord would refuse
it refuses, and notes in ``violations``. Users act by calls; tests await conditions and never sleep:

    async with Discord() as discord:
        ...start a bot with discord.token, discord.api_url and discord.gateway_url...
        await discord.ready()
        asked = await discord.slash("models list", user="admin")
        assert "nobody" in (await discord.answer(asked)).content
        assert discord.violations == []
"""

from tests.servers.discord.faults import Fault
from tests.servers.discord.server import Discord
from tests.servers.discord.things import Attachment, Button, Choice, Edit, Impossible, Interaction, Message
from tests.servers.discord.world import MESSAGE_CONTENT

__all__ = [
    "MESSAGE_CONTENT",
    "Attachment",
    "Button",
    "Choice",
    "Discord",
    "Edit",
    "Fault",
    "Impossible",
    "Interaction",
    "Message",
]
