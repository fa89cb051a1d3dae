"""What Telegram refuses, and in which words. Numbers and errors as in https://core.telegram.org/bots/api."""

import io
import re

from PIL import Image, UnidentifiedImageError

from tests.servers.telegram.words import Json, from_html, units

TEXT_UNITS, CAPTION_UNITS, ANSWER_UNITS = 4096, 1024, 200
CALLBACK_BYTES = 64
RESULT_ID_BYTES = 64
MOST_RESULTS, MOST_COMMANDS, MOST_BUTTONS = 50, 100, 100
DOWNLOAD_BYTES, UPLOAD_BYTES, PHOTO_BYTES = 20 << 20, 50 << 20, 10 << 20
ANSWER_SECONDS = 10.0
"""In which a pressed button or an inline query is to be answered. Telegram names no number; people give up by then."""

KEYBOARDS = {"inline_keyboard", "keyboard", "remove_keyboard", "force_reply"}
DECORATION = {"text", "style", "icon_custom_emoji_id"}
"""What a button may have beside the one thing that it does."""
PREFIXES = {400: "Bad Request: ", 403: "Forbidden: ", 409: "Conflict: ", 429: "Too Many Requests: "}


class Refusal(Exception):
    """A call that fails."""

    def __init__(self, code: int, words: str, blamed: bool = True, **parameters: int) -> None:
        """``blamed``: a bot that takes care would not have made this call."""
        super().__init__(PREFIXES.get(code, "") + words)
        self.code = code
        self.blamed = blamed
        self.parameters = parameters


def bad(words: str) -> Refusal:
    return Refusal(400, words)


def written(text: str, mode: str, entities: list[Json], most: int) -> tuple[str, list[Json]]:
    """The text as it will stand, at most ``most`` units long, and its entities."""
    if mode not in ("", "HTML"):
        raise bad(f"unsupported parse_mode {mode}: this server reads HTML only")
    try:
        text, entities = from_html(text) if mode else (text, entities)
    except ValueError as error:
        raise bad(f"can't parse entities: {error}") from None
    if any(each["offset"] < 0 or each["offset"] + each["length"] > units(text) for each in entities):
        raise bad("ENTITY_BOUNDS_INVALID")
    if units(text) > most:
        raise bad("message is too long" if most == TEXT_UNITS else "message caption is too long")
    return text.rstrip(), entities


def text_of_message(text: str, mode: str, entities: list[Json]) -> tuple[str, list[Json]]:
    plain, marks = written(text, mode, entities, TEXT_UNITS)
    if not plain.strip():
        raise bad("message text is empty")
    return plain, marks


def check_keyboard(markup: Json) -> tuple[tuple[Json, ...], ...]:
    """The rows of an inline keyboard; none where it is of another kind."""
    if markup and len(KEYBOARDS & set(markup)) != 1:
        raise bad("object expected as reply markup")
    rows = tuple(tuple(row) for row in markup.get("inline_keyboard", []))
    if sum(map(len, rows)) > MOST_BUTTONS:
        raise bad("reply markup is too long")
    for row in rows:
        for button in row:
            check_button(button)
    return tuple(row for row in rows if row)


def check_button(button: Json) -> None:
    if not button.get("text"):
        raise bad('can\'t parse inline keyboard button: field "text" must be non-empty')
    if len(set(button) - DECORATION) != 1:
        raise bad("can't parse inline keyboard button: text buttons are unallowed in the inline keyboard")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(data.encode()) <= CALLBACK_BYTES:
        raise bad("BUTTON_DATA_INVALID")


def check_commands(commands: list[Json]) -> dict[str, str]:
    """Descriptions by name."""
    if len(commands) > MOST_COMMANDS:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for each in commands:
        if not re.fullmatch("[a-z0-9_]{1,32}", each["command"]):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(each["description"]) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    return {each["command"]: each["description"] for each in commands}


def check_results(results: list[Json]) -> None:
    """Of an inline query."""
    ids = [str(each.get("id", "")) for each in results]
    if len(ids) > MOST_RESULTS:
        raise bad("RESULTS_TOO_MUCH")
    if not all(1 <= len(each.encode()) <= RESULT_ID_BYTES for each in ids):
        raise bad("RESULT_ID_INVALID")
    if len(set(ids)) < len(ids):
        raise bad("RESULT_ID_DUPLICATE")
    for each in results:
        check_keyboard(each.get("reply_markup", {}))
        if each["type"] == "article" and not (each.get("title") and each.get("input_message_content")):
            raise bad("can't parse inline query result: an article needs a title and a content")
        if (said := each.get("input_message_content", {})) and "message_text" in said:
            text_of_message(said["message_text"], said.get("parse_mode", ""), said.get("entities", []))


def picture_size(content: bytes) -> tuple[int, int]:
    """Width and height of a photo that Telegram would take, in pixels."""
    if len(content) > PHOTO_BYTES:
        raise bad("file is too big")
    try:
        with Image.open(io.BytesIO(content)) as picture:
            width, height = picture.size
    except UnidentifiedImageError:
        raise bad("IMAGE_PROCESS_FAILED") from None
    if width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    return width, height
