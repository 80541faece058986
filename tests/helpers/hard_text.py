"""Text that tables lose easily, for tests that make up their own cases."""

from hypothesis import strategies as st

EXAMPLES = [
    "",
    " ",
    " padded ",
    "lone\rreturn",
    "two\nlines",
    "windows\r\nlines",
    '"quoted"',
    "a,b;c\td",
    "NA",
    "nan",
    "None",
    "null",
    "True",
    "007",
    "1e5",
    "-3.2",
    "1_000",
    "nul\0inside",
    "\ufeffmark",
    "Mu\u0308ller",
    "Müller",
    "\U0001f600",
    "bytes\udcff",
    "\u2028",
    "=cmd|' /C calc'!A0",
    "'=1",
    "''=1",
    "'plain",
    "+1.jpg",
    "@x",
    "-2+3",
    " \t=1",
    "\t1",
    "\r1",
    "＝1",
]

_CHARACTERS = ",;\"'\r\n\t =+-@\0aN1\udcff\u0308＝"

hard_text = st.one_of(st.sampled_from(EXAMPLES), st.text(max_size=8), st.text(_CHARACTERS, max_size=6))

hard_names = hard_text.filter(bool)
