"""Users, guilds, channels, messages and interactions as JSON, with the fields that clients read."""

import mimetypes
from collections.abc import Callable
from datetime import UTC, datetime

from tests.servers.discord.things import (
    COMMAND,
    MANAGE_GUILD,
    MEMBER,
    Attachment,
    Channel,
    Guild,
    Interaction,
    Json,
    Message,
    User,
)

EPHEMERAL, LOADING = 1 << 6, 1 << 7
"""Flags of a message."""
REPLY, CHAT_INPUT = 19, 20
"""Types of a message that is no plain one."""
MAX_FILE = 10 << 20
"""Bytes that anybody may upload."""
EPOCH = 1_420_070_400_000
"""Discord's first millisecond, from which its ids count."""


def time_of(snowflake: int) -> str:
    """When an id was given, in ISO 8601."""
    return datetime.fromtimestamp(((snowflake >> 22) + EPOCH) / 1000, UTC).isoformat()


def user(of: User) -> Json:
    return {
        "id": str(of.id), "username": of.name, "global_name": of.name.title(), "discriminator": "0", "avatar": None,
        "bot": of.bot, "public_flags": 0, "flags": 0,
    }  # fmt: skip


def member(of: User, guild: Guild) -> Json:
    """A member of a guild, without its user."""
    return {
        "roles": [str(guild.id + 1)] if of.name == "admin" else [], "nick": None, "avatar": None, "flags": 0,
        "joined_at": time_of(of.id), "premium_since": None, "deaf": False, "mute": False, "pending": False,
    }  # fmt: skip


def role(id: int, name: str, permissions: int) -> Json:
    return {
        "id": str(id), "name": name, "permissions": str(permissions), "position": 0, "color": 0, "hoist": False,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None}, "managed": False,
        "mentionable": False, "flags": 0,
    }  # fmt: skip


def channel(of: Channel, bot: User) -> Json:
    common: Json = {"id": str(of.id), "flags": 0, "last_message_id": None}
    if of.guild is None:
        return common | {"type": 1, "recipients": [user(of.recipient)] if of.recipient else []}
    denied = {"id": str(bot.id), "type": 1, "allow": "0", "deny": str(of.denied)}
    return common | {
        "type": 0, "guild_id": str(of.guild.id), "name": of.name, "position": 0, "topic": None, "nsfw": False,
        "parent_id": None, "rate_limit_per_user": 0, "permission_overwrites": [denied] if of.denied else [],
    }  # fmt: skip


def guild(of: Guild, channels: list[Channel], bot: User, members: int) -> Json:
    """As a bot that joins it, or logs in, is told of it."""
    roles = [role(of.id, "@everyone", MEMBER), role(of.id + 1, "managers", MEMBER | MANAGE_GUILD)]
    return {
        "id": str(of.id), "name": of.name, "owner_id": str(of.id), "roles": roles, "unavailable": False,
        "features": [], "emojis": [], "stickers": [], "icon": None, "splash": None, "banner": None, "afk_timeout": 300,
        "description": None, "verification_level": 0, "default_message_notifications": 0, "mfa_level": 0,
        "explicit_content_filter": 0, "premium_tier": 0, "preferred_locale": "en-US", "nsfw_level": 0, "large": False,
        "joined_at": time_of(of.id), "member_count": members, "voice_states": [], "presences": [], "threads": [],
        "members": [member(bot, of) | {"user": user(bot)}], "channels": [channel(each, bot) for each in channels],
        "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [],
    }  # fmt: skip


def attachment(of: Attachment) -> Json:
    kind = mimetypes.guess_type(of.name)[0] or "application/octet-stream"
    return {
        "id": str(of.id), "filename": of.name, "size": len(of.content), "url": of.url, "proxy_url": of.url,
        "content_type": kind,
    }  # fmt: skip


def message(of: Message, readable: Callable[[Message], bool] = lambda _: True) -> Json:
    """``readable``: whether the bot is shown what a message says, or only that it was written."""
    reads = readable(of)
    told: Json = {
        "id": str(of.id), "channel_id": str(of.channel.id), "author": user(of.author), "type": _type(of),
        "content": of.content if reads else "", "embeds": of.embeds if reads else [],
        "components": of.components if reads else [],
        "attachments": [attachment(each) for each in of.attachments] if reads else [],
        "mentions": [user(each) for each in of.mentions], "mention_roles": [], "mention_everyone": False,
        "timestamp": time_of(of.id), "edited_timestamp": time_of(of.id) if of.edits else None, "tts": False,
        "pinned": False, "flags": EPHEMERAL * of.ephemeral | LOADING * of.loading,
    }  # fmt: skip
    if of.nonce is not None:
        told["nonce"] = of.nonce
    if of.interaction:
        told["interaction_metadata"] = _metadata(of.interaction)
    if of.reply_to:
        told["message_reference"] = {"message_id": str(of.reply_to.id), "channel_id": str(of.channel.id)}
        told["referenced_message"] = None if of.reply_to.deleted else message(of.reply_to, readable)
    return told


def _type(of: Message) -> int:
    if of.interaction and of.interaction.kind == COMMAND:
        return CHAT_INPUT
    return REPLY if of.reply_to else 0


def _metadata(of: Interaction) -> Json:
    owners = {"0": str(of.channel.guild.id if of.channel.guild else 0)}
    return {"id": str(of.id), "type": of.kind, "user": user(of.user), "authorizing_integration_owners": owners}


def interaction(of: Interaction, bot: User, may: int, bot_may: int) -> Json:
    """``may`` and ``bot_may`` are the permissions of the user and of the bot in the channel."""
    told = _metadata(of) | {
        "application_id": str(bot.id), "token": of.token, "version": 1, "data": of.data, "locale": "en-US",
        "channel_id": str(of.channel.id), "channel": channel(of.channel, bot) | {"permissions": str(may)},
        "app_permissions": str(bot_may), "entitlements": [], "attachment_size_limit": MAX_FILE,
    }  # fmt: skip
    if of.message:
        told["message"] = message(of.message)
    if of.channel.guild is None:
        return told | {"context": 1}
    del told["user"]
    known = member(of.user, of.channel.guild) | {"user": user(of.user), "permissions": str(may)}
    guild_id = str(of.channel.guild.id)
    partial = {"id": guild_id, "locale": "en-US", "features": []}
    return told | {"context": 0, "guild_id": guild_id, "guild": partial, "guild_locale": "en-US", "member": known}
