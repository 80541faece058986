"""Cells that hold no age: what each looks like, and what to write instead."""

import re
import unicodedata

EXPECTED = "write one number in years, with a point where it has a fraction, such as 30.5"

# Cells are shown up to this many characters.
_MOST_SHOWN = 60

# No cell that means an age is longer.
_MOST_READ = 200

_MONTH_NAMES = (
    ("jan",), ("feb",), ("mar", "mrz", "mär"), ("apr",), ("may", "mai"), ("jun",), ("jul",), ("aug",),
    ("sep",), ("oct", "okt"), ("nov",), ("dec", "dez"),
)  # fmt: skip

_MONTH_NUMBERS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names}

_NUMBER = r"[0-9]+(?:[.,][0-9]+)?"

_PER_YEAR = {"y": 1, "j": 1, "m": 12, "w": 52.18, "d": 365.25, "t": 365.25}

_UNIT = r"y/o|y|yo|yrs?|years?|j|jahre?|m|mo|mos|mths?|months?|monate?|w|wks?|weeks?|wochen?|d|days?|tage?"

_WITH_UNIT = re.compile(rf"({_NUMBER})\s*-?\s*({_UNIT})\b\.?(?:[\s-]*(?:old|of age|alt))?")

_NOTHING = {
    "", "-", "--", "?", ".", "x", "na", "n/a", "n.a.", "nan", "none", "null", "nil", "unknown", "not known",
    "unbekannt", "missing", "undefined", "k.a.", "#n/a", "#value!", "#ref!", "#wert!",
}  # fmt: skip

_BOUND = re.compile(
    r"(?:[<>≤≥]=?|more than|less than|over|under|above|below|at least|at most|up to|older than|younger than|"
    rf"über|unter|ab|bis|mindestens|höchstens)\s*({_NUMBER})(?:\s*(?:{_UNIT}))?"
    rf"|({_NUMBER})\s*(?:\+|and (?:over|older|up)|or (?:older|over|more))"
)

_GUESS = re.compile(
    r"(?:~|≈|±|ca\.?|circa|c\.|about|around|approx\.?|approximately|etwa|ungefähr|maybe)"
    rf"\s*({_NUMBER})(?:\s*(?:{_UNIT}))?|({_NUMBER})\s*\?+"
)

_RANGE = re.compile(
    rf"[(\[{{]?\s*({_NUMBER})"
    r"\s*(?:[-–—−/;:|]|\.\.+|,\s+|,(?=\d+\s*[)\]}])|\s(?:to|bis|and|und|or|oder)\s|\s+)\s*"
    rf"({_NUMBER})\s*[)\]}}]?"
    rf"(?:\s*(?:{_UNIT}))?"
)

_DATE = re.compile(
    r"(?:1[89]|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}(?:[t ].*)?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.](?:(?:1[89]|20)\d\d|\d\d)(?: .*)?"
    r"|\d{1,2}[. -]+(?:[a-zä]{3,9})[. -]+\d{2,4}"
)

_MONTH_NAME = rf"({'|'.join(_MONTH_NUMBERS)})[a-zä]*\.?"

_DAY_OF_MONTH = re.compile(rf"(\d{{1,2}})[. -]*{_MONTH_NAME}|{_MONTH_NAME}[. -]*(\d{{1,2}})")


def explain_text(cell: str) -> str:
    """What a cell that is no number looks like and what to write instead, in a line.

    "8 months" looks like a number of months: write 0.67. "9-Mar" is what a spreadsheet makes of "3-9".
    """
    text = " ".join(cell[:_MOST_READ].split()).casefold()
    return f"{shown(cell)}: {_explanation(text)}"


def explain_number(age: float, cell: str, *, max_age: float) -> str:
    """What an age outside the bounds may be instead."""
    if age < 0 or age in (99, 999, 9999):
        meaning = "a code for an unknown age? Leave the cell empty then"
    elif 1880 <= age <= 2100 and age == int(age):
        meaning = "a year of birth? Write the age on the day of the photo, in years"
    elif max_age < age < 13 * max_age:
        meaning = f"older than max_age allows, or in months ({age / 12:.3g} years)?"
    else:
        meaning = "write it in years"
    return f"{shown(cell)}: {meaning}"


def shown(cell: str) -> str:
    """A cell in quotes, cut where it is long."""
    return repr(cell if len(cell) <= _MOST_SHOWN else f"{cell[:_MOST_SHOWN]}…")


def _explanation(text: str) -> str:
    bare = text.strip("'\"`´‘’“”")
    if bare != text and _as_number(bare):
        return f"a number in quotation marks: write {_as_number(bare)}"
    if text in _NOTHING:
        return "stands for no age: leave the cell empty, or write the age in years"
    if found := re.fullmatch(_NUMBER, text):
        return f"a number with a decimal comma? Write {_as_number(text)}"
    if any(letter.isdigit() and not letter.isascii() for letter in text) and re.fullmatch(r"[\d.,]+", text):
        digits = "".join(str(unicodedata.digit(letter, letter)) for letter in text)
        return f"a number in digits of another script: write {_as_number(digits) or digits}"
    if (parts := _WITH_UNIT.findall(text)) and not re.sub(r"[\s,]|and|und", "", _WITH_UNIT.sub("", text)):
        years = sum(float(_as_number(number)) / _PER_YEAR[unit[0]] for number, unit in parts)
        return f"a number with a unit: write {round(years, 2):g}, the age in years"
    if _DATE.fullmatch(text):
        return "a date, of birth? Write the age on the day of the photo, in years"
    if found := _DAY_OF_MONTH.fullmatch(text):
        day = found[1] or found[4]
        month = _MONTH_NUMBERS[found[2] or found[3]]
        return (
            f"a date, which a spreadsheet may have made of the range {month}-{day}: write one age in years, "
            "and format the column as text"
        )
    if found := _BOUND.fullmatch(text):
        return "a bound, not an age: write the age in years, or leave the photo out"
    if found := _GUESS.fullmatch(text):
        number = _as_number(found[1] or found[2])
        return f"an estimate: write {number} where it is good enough to learn from, or leave the photo out"
    if re.fullmatch(r"\d+(?:'?s|er)", text):
        return "a decade, not one age: write the age in years, or leave the photo out"
    if found := _RANGE.fullmatch(text):
        low, high = _as_number(found[1]), _as_number(found[2])
        return f"a range from {low} to {high}, not one age: write the age in years, or leave the photo out"
    if text.replace("-", "").replace(" ", "").isalpha():
        return "a word: write the age as a number in years"
    return EXPECTED


def _as_number(text: str) -> str:
    """The number in a text, a comma taken for a point; "" where it is none."""
    return f"{float(text.replace(',', '.')):g}" if re.fullmatch(_NUMBER, text, re.ASCII) else ""
