"""The methods that put something into a chat, or change what the bot put there."""

from typing import Literal

from tests.servers.telegram.call import Call
from tests.servers.telegram.rules import (
    CAPTION_UNITS,
    UPLOAD_BYTES,
    Refusal,
    bad,
    check_keyboard,
    text_of_message,
    written,
)
from tests.servers.telegram.shapes import Action, Chat, Content, Edit, File, Message
from tests.servers.telegram.words import Json, found_entities
from tests.servers.telegram.world import World

Rows = tuple[tuple[Json, ...], ...]

ACTIONS = {"typing", "upload_photo", "upload_document", "choose_sticker", "find_location"}
ACTIONS |= {f"{verb}_{what}" for verb in ("record", "upload") for what in ("video", "voice", "video_note")}


async def send_message(world: World, call: Call) -> Json:
    chat = _place(world, call)
    return _send(world, call, chat, Content(*_text(call), _keyboard(call)))


async def send_photo(world: World, call: Call) -> Json:
    return _send_file(world, call, "photo")


async def send_document(world: World, call: Call) -> Json:
    return _send_file(world, call, "document")


def _send_file(world: World, call: Call, kind: Literal["photo", "document"]) -> Json:
    chat = _place(world, call)
    return _send(world, call, chat, Content(*_caption(call), _keyboard(call)), _file(world, call, kind))


def _file(world: World, call: Call, kind: Literal["photo", "document"]) -> File:
    """Uploaded now, or sent before and named by its id."""
    upload = call.upload(kind)
    if upload is None:
        known = next((file for file in world.files if file.id == call.text(kind) and file.kind == kind), None)
        if known is None:
            raise bad("wrong remote file identifier specified: can't unserialize it")
        return known
    if not upload.content:
        raise bad("file must be non-empty")
    if len(upload.content) > UPLOAD_BYTES:
        raise bad("file is too big")
    return world.store(kind, upload.name, upload.content)


def _place(world: World, call: Call) -> Chat:
    """The chat of a message or an edit, which counts against the limits."""
    chat = world.reached(call.text("chat_id"))
    world.flood.take(chat)
    return chat


def _text(call: Call) -> tuple[str, tuple[Json, ...]]:
    text, entities = text_of_message(call.text("text"), call.text("parse_mode", ""), call.value("entities", []))
    return text, (*entities, *found_entities(text))


def _caption(call: Call) -> tuple[str, tuple[Json, ...]]:
    mode, entities = call.text("parse_mode", ""), call.value("caption_entities", [])
    text, entities = written(call.text("caption", ""), mode, entities, CAPTION_UNITS)
    return text, (*entities, *found_entities(text))


def _keyboard(call: Call) -> Rows:
    return check_keyboard(call.value("reply_markup", {}))


def _send(world: World, call: Call, chat: Chat, content: Content, file: File | None = None) -> Json:
    reply = _replied(world, call, chat)
    thread = _topic(chat, call) or (reply.thread if reply else None)
    reply = reply or chat.topics.get(thread or 0)
    return world.post(chat, world.bot, content, file=file, reply_to=reply, thread=thread).json()


def _replied(world: World, call: Call, chat: Chat) -> Message | None:
    asked = call.value("reply_parameters", {})
    there = {each.id for each in world.sent if each.chat is chat and not each.deleted_by}
    if not asked or (asked.get("allow_sending_without_reply") and asked["message_id"] not in there):
        return None
    return world.find(chat, asked["message_id"], "be replied")


def _topic(chat: Chat, call: Call) -> int | None:
    """Only a forum has topics; elsewhere a thread is not a place to send to."""
    thread = call.thread()
    if thread is not None and thread not in chat.topics:
        raise bad("message thread not found")
    return thread


async def edit_message_text(world: World, call: Call) -> Json:
    message = _own_message(world, call)
    if message.file:
        raise bad("there is no text in the message to edit")
    return _change(world, message, Content(*_text(call), _keyboard(call)))


async def edit_message_caption(world: World, call: Call) -> Json:
    message = _own_message(world, call)
    if not message.file:
        raise bad("there is no caption in the message to edit")
    return _change(world, message, Content(*_caption(call), _keyboard(call)))


async def edit_message_reply_markup(world: World, call: Call) -> Json:
    message = _own_message(world, call)
    return _change(world, message, Content(message.content.text, message.content.entities, _keyboard(call)))


def _own_message(world: World, call: Call) -> Message:
    chat = _place(world, call)
    message = world.find(chat, call.integer("message_id"), "edit")
    if message.author != world.bot:
        raise bad("message can't be edited")
    return message


def _change(world: World, message: Message, content: Content) -> Json:
    if content == message.content:
        words = "specified new message content and reply markup are exactly the same as a current content and markup"
        known = world.started <= (message.edits[-1].at if message.edits else message.at)
        raise Refusal(400, f"message is not modified: {words} of the message", blamed=known)
    message.content = content
    message.edits.append(Edit(world.clock.now(), content))
    return message.json()


async def delete_message(world: World, call: Call) -> bool:
    chat = world.reached(call.text("chat_id"))
    message = world.find(chat, call.integer("message_id"), "delete")
    if message.author != world.bot and chat.statuses[world.bot] != "administrator":
        raise bad("message can't be deleted")
    message.deleted_by = world.bot
    return True


async def send_chat_action(world: World, call: Call) -> bool:
    chat = world.reached(call.text("chat_id"))
    if call.text("action") not in ACTIONS:
        raise bad("wrong parameter action in request")
    world.chat_actions.append(Action(world.clock.now(), chat, _topic(chat, call), call.text("action")))
    return True
