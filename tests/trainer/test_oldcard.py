"""Cards of all layouts, and what must not be believed of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.old_models import IN_HTML, IN_MARKDOWN, ONE_IN_2020, TWO_IN_2021
from trainer import card, oldcard
from trainer.handles import HANDLE

FERRY = {"downloaded": 1200, "retweets": 150, "short": 50, "dropped": 0, "kept": 1000}


@pytest.mark.parametrize("table", [IN_MARKDOWN, IN_HTML])
def test_a_card_of_2020_tells_its_one_person(table: str) -> None:
    told = oldcard.read(ONE_IN_2020 + table)
    assert told.people == [oldcard.person("ferry_fern", "Fern & the <3 Ferry", FERRY)]
    assert told.avatars == ["https://pbs.twimg.com/profile_images/7/ferry.jpg"]


def test_a_card_of_2021_tells_each_of_its_people() -> None:
    told = oldcard.read(TWO_IN_2021)
    assert [each["handle"] for each in told.people] == ["anna_anchor", "bo_buoy"]
    assert [each["name"] for each in told.people] == ["Anna & her Anchor", "Bo 🛟"]
    assert [each["counts"]["kept"] for each in told.people] == [2000, 800]
    assert told.avatars == [
        "https://pbs.twimg.com/profile_images/1/a.jpg",
        "https://pbs.twimg.com/profile_images/2/b.jpg",
    ]
    assert told.base == "gpt2"


def test_a_card_of_mockingbird_is_read_back() -> None:
    people = [oldcard.person("ferry_fern", "Fern | the *Ferry*", FERRY), oldcard.person("my-bo.example", "Bo", FERRY)]
    known = {"people": people, "adapter": False, "base_hub_id": None, "parameters": 1}
    meta = known | {"adopted": {"source": "somebody/model", "commit": None}}
    assert oldcard.read(card.card(meta)).people == people


def test_a_name_that_breaks_the_table_is_read_from_above_the_handle() -> None:
    broken = TWO_IN_2021.replace("| Data | Anna & her Anchor | Bo 🛟 |", "| Data | An|na | B|o |")
    broken = broken.replace("Anna & her Anchor & Bo 🛟</div>", "An|na & B|o</div>")
    assert [each["name"] for each in oldcard.read(broken).people] == ["An|na", "B|o"]


def test_numbers_that_do_not_add_up_are_not_believed() -> None:
    told = oldcard.read(ONE_IN_2020 + IN_MARKDOWN.replace("1200", "1201"))
    assert told.people == [oldcard.person("ferry_fern", "Fern & the <3 Ferry", {})]


def test_an_avatar_is_of_twitters_servers_only() -> None:
    for elsewhere in ("https://evil.example/x.jpg", "http://127.0.0.1/x.jpg", "https://pbs.twimg.com.evil.example/x"):
        card = ONE_IN_2020.replace("https://pbs.twimg.com/profile_images/7/ferry.jpg", elsewhere)
        assert oldcard.read(card).avatars == []


def test_a_handle_that_is_none_is_not_believed() -> None:
    assert oldcard.read(ONE_IN_2020.replace("@Ferry_Fern bot", "@../../etc bot")).people == []


def test_a_card_that_tells_nothing_gives_nothing() -> None:
    assert oldcard.read("# A model\n\nIt writes.") == oldcard.Told()


PARTS = st.sampled_from(
    ["@a", "@a-b", " bot", "\n", "|", " | ", "Data", "Tweets kept", "12", "<td>", "</td>", "&#124;"]
)


@given(st.lists(PARTS | st.text(max_size=5)).map("".join))
def test_any_text_can_be_read(text: str) -> None:
    for person in oldcard.read(text).people:
        assert HANDLE.fullmatch(person["handle"])
