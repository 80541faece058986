"""AgeDB: 16,488 photos of well-known people, whose names hold number, person, age and gender.

    0_MariaCallas_35_f.jpg

Source: Moschoglou et al. 2017, "AgeDB: the first manually collected, in-the-wild age database", CVPR
Workshops; https://ibug.doc.ic.ac.uk/resources/agedb/.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from shopper_age.data.importers.records import (
    FEMALE,
    GENDER,
    MALE,
    PERSON,
    Options,
    Record,
    Skip,
    name_below,
    walk_photos,
)

_NAME = re.compile(r"\d+_(.+)_(\d{1,3})_([mf])\.(?:jpe?g|png)", re.IGNORECASE)

_GENDERS = {"m": MALE, "f": FEMALE}


def read_agedb(source: Path, options: Options) -> Iterator[Record | Skip]:  # noqa: ARG001 - the protocol
    """The photos in the folder and below, by name."""
    for path in walk_photos(source, unpacked="of AgeDB"):
        name = name_below(source, path)
        if not (found := _NAME.fullmatch(path.name)):
            yield Skip(name, "its name is not NUMBER_PERSON_AGE_GENDER.jpg")
            continue
        person, age, gender = found.groups()
        yield Record(path, name, str(int(age)), {GENDER: _GENDERS[gender.lower()], PERSON: person})
