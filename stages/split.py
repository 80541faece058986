"""Stage split: says of each usable photo whether it is for training, validation or the test."""

from shopper_age import paths
from shopper_age.data.tables import DUPLICATE_GROUP, read_manifest, write_splits
from shopper_age.params import load_params
from shopper_age.runtime.files import write_json
from shopper_age.runtime.inputs import Inputs
from shopper_age.runtime.stage import run_stage
from shopper_age.splitting import split_faces, summarise_split


def main() -> None:
    params = load_params()
    inputs = Inputs("split")

    manifest = read_manifest(paths.MANIFEST)

    splits = split_faces(
        manifest,
        strategy=params.split.strategy,
        test_share=params.split.test_share,
        validation_share=params.split.validation_share,
        seed=params.seed,
    )

    write_splits(splits, paths.SPLITS)
    write_json(paths.SPLIT / "summary.json", summarise_split(splits, manifest[DUPLICATE_GROUP]))
    inputs.check()


if __name__ == "__main__":
    run_stage(main)
