"""AFAD, the Asian Face Age Dataset: 164,432 photos in folders by age and gender.

    AFAD-Full/15/111/638660-1.jpg

The first folder is the age in years (15 to 75), the second 111 for male or 112 for female. The number before
the dash is the person's.

Source: Niu et al. 2016, "Ordinal regression with multiple output CNN for age estimation", CVPR;
https://afad-dataset.github.io/; the number of the person as `id_num` in
https://github.com/paplhjak/Facial-Age-Estimation-Benchmark-Databases.
"""

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

_GENDERS = {"111": MALE, "112": FEMALE}


def read_afad(source: Path, options: Options) -> Iterator[Record | Skip]:  # noqa: ARG001 - the protocol
    """The photos in the folder and below, by folder and name."""
    for path in walk_photos(source, unpacked="AFAD-Full or AFAD-Lite"):
        name = name_below(source, path)
        # The folder that was named may itself be that of an age.
        age, gender = path.absolute().parts[-3:-1]
        if gender not in _GENDERS or not (age.isascii() and age.isdigit()):
            yield Skip(name, "it does not lie in AGE/111 or AGE/112")
            continue
        person, dash, _ = path.stem.partition("-")
        attributes = {GENDER: _GENDERS[gender], PERSON: person if dash and person.isdigit() else ""}
        yield Record(path, name, str(int(age)), attributes)
