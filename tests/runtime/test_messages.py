from shopper_age.runtime.messages import clip, shorten, shorten_list


def test_a_short_text_stays_and_a_long_one_tells_its_length():
    assert shorten("abc", 3) == "abc"
    assert shorten("a" * 5000, 3) == "aaa… (5,000 characters)"
    assert shorten(12) == "12"


def test_what_would_break_a_line_or_steer_a_terminal_is_spelt_out():
    assert shorten("a\nb\r\x1b[2J\0\u202e\udcff é\u0308") == "a\\nb\\r\\x1b[2J\\x00\\u202e\\udcff é\u0308"


def test_a_list_shows_its_first_items_and_counts_the_others():
    assert shorten_list(["a", "b"], 2) == "a, b"
    assert shorten_list(range(1003), 3) == "0, 1, 2 and 1,000 more"
    assert shorten_list(["a" * 9], length=2, separator="; ") == "aa… (9 characters)"
    assert shorten_list([]) == ""


def test_a_long_message_keeps_its_start_and_its_end():
    assert clip("short") == "short"
    message = clip("start" + "x" * 149_000 + "end: do this")
    assert message.startswith("startx")
    assert message.endswith("end: do this")
    assert "characters left out" in message
    assert len(message) < 2_100
