"""The Bot API's methods: https://core.telegram.org/bots/api#available-methods"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tests.servers.telegram.call import Call
from tests.servers.telegram.rules import (
    ANSWER_SECONDS,
    ANSWER_UNITS,
    DOWNLOAD_BYTES,
    bad,
    check_commands,
    check_results,
)
from tests.servers.telegram.sending import (
    delete_message,
    edit_message_caption,
    edit_message_reply_markup,
    edit_message_text,
    send_chat_action,
    send_document,
    send_message,
    send_photo,
)
from tests.servers.telegram.shapes import CallbackAnswer, InlineAnswer, Question
from tests.servers.telegram.words import Json, units
from tests.servers.telegram.world import World

A = TypeVar("A")


async def get_me(world: World, call: Call) -> Json:
    world.started = world.clock.now()
    can = {"can_read_all_group_messages": not world.privacy, "can_join_groups": True, "supports_inline_queries": True}
    return world.bot.json() | can


async def get_updates(world: World, call: Call) -> list[Json]:
    world.mailbox.allowed = call.value("allowed_updates", world.mailbox.allowed)
    limit = min(max(call.integer("limit", 100), 1), 100)
    return await world.mailbox.poll(call.integer("offset", 0), limit, call.integer("timeout", 0))


async def set_webhook(world: World, call: Call) -> bool:
    secret = call.text("secret_token", "")
    if not all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in secret) or len(secret) > 256:
        raise bad("secret token contains unallowed characters")
    world.mailbox.allowed = call.value("allowed_updates", world.mailbox.allowed)
    return await _webhook(world, call, call.text("url"), secret)


async def delete_webhook(world: World, call: Call) -> bool:
    return await _webhook(world, call, "", "")


async def _webhook(world: World, call: Call, url: str, secret: str) -> bool:
    if call.flag("drop_pending_updates"):
        world.mailbox.confirm_all()
    await world.mailbox.set_webhook(url, secret)
    return True


async def get_webhook_info(world: World, call: Call) -> Json:
    mailbox = world.mailbox
    error = {"last_error_date": world.clock.date(), "last_error_message": mailbox.last_error}
    told: Json = {"url": mailbox.url, "has_custom_certificate": False, "pending_update_count": len(mailbox.unconfirmed)}
    return told | (error if mailbox.last_error else {})


async def set_my_commands(world: World, call: Call) -> bool:
    world.commands[_scope(world, call)] = check_commands(call.value("commands"))
    return True


async def get_my_commands(world: World, call: Call) -> list[Json]:
    found = world.commands.get(_scope(world, call), {})
    return [{"command": name, "description": description} for name, description in found.items()]


async def delete_my_commands(world: World, call: Call) -> bool:
    world.commands.pop(_scope(world, call), None)
    return True


def _scope(world: World, call: Call) -> str:
    """A key of ``World.commands``; a language stands behind a blank."""
    scope = call.value("scope", {"type": "default"})
    key: str = scope["type"]
    if "chat_id" in scope:
        key += f":{world.reached(str(scope['chat_id'])).name}"
    if "user_id" in scope:
        key += f":{next(user.name for user in world.users.values() if user.id == scope['user_id'])}"
    return f"{key} {call.text('language_code', '')}".strip()


async def answer_callback_query(world: World, call: Call) -> bool:
    press = _unanswered(world, world.presses, call.text("callback_query_id"))
    if units(call.text("text", "")) > ANSWER_UNITS:
        raise bad("MESSAGE_TOO_LONG")
    press.answer = CallbackAnswer(call.text("text", ""), call.flag("show_alert"))
    return True


async def answer_inline_query(world: World, call: Call) -> bool:
    query = _unanswered(world, world.queries, call.text("inline_query_id"))
    results = call.value("results")
    check_results(results)
    query.answer = InlineAnswer(results, call.integer("cache_time", 300), call.flag("is_personal"))
    return True


def _unanswered(world: World, questions: dict[str, Question[A]], number: str) -> Question[A]:
    question = questions.get(number)
    if not question or question.answer or world.clock.now() - question.at > ANSWER_SECONDS:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    return question


async def get_file(world: World, call: Call) -> Json:
    file = next((file for file in world.files if file.id == call.text("file_id")), None)
    if not file:
        raise bad("wrong file_id or the file is temporarily unavailable")
    if len(file.content) > DOWNLOAD_BYTES:
        raise bad("file is too big")
    return file.json() | {"file_path": file.path}


async def get_chat(world: World, call: Call) -> Json:
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    always = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": dict.fromkeys(gifts, False)}
    return world.reached(call.text("chat_id")).json() | always


async def get_chat_administrators(world: World, call: Call) -> list[Json]:
    chat = world.reached(call.text("chat_id"))
    if chat.owner:
        raise bad("there are no administrators in the private chat")
    leading = [user for user, status in chat.statuses.items() if status in ("creator", "administrator")]
    return [chat.member(user) for user in leading if not user.is_bot]


async def get_chat_member(world: World, call: Call) -> Json:
    chat = world.reached(call.text("chat_id"))
    known = [world.bot, *world.users.values()]
    user = next((user for user in known if user.id == call.integer("user_id")), None)
    if not user:
        raise bad("invalid user_id specified")
    return chat.member(user)


METHODS: dict[str, Callable[[World, Call], Awaitable[Any]]] = {
    "answerCallbackQuery": answer_callback_query,
    "answerInlineQuery": answer_inline_query,
    "deleteMessage": delete_message,
    "deleteMyCommands": delete_my_commands,
    "deleteWebhook": delete_webhook,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "editMessageText": edit_message_text,
    "getChat": get_chat,
    "getChatAdministrators": get_chat_administrators,
    "getChatMember": get_chat_member,
    "getFile": get_file,
    "getMe": get_me,
    "getMyCommands": get_my_commands,
    "getUpdates": get_updates,
    "getWebhookInfo": get_webhook_info,
    "sendChatAction": send_chat_action,
    "sendDocument": send_document,
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "setMyCommands": set_my_commands,
    "setWebhook": set_webhook,
}
