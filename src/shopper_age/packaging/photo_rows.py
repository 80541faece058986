"""Tables that the registered model takes and gives: a row for each photo."""

from typing import Any

from shopper_age.inference.answers import COLUMNS, PhotoAnswer, rows

# The column with the photo files.
INPUT = "photo"

# The artifact with the model and its decision, and the setting that bounds a request.
FILES, MAX_MIB = "model", "max_mib"

_TYPES = {"faces": "long", "shorter_side": "long", "ask_for_id": "boolean"} | dict.fromkeys(
    ("age_group", "reason", "problem", "model_md5"), "string"
)

# Columns of the answers, with their types as MLflow calls them.
OUTPUT = {
    name: _TYPES.get(name, "double")
    for name in ("faces", *(name for name in COLUMNS if name not in ("file_name", "face")))
}


def photo_row(answer: PhotoAnswer) -> dict[str, Any]:
    """The answer for a photo: of its one face, or of the largest; asked for an ID as the photo as a whole."""
    told = {**rows(answer)[0], "faces": len(answer.faces)}
    told.update(ask_for_id=answer.ask_for_id, reason=answer.reason)
    return {name: told[name] for name in OUTPUT}
