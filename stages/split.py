"""Stage split: says of each usable photo whether it is for training, validation or the test."""

from pathlib import Path

from shopper_age.faces import DUPLICATE_GROUP, read_manifest, write_splits
from shopper_age.files import write_json
from shopper_age.params import load_params
from shopper_age.splitting import split_faces, summarise_split
from shopper_age.stage import run_stage

MANIFEST = Path("reports/validate_data/manifest.csv")
SPLITS = Path("data/splits/splits.csv")
SUMMARY = Path("reports/split/summary.json")


def main() -> None:
    params = load_params()

    manifest = read_manifest(MANIFEST)

    splits = split_faces(
        manifest,
        strategy=params.split.strategy,
        test_share=params.split.test_share,
        validation_share=params.split.validation_share,
        seed=params.seed,
    )

    write_splits(splits, SPLITS)
    write_json(SUMMARY, summarise_split(splits, manifest[DUPLICATE_GROUP]))


if __name__ == "__main__":
    run_stage(main)
