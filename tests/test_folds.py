"""Folds of a split, for cross-calibration."""

import numpy as np
import pandas as pd
import pytest

from shopper_age.data.tables import read_splits, write_splits
from shopper_age.splitting import split_faces, summarise_split


@pytest.fixture
def crowd():
    """1,000 photos of uneven ages; some are duplicates, and 150 people are on two to five photos each."""
    rng = np.random.default_rng(5)
    groups = np.arange(1000)
    groups[900:1000:2] = groups[901:1000:2]
    people = np.where(np.arange(1000) < 500, rng.integers(0, 150, 1000).astype(str), "")
    return pd.DataFrame(
        {
            "file_name": [f"{number:06d}.jpg" for number in range(1000)],
            "real_age": np.clip(rng.normal(35, 18, 1000).round(), 1, 95),
            "duplicate_group": groups,
            "person": people,
        }
    )


def split(manifest, *, strategy="stratified", n_folds=5, seed=0, **options):
    return split_faces(
        manifest,
        strategy=strategy,
        test_share=0.25,
        validation_share=0.15,
        seed=seed,
        n_folds=n_folds,
        **options,
    )


def test_every_photo_but_those_of_the_test_is_in_one_fold_and_none_is_for_validation(crowd):
    splits = split(crowd)
    is_test = splits["split"] == "test"
    assert set(splits["split"]) == {"train", "test"}
    assert splits["fold"].isna().tolist() == is_test.tolist()
    assert sorted(splits["fold"].dropna().unique()) == [1, 2, 3, 4, 5]
    sizes = splits["fold"].value_counts()
    assert sizes.sum() == 750
    assert sizes.max() - sizes.min() <= 1


def test_the_test_part_is_the_one_without_folds(crowd):
    for options in ({}, {"strategy": "keras"}, {"group_column": "person"}):
        folded, plain = split(crowd, **options), split(crowd, n_folds=None, **options)
        assert (folded["split"] == "test").tolist() == (plain["split"] == "test").tolist()
        assert "fold" not in plain


def test_the_folds_are_spread_over_the_ages_like_a_part(crowd):
    splits = split(crowd)
    learnt = splits[splits["split"] == "train"]
    minors = learnt["real_age"] < 18
    by_fold = minors.groupby(learnt["fold"]).sum()
    assert abs(by_fold - minors.sum() / 5).max() <= 2
    assert learnt.groupby("fold")["real_age"].mean().std() < 0.5


def test_duplicates_and_people_stay_in_one_fold(crowd):
    splits = split(crowd, group_column="person")
    named = crowd["person"] != ""
    assert splits[named].groupby(crowd["person"][named])["fold"].nunique().max() == 1
    assert splits.groupby(crowd["duplicate_group"])["fold"].nunique().max() == 1
    assert splits["fold"].value_counts().between(140, 160).all()


def test_equal_seeds_deal_equal_folds_whatever_the_order_of_the_rows(crowd):
    splits = split(crowd, seed=3)
    shuffled = crowd.sample(frac=1, random_state=1)
    again = split(shuffled, seed=3).loc[crowd.index]
    assert splits.equals(split(crowd, seed=3))
    assert splits["fold"].equals(again["fold"])
    assert not splits["fold"].equals(split(crowd, seed=4)["fold"])


def test_what_labels_csv_gives_for_validation_is_dealt_too(crowd):
    given = np.resize(["train", "validation", "test"], len(crowd))
    splits = split(crowd.assign(split=given), strategy="column")
    assert (splits["split"] == "test").tolist() == (given == "test").tolist()
    assert splits["fold"].notna().tolist() == (given != "test").tolist()


def test_photos_that_fill_no_fold_are_told_with_what_must_stay_together():
    crowd = pd.DataFrame(
        {"file_name": list("abcdefgh"), "real_age": 30.0, "duplicate_group": [0] * 4 + [1] * 4}
    )
    with pytest.raises(ValueError, match=r"4 photos beside the test part do not fill 3 folds.* 4 of them"):
        split(crowd, n_folds=3)


def test_folds_come_back_from_their_file_and_stand_in_the_summary(crowd, tmp_path):
    splits = split(crowd)
    write_splits(splits, tmp_path / "splits.csv")
    assert read_splits(tmp_path / "splits.csv")["fold"].equals(splits["fold"])
    summary = summarise_split(splits, crowd["duplicate_group"])
    assert summary["folds"] == {"n": 5, "smallest": 150, "largest": 150}
    assert "validation" not in summary
    assert summary["train"]["n"] == 750
