"""Messages of a length that a person reads to the end, whatever names and cells they quote."""

from collections.abc import Iterable

# A message with a hundred findings is still read; one of 149,000 characters hides its own end.
MESSAGE_LENGTH = 2_000


def shorten(text: object, length: int = 80) -> str:
    """The text, or its start and how long it is where it has more characters than `length`.

    Line breaks and what else does not print, or would steer a terminal, is spelt out as \\n or \\x1b.
    """
    text = str(text)
    start = "".join(letter if letter.isprintable() else _spelt_out(letter) for letter in text[:length])
    return start if len(text) <= length else f"{start}… ({len(text):,} characters)"


def shorten_list(items: Iterable[object], n: int = 10, *, separator: str = ", ", length: int = 80) -> str:
    """The first `n` items, each shortened to `length`, and how many more there are: "a, b and 3 more"."""
    items = list(items)
    shown = separator.join(shorten(item, length) for item in items[:n])
    return shown if len(items) <= n else f"{shown} and {len(items) - n:,} more"


def clip(message: str, length: int = MESSAGE_LENGTH) -> str:
    """A message without its middle where it is too long: what to do stands at the end of most."""
    if len(message) <= length:
        return message
    start, end = message[: length * 2 // 3], message[-length // 3 :]
    return f"{start} … ({len(message) - len(start) - len(end):,} characters left out) … {end}"


def _spelt_out(letter: str) -> str:
    return letter.encode("unicode_escape", "surrogatepass").decode("ascii")
