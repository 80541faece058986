"""Rules of validation: name, severity and meaning of each finding."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from shopper_age.data.tables import FILE_NAME

ROW = "row"

RULE = "rule"

DETAIL = "detail"

SEVERITY = "severity"

# What findings.csv holds beside text; a photo without a label has no row.
FINDINGS_TYPES = {ROW: "Int64"}

ERROR = "error"  # the row cannot be used and is left out of the manifest

WARNING = "warning"  # worth a look; nothing is left out, except the repetitions of a row


NO_FACE, SEVERAL_FACES = "no_face", "several_faces"

# Not looked for, and not counted, unless validate_data.count_faces is true.
FACE_RULES = (NO_FACE, SEVERAL_FACES)


class Rule(NamedTuple):
    severity: str
    meaning: str


# In the order in which a person would look: the row, the file, the picture, photos among each other.
RULES = {
    "missing_file_name": Rule(ERROR, "The row names no photo."),
    "unsafe_path": Rule(
        ERROR, "The file name or a link leads out of the photo folder, or the name has a control character."
    ),
    "missing_age": Rule(ERROR, "The row has no age."),
    "age_not_a_number": Rule(ERROR, "The age is not a number."),
    "age_not_finite": Rule(ERROR, "The age is infinite."),
    "age_out_of_range": Rule(ERROR, "The age lies outside validate_data.min_age and max_age."),
    "conflicting_ages": Rule(ERROR, "Rows name the same file with different ages; none of them is used."),
    "duplicate_row": Rule(WARNING, "The row repeats file and age of an earlier row, which alone is used."),
    "missing_photo": Rule(ERROR, "The photo folder holds no such file."),
    "not_a_file": Rule(ERROR, "The name belongs to a folder or a device."),
    "unreadable_photo": Rule(ERROR, "The system refuses to read the file."),
    "empty_photo": Rule(ERROR, "The file has no content."),
    "undecodable_photo": Rule(ERROR, "The file is no picture of a known kind, or a broken one."),
    "truncated_photo": Rule(ERROR, "The end of the file is missing, and a part of the picture with it."),
    "damaged_photo": Rule(
        ERROR, "Bytes inside the file were changed: a part of the picture is missing or displaced."
    ),
    "too_many_pixels": Rule(
        ERROR, "The photo claims more than validate_data.max_pixels and was not opened further."
    ),
    "too_small_photo": Rule(ERROR, "The shorter side is below validate_data.min_side_px."),
    "blank_photo": Rule(ERROR, "The picture shows one colour, or nearly."),
    "missing_end_marker": Rule(
        WARNING, "The file stops without its end marker, but holds the whole picture, which is used."
    ),
    "has_transparency": Rule(
        WARNING, "Pixels are transparent: they are laid on a neutral grey, whatever colour lies under them."
    ),
    NO_FACE: Rule(WARNING, "No face is found on the photo, which is used all the same."),
    SEVERAL_FACES: Rule(
        WARNING, "Several faces are found, and the age is that of one: the photo is used all the same."
    ),
    "other_unicode_form": Rule(
        WARNING,
        "The name on disk spells an accent with other code points; the name on disk is used.",
    ),
    "identical_photos": Rule(
        WARNING,
        "The file equals an earlier photo byte by byte; both are used, in one part of the split.",
    ),
    "near_duplicate_photos": Rule(
        WARNING,
        "The picture, or its mirror image, is nearly that of an earlier photo; both are used, in one "
        "part of the split.",
    ),
    "duplicates_differ_in_age": Rule(
        WARNING,
        "The same picture is labelled with ages more than 5 years apart: at least one label is wrong. Both "
        "are used until somebody has looked.",
    ),
    "photo_without_label": Rule(WARNING, "labels.csv does not name this photo."),
}


def findings(rule: str | Sequence[str], files: pd.Series, detail: str | Sequence[str]) -> pd.DataFrame:
    """A table of findings: columns row (line of labels.csv), file_name, rule, detail and severity.

    `files` is the column file_name of the rows concerned, indexed by line; `rule` and `detail` are one text
    for all of them or one for each.
    """
    table = pd.DataFrame({ROW: files.index, FILE_NAME: files.to_numpy(), RULE: rule, DETAIL: detail})
    table[SEVERITY] = table[RULE].map({name: rule.severity for name, rule in RULES.items()})
    return table.astype({ROW: "Int64", RULE: "str", DETAIL: "str", SEVERITY: "str"})
