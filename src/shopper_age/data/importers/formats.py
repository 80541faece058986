"""The public formats that can be imported, by name."""

from dataclasses import dataclass

from shopper_age.data.importers.afad import read_afad
from shopper_age.data.importers.agedb import read_agedb
from shopper_age.data.importers.appa_real import read_appa_real
from shopper_age.data.importers.imdb_wiki import read_imdb_wiki
from shopper_age.data.importers.lagenda import read_lagenda
from shopper_age.data.importers.records import Importer, Options
from shopper_age.data.importers.utkface import read_utkface


@dataclass(frozen=True)
class Format:
    read: Importer
    has_apparent_age: bool = False
    has_faces: bool = False  # whether photos and faces can be told apart


FORMATS = {
    "appa-real": Format(read_appa_real, has_apparent_age=True, has_faces=True),
    "utkface": Format(read_utkface),
    "agedb": Format(read_agedb),
    "afad": Format(read_afad),
    "imdb-wiki": Format(read_imdb_wiki),
    "lagenda": Format(read_lagenda, has_faces=True),
}


def find_format(name: str, options: Options) -> Format:
    """The format of that name.

    Raises:
        ValueError: there is no such format, or it does not know what the options ask for.
    """
    if name not in FORMATS:
        raise ValueError(f"there is no format '{name}': choose {', '.join(FORMATS)}")
    found = FORMATS[name]
    if options.age not in ("real", "apparent"):
        raise ValueError(f"--age is '{options.age}': choose real or apparent")
    if options.age == "apparent" and not found.has_apparent_age:
        raise ValueError(f"{name} holds one age per photo: leave --age out")
    if options.faces and not found.has_faces:
        raise ValueError(f"{name} comes in one kind of photo: leave --faces out")
    return found
