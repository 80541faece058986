import shutil

import pytest
from project import ROOT
from public_sets import write_set

from shopper_age.data.importers.formats import FORMATS
from shopper_age.data.importers.records import PERSON, Options
from shopper_age.data.importers.writing import import_photos
from shopper_age.data.tables import SPLIT, read_labels
from shopper_age.params import load_params
from shopper_age.splitting import split_faces
from shopper_age.validation.checks import validate

PARAMS = load_params(ROOT / "params.yaml")


def test_every_format_is_documented_and_offered_by_the_command():
    document = (ROOT / "docs" / "public-data.md").read_text(encoding="utf-8")
    command = (ROOT / "src" / "shopper_age" / "cli" / "data.py").read_text(encoding="utf-8")
    for name in FORMATS:
        assert f"| `{name}` |" in document
        assert name in command


CASES = [*((name, Options()) for name in FORMATS), ("lagenda", Options(faces=True))]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_set_of_every_format_passes_validation_and_is_split(faces, name, options, tmp_path):
    drawn = shutil.copytree(faces, tmp_path / "drawn")
    labels = read_labels(drawn)
    ages = labels["real_age"].astype(int).tolist()
    write_set(name, tmp_path / "set", [drawn / "final_files" / photo for photo in labels["file_name"]], ages)

    done = import_photos(name, tmp_path / "set", tmp_path / "faces", options=options)
    assert done.skipped.empty
    validation = validate(tmp_path / "faces", PARAMS.validate_data)
    assert validation.summary["n_errors"] == 0
    assert sorted(validation.manifest["real_age"]) == sorted(ages)
    group_column = PERSON if PERSON in done.labels else ""
    settings = PARAMS.split.model_copy(
        update={"group_column": group_column, "strategy": "column" if SPLIT in done.labels else "stratified"}
    )
    splits = split_faces(validation.manifest, **settings.model_dump(exclude={"calibration", "folds"}))
    assert splits["split"].nunique() == 3
    if group_column:
        parts_of_people = splits.groupby(validation.manifest[PERSON].to_numpy())["split"].nunique()
        assert len(parts_of_people) > 10
        assert (parts_of_people == 1).all()
