import json
import runpy
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from project import ROOT

from shopper_age.data.tables import PARTS, read_splits
from shopper_age.splitting import split_faces, summarise_split


def manifest_of(ages, groups=None, **columns):
    n = len(ages)
    return pd.DataFrame(
        {
            "file_name": [f"{i:06d}.jpg" for i in range(n)],
            "real_age": np.asarray(ages, float),
            "duplicate_group": np.arange(n) if groups is None else groups,
            **columns,
        }
    )


def split(manifest, strategy="stratified", test_share=0.25, validation_share=0.1, seed=0):
    return split_faces(
        manifest, strategy=strategy, test_share=test_share, validation_share=validation_share, seed=seed
    )


def counts(splits):
    return [int((splits["split"] == part).sum()) for part in PARTS]


def straddling(splits, manifest):
    return summarise_split(splits, manifest["duplicate_group"])["n_groups_straddling"]


@pytest.fixture
def crowd():
    """1,003 photos of uneven ages; a tenth of them in groups of two or three."""
    rng = np.random.default_rng(5)
    ages = np.clip(rng.normal(35, 18, 1003).round(), 1, 95)
    groups = np.arange(1003)
    groups[1:80:2] = groups[0:80:2]
    groups[101:140:3] = groups[100:139:3]
    groups[102:141:3] = groups[100:139:3]
    return manifest_of(ages, groups)


def test_every_photo_is_in_one_part_and_the_order_stays(crowd):
    splits = split(crowd)
    assert list(splits.columns) == ["file_name", "real_age", "split"]
    assert splits["file_name"].tolist() == crowd["file_name"].tolist()
    assert splits["real_age"].tolist() == crowd["real_age"].tolist()
    assert set(splits["split"]) == {"train", "validation", "test"}


def test_the_shares_are_met_to_a_photo(crowd):
    train, validation, test = counts(split(crowd))
    assert test == pytest.approx(0.25 * 1003, abs=1)
    assert validation == pytest.approx(0.1 * (1003 - test), abs=1)
    assert train == 1003 - test - validation


def test_shares_are_met_exactly_without_duplicates():
    assert counts(split(manifest_of(np.arange(80)), test_share=0.25, validation_share=0.2)) == [48, 12, 20]


def test_duplicates_are_never_on_both_sides(crowd):
    for seed in range(5):
        assert straddling(split(crowd, seed=seed), crowd) == 0


def test_each_age_keeps_its_share():
    # 40 photos of each of 50 ages, in mixed order: 10 of each belong into the test part.
    ages = np.random.default_rng(0).permutation(np.repeat(np.arange(50), 40))
    splits = split(manifest_of(ages))
    per_age = splits[splits["split"] == "test"].groupby("real_age").size()
    assert per_age.tolist() == [10] * 50


def test_rare_ages_are_spread_too():
    # One photo of each age: no age can be shared out, but each run of four neighbours gives one.
    splits = split(manifest_of(np.arange(100)))
    drawn = np.flatnonzero(splits["split"] == "test")
    assert (drawn // 4).tolist() == list(range(25))


def test_duplicates_are_drawn_as_often_as_other_photos():
    groups = np.concatenate([np.repeat(np.arange(200), 2), np.arange(200, 600)])
    manifest = manifest_of(np.tile(np.arange(80), 10), groups)
    splits = split(manifest)
    assert (splits["split"][:400] == "test").sum() == pytest.approx(100, abs=2)
    assert (splits["split"][400:] == "test").sum() == pytest.approx(100, abs=2)


def test_a_huge_group_of_duplicates_stays_in_training():
    manifest = manifest_of(np.full(100, 30), np.where(np.arange(100) < 60, 0, np.arange(100)))
    splits = split(manifest)
    assert set(splits["split"][:60]) == {"train"}
    assert counts(splits)[2] == 25


def test_the_same_seed_gives_the_same_table_and_another_seed_another(crowd):
    assert split(crowd, seed=1).equals(split(crowd, seed=1))
    assert not split(crowd, seed=1).equals(split(crowd, seed=2))


def test_the_order_of_rows_and_the_numbers_of_groups_do_not_matter(crowd):
    shuffled = crowd.sample(frac=1, random_state=0)
    shuffled["duplicate_group"] = 5000 - shuffled["duplicate_group"]
    assert split(shuffled).sort_index().equals(split(crowd))


def test_the_validation_share_does_not_move_the_test_part(crowd):
    first, second = split(crowd, validation_share=0.1), split(crowd, validation_share=0.3)
    assert ((first["split"] == "test") == (second["split"] == "test")).all()


def test_the_manifest_is_not_changed(crowd):
    before = crowd.copy()
    split(crowd)
    assert crowd.equals(before)


def test_a_million_photos_take_seconds_not_minutes():
    # A tenth of a million; a quadratic step would take hours.
    rng = np.random.default_rng(0)
    manifest = manifest_of(rng.integers(0, 100, 100_000), rng.integers(0, 90_000, 100_000))
    assert counts(split(manifest))[2] == 25_000


@pytest.mark.parametrize(("n", "share"), [(10, 0.25), (7, 0.5), (11, 0.29), (100, 0.29), (1003, 0.25)])
def test_keras_takes_the_rows_that_image_data_generator_takes(n, share, tmp_path):
    from tensorflow.keras.preprocessing.image import ImageDataGenerator

    manifest = manifest_of(np.arange(n) % 90)
    splits = split(manifest, "keras", test_share=share, validation_share=0.3)
    generator = ImageDataGenerator(validation_split=share)
    for subset, is_part in (
        ("validation", splits["split"] == "test"),
        ("training", splits["split"] != "test"),
    ):
        data = generator.flow_from_dataframe(
            manifest,
            directory=str(tmp_path),
            x_col="file_name",
            y_col="real_age",
            class_mode="raw",
            subset=subset,
            validate_filenames=False,
        )
        assert data.filenames == splits["file_name"][is_part].tolist()


def test_keras_draws_validation_from_the_rest_with_duplicates_together(crowd):
    splits = split(crowd, "keras")
    assert (splits["split"][:250] == "test").all()
    rest = splits["split"] != "test"
    assert counts(splits)[1] == pytest.approx(0.1 * 753, abs=1)
    assert straddling(splits[rest], crowd[rest]) == 0


def test_keras_does_not_hide_duplicates_on_both_sides():
    manifest = manifest_of(np.arange(40), np.r_[np.arange(39), 0])
    summary = summarise_split(split(manifest, "keras"), manifest["duplicate_group"])
    assert summary["n_groups_straddling"] == 1
    assert summary["n_test_photos_known"] == 1


def test_column_takes_the_given_parts():
    given = ["train", "test", "validation", "train", "train", "test"]
    assert split(manifest_of(range(6), split=given), "column")["split"].tolist() == given


def test_column_draws_validation_from_train_when_none_is_given():
    given = np.where(np.arange(100) % 5 == 0, "test", "train")
    splits = split(manifest_of(np.arange(100), split=given), "column", validation_share=0.25)
    assert (splits["split"] == "test").to_numpy().tolist() == (given == "test").tolist()
    assert counts(splits) == [60, 20, 20]


def test_column_without_the_column_says_what_to_do():
    with pytest.raises(ValueError, match=r"no column 'split' .*set split\.strategy to stratified"):
        split(manifest_of(range(9)), "column")


def test_column_names_unknown_values_and_where_they_are():
    given = ["train", "test", "Test", "", "train"]
    with pytest.raises(
        ValueError, match=r"2 rows .*'Test', '', first 000002\.jpg, 000003\.jpg .*train or test"
    ):
        split(manifest_of(range(5), split=given), "column")


def test_column_without_a_test_part_is_refused():
    with pytest.raises(ValueError, match=r"no test part \(7 train, 1 validation, 0 test\): fill it in"):
        split(manifest_of(range(8), split=["train"] * 8), "column")


@pytest.mark.parametrize("strategy", ["stratified", "keras"])
@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_photos_are_refused(strategy, n):
    with pytest.raises(ValueError, match=rf"{n} photos leave no .*: add photos, or change split\.test_share"):
        split(manifest_of(range(n)), strategy)


def test_the_summary_counts_what_is_there():
    splits = pd.DataFrame(
        {
            "file_name": list("abcdef"),
            "real_age": [10.0, 20, 30, 40, 50, 61],
            "split": ["train", "train", "validation", "test", "test", "test"],
        }
    )
    groups = pd.Series([1, 2, 2, 2, 3, 3])
    assert summarise_split(splits, groups) == {
        "n": 6,
        "train": {"n": 2, "share": 0.3333, "mean_age": 15.0},
        "validation": {"n": 1, "share": 0.1667, "mean_age": 30.0},
        "test": {"n": 3, "share": 0.5, "mean_age": 50.33},
        "n_groups_straddling": 1,
        "n_test_photos_known": 1,
    }


def test_the_stage_writes_splits_and_summary(tmp_path, monkeypatch):
    manifest = manifest_of(np.arange(60)).assign(
        width=224, height=224, mode="RGB", n_bytes=9000, content_hash="0" * 16, perceptual_hash="0" * 16
    )
    (tmp_path / "reports/validate_data").mkdir(parents=True)
    manifest.to_csv(tmp_path / "reports/validate_data/manifest.csv", index=False)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)

    runpy.run_path(str(ROOT / "stages/split.py"))["main"]()

    splits = read_splits(tmp_path / "data/splits/splits.csv")
    assert splits["file_name"].tolist() == manifest["file_name"].tolist()
    summary = json.loads((tmp_path / "reports/split/summary.json").read_text())
    assert [summary[part]["n"] for part in PARTS] == counts(splits)


def test_the_seed_of_a_training_leaves_the_split_alone_and_the_splits_own_changes_it(tmp_path, monkeypatch):
    manifest = manifest_of(np.arange(60)).assign(
        width=224, height=224, mode="RGB", n_bytes=9000, content_hash="0" * 16, perceptual_hash="0" * 16
    )
    (tmp_path / "reports/validate_data").mkdir(parents=True)
    manifest.to_csv(tmp_path / "reports/validate_data/manifest.csv", index=False)
    monkeypatch.chdir(tmp_path)

    def splits(*overrides):
        shutil.copy(ROOT / "params.yaml", tmp_path)
        apply_overrides("params.yaml", list(overrides))
        runpy.run_path(str(ROOT / "stages/split.py"))["main"]()
        return read_splits(tmp_path / "data/splits/splits.csv")

    assert splits("seed=1").equals(splits())
    assert not splits("split.seed=1").equals(splits())
    stage = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["split"]
    assert stage["params"] == ["split"]  # another seed does not even run the stage again
