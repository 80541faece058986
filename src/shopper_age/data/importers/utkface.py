"""UTKFace: about 23,700 photos whose names hold age, gender, ethnicity and date.

    25_1_2_20170116174525125.jpg, with .chip.jpg behind it where the face is cropped and aligned

The age is a whole number from 0 to 116; gender 0 is male, 1 female; ethnicity 0 white, 1 black, 2 Asian,
3 Indian, 4 others. Some names of the published set lack a part: they are left out by name.

Source: Zhang, Song and Qi 2017, "Age Progression/Regression by Conditional Adversarial Autoencoder", CVPR;
"Labels" at https://susanqq.github.io/UTKFace/.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from shopper_age.data.importers.records import (
    ETHNICITY,
    FEMALE,
    GENDER,
    MALE,
    Options,
    Record,
    Skip,
    name_below,
    walk_photos,
)

_NAME = re.compile(
    r"(\d{1,3})_([01])_([0-4])_(\d+) *\.(?:jpe?g|png)(?:\.chip\.jpg)?", re.IGNORECASE | re.ASCII
)

_GENDERS = (MALE, FEMALE)

_ETHNICITIES = ("white", "black", "asian", "indian", "other")


def read_utkface(source: Path, options: Options) -> Iterator[Record | Skip]:  # noqa: ARG001 - the protocol
    """The photos in the folder and below, by name."""
    for path in walk_photos(source, unpacked="of UTKFace"):
        name = name_below(source, path)
        if not (found := _NAME.fullmatch(path.name)):
            yield Skip(name, "its name is not AGE_GENDER_ETHNICITY_DATE.jpg")
            continue
        age, gender, ethnicity = (int(part) for part in found.groups()[:3])
        attributes = {GENDER: _GENDERS[gender], ETHNICITY: _ETHNICITIES[ethnicity]}
        yield Record(path, name, str(age), attributes)
