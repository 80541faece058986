"""Stage split: says of each usable photo whether it is for training, validation or the test."""

import logging

from shopper_age import paths
from shopper_age.data.tables import DUPLICATE_GROUP, read_manifest, write_splits
from shopper_age.grouping import columns_that_repeat, people_of, told_columns
from shopper_age.params import load_params
from shopper_age.runtime.files import write_json
from shopper_age.runtime.inputs import Inputs
from shopper_age.runtime.stage import run_stage
from shopper_age.splitting import split_faces, summarise_split


def main() -> None:
    params = load_params()
    inputs, settings = Inputs("split"), params.split

    manifest = read_manifest(paths.MANIFEST)

    splits = split_faces(manifest, **settings.model_dump())
    people = people_of(manifest, settings.group_column) if settings.group_column else None
    summary = summarise_split(splits, manifest[DUPLICATE_GROUP], people)
    if people is None and (repeated := columns_that_repeat(manifest)):
        summary["columns_that_repeat"] = repeated
        for sentence in told_columns(repeated):
            logging.getLogger("shopper_age.split").warning(sentence)

    write_splits(splits, paths.SPLITS)
    write_json(paths.SPLIT / "summary.json", summary)
    inputs.check()


if __name__ == "__main__":
    run_stage(main)
