"""Near misses of file names: which photo a name most likely means, and what many such names share."""

import os
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Callable

import pandas as pd

_ENDING = re.compile(r"\.(?:jpe?g|png|webp|gif|bmp|tiff?)(?![a-z0-9])")

# What programs hang on a name when they cut out, copy or shrink a photo.
_APPENDIX = re.compile(
    r"(?:[ _.-]*(?:face|chip|crop|cropped|aligned|resized|small|thumb|copy|kopie)[ _.-]?\d*|[ _-]*\(\d+\))+$"
)

_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")

# A likeness shared by fewer missing names than this share is chance, not a system.
_SYSTEMATIC_SHARE = 0.5


def near_misses(missing: pd.Series, on_disk: list[str]) -> pd.Series:
    """For each file name that does not exist the photo it most likely means, "" where none is near.

    Names are taken for each other, in this order, when they are equal but for case, blanks and the kind of
    slash; for the folder; for the ending; for what programs hang on a name ("x.jpg.chip.jpg", "x_face.jpg");
    for leading zeros, accents and punctuation. All but the first count only where a single photo has them:
    one of two shops' 000000.jpg is not to be guessed.
    """
    result = pd.Series("", index=missing.index, dtype="str")
    for level, key in enumerate(_KEYS):
        left = missing[result == ""]
        if left.empty:
            break
        by_key: dict[str, str] = {}
        for name in on_disk:
            of_name = key(name)
            if of_name not in by_key:
                by_key[of_name] = name
            elif level >= _LOOSE:
                by_key[of_name] = ""
        by_key.pop("", None)
        result[left.index] = [by_key.get(key(name), "") for name in left]
    return result


def systematic_difference(missing: pd.Series, near: pd.Series, n_rows: int) -> str:
    """A sentence on how most of the missing names differ from their near misses; "" where few have one."""
    pairs = [(name, other) for name, other in zip(missing, near, strict=True) if other]
    differences = Counter(difference(name, other) for name, other in pairs)
    if not pairs:
        return ""
    commonest, count = differences.most_common(1)[0]
    name, other = next(pair for pair in pairs if difference(*pair) == commonest)
    if count < max(2, _SYSTEMATIC_SHARE * len(missing)):
        if len(pairs) < max(2, _SYSTEMATIC_SHARE * len(missing)):
            return ""
        count, commonest = len(pairs), "are spelt otherwise on the disk, each in its own way"
    return f"{count} of {n_rows} file names {commonest}: {shown(name)} is there as {shown(other)}."


def in_several_folders(missing: pd.Series, on_disk: list[str], n_rows: int) -> str:
    """A sentence on names that several folders hold, if most missing ones are of that kind; else ""."""
    places: dict[str, list[str]] = {}
    for photo in on_disk:
        places.setdefault(_base(photo), []).append(photo)
    found = {name: places[_base(name)] for name in missing if len(places.get(_base(name), [])) > 1}
    count = int(missing.isin(found.keys()).sum())
    if not found or count < _SYSTEMATIC_SHARE * len(missing):
        return ""
    name, photos = next(iter(found.items()))
    return (
        f"{count} of {n_rows} file names are in several folders: {shown(name)} is there as "
        f"{shown(photos[0])} and {shown(photos[1])}. Write the folder into file_name."
    )


def difference(name: str, other: str) -> str:
    """In what a missing name differs from a photo's, worded to follow "names"."""
    slashed = name.replace("\\", "/")
    stem, ending = posixpath.splitext(slashed)
    other_stem, other_ending = posixpath.splitext(other)
    if slashed == other:
        return "have backslashes instead of slashes"
    if other.startswith(slashed):
        return f"lack the ending {shown(other[len(slashed) :])}"
    if slashed.startswith(other):
        return f"have {shown(slashed[len(other) :])} too much at their end"
    if other.endswith(f"/{slashed}"):
        return f"lack the folder {shown(other[: -len(slashed)])}"
    if slashed.endswith(f"/{other}"):
        return f"have the folder {shown(slashed[: -len(other)])} too much"
    if stem == other_stem:
        return f"end in {shown(ending)} instead of {shown(other_ending)}"
    if other.startswith(stem):
        return f"end in {shown(ending)} instead of {shown(other[len(stem) :])}"
    if slashed.casefold() == other.casefold():
        return "differ in upper and lower case"
    if _exact(name) == _exact(other):
        return "differ in blanks"
    if posixpath.basename(slashed) == posixpath.basename(other):
        return "name another folder"
    if _LEADING_ZEROS.sub("", slashed) == _LEADING_ZEROS.sub("", other):
        return "have other leading zeros"
    return "are spelt otherwise"


def shown(name: str) -> str:
    """A name in quotes, blanks and odd characters visible, no longer than a line."""
    return repr(name if len(name) <= 120 else f"{name[:60]}…{name[-50:]}")


def _exact(name: str) -> str:
    slashed = unicodedata.normalize("NFC", name).replace("\\", "/")
    return "".join(slashed.split()).casefold()


def _base(name: str) -> str:
    return posixpath.basename(_exact(name))


def _stem(name: str) -> str:
    base = _base(name)
    return os.path.splitext(base)[0] if _ENDING.search(base) else base  # noqa: PTH122


def _first_stem(name: str) -> str:
    base = _base(name)
    ending = _ENDING.search(base)
    return base[: ending.start()] if ending else base


def _bare(name: str) -> str:
    return _APPENDIX.sub("", _first_stem(name)) or _first_stem(name)


def _letters(name: str) -> str:
    plain = unicodedata.normalize("NFKD", _LEADING_ZEROS.sub("", _bare(name)))
    return "".join(letter for letter in plain if letter.isalnum())


# The strictest first; from `_LOOSE` on a likeness counts only where a single photo has it.
_KEYS: tuple[Callable[[str], str], ...] = (_exact, _base, _stem, _first_stem, _bare, _letters)

_LOOSE = 1
