"""Made-up folders in the forms of public sets, with photos that are told apart by their colour."""

from pathlib import Path

from PIL import Image

from shopper_age.data.importers.records import Importer, Options, Record, Skip


def put_photo(path: Path, shade: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = "PNG" if path.suffix.lower() == ".png" else "JPEG"
    Image.new("RGB", (40, 60), (shade % 256, shade // 256, 99)).save(path, kind)
    return path


def read_set(
    read: Importer, folder: Path, *, age: str = "real", faces: bool = False
) -> tuple[dict[str, Record], dict[str, str]]:
    """The records by file name, and the reasons of what was skipped by name."""
    items = list(read(folder, Options(age, faces)))
    records = [item for item in items if isinstance(item, Record)]
    skipped = [item for item in items if isinstance(item, Skip)]
    assert len({record.file_name for record in records}) == len(records)
    return {record.file_name: record for record in records}, dict(skipped)
