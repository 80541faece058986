import json
import logging
import runpy
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project import ROOT

from shopper_age.data.tables import PARTS
from shopper_age.grouping import columns_that_repeat, people_of, together
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


def split(manifest, strategy="stratified", seed=0, group_column="customer"):
    return split_faces(
        manifest,
        strategy=strategy,
        test_share=0.25,
        validation_share=0.15,
        seed=seed,
        group_column=group_column,
    )


@pytest.fixture
def customers():
    """1,200 photos of 300 people of all ages, 1 to 12 each."""
    rng = np.random.default_rng(3)
    n_photos = rng.integers(1, 13, 300)
    ages = np.repeat(np.clip(rng.normal(35, 18, 300).round(), 1, 95), n_photos)
    names = np.repeat([f"c{i:03d}" for i in range(300)], n_photos)
    return manifest_of(ages, customer=names).sample(frac=1, random_state=0, ignore_index=True)


@settings(max_examples=150, deadline=None)
@given(
    people=st.lists(st.sampled_from([*"abcdefghijklmnop", "", " "]), min_size=30, max_size=120),
    duplicates=st.integers(5, 200),
    seed=st.integers(0, 1000),
)
def test_no_person_and_no_duplicate_is_in_two_parts(people, duplicates, seed):
    rng = np.random.default_rng(seed)
    n = len(people)
    manifest = manifest_of(
        rng.integers(0, 100, n),
        rng.integers(0, n + duplicates * 10, n),
        customer=pd.Series(people, dtype="str"),
    )
    try:
        splits = split(manifest, seed=seed)
    except ValueError as error:  # a handful of people may be too few for three parts
        assert "must stay together" in str(error)  # noqa: PT017
        return
    assert splits["file_name"].tolist() == manifest["file_name"].tolist()
    assert set(splits["split"]) == set(PARTS)
    summary = summarise_split(splits, manifest["duplicate_group"], people_of(manifest, "customer"))
    assert (summary["n_people_straddling"], summary["n_test_people_known"]) == (0, 0)
    assert (summary["n_groups_straddling"], summary["n_test_photos_known"]) == (0, 0)
    assert summary["n_people"] == sum(summary[part]["n_people"] for part in PARTS)
    shuffled = manifest.sample(frac=1, random_state=seed)
    assert split(shuffled, seed=seed).sort_index().equals(splits)


def test_parts_of_people_keep_shares_and_ages(customers):
    for seed in range(5):
        splits = split(customers, seed=seed)
        share = splits["split"].value_counts(normalize=True)
        assert share["test"] == pytest.approx(0.25, abs=0.02)
        assert share["validation"] == pytest.approx(0.75 * 0.15, abs=0.02)
        deciles = np.arange(0.1, 1, 0.1)
        for part in PARTS:
            ages = splits.loc[splits["split"] == part, "real_age"]
            # as many years as 300 people drawn at random would differ by: 18 / sqrt(45) = 2.7
            assert np.abs(ages.quantile(deciles) - splits["real_age"].quantile(deciles)).mean() < 3
            assert ages.mean() == pytest.approx(splits["real_age"].mean(), abs=2)


def test_another_seed_tests_other_people(customers):
    tested = [
        set(customers.loc[split(customers, seed=seed)["split"] == "test", "customer"]) for seed in (1, 2)
    ]
    assert len(tested[0] & tested[1]) < 0.5 * len(tested[0])


def test_without_the_setting_further_columns_change_nothing(customers):
    plain = split(customers.drop(columns="customer"), group_column="")
    assert split(customers, group_column="").equals(plain)
    assert "n_people" not in summarise_split(plain, customers["duplicate_group"])


def test_a_duplicate_joins_two_names_of_one_person():
    assert together(np.array([0, 1, 0, 3]), np.array([7, 7, 8, 9])).tolist() == [0, 0, 0, 1]


def test_a_blank_cell_is_a_person_of_its_own():
    people = people_of(manifest_of(range(5), customer=["a", "", " a ", " ", ""]), "customer")
    assert people[0] == people[2]
    assert len(set(people)) == 4


@pytest.mark.parametrize("name", ["Customer", "real_age", "split", "duplicate_group"])
def test_a_column_that_cannot_name_people_is_refused_with_those_that_may(name):
    manifest = manifest_of(range(20), customer="a", shop="b", split="train")
    with pytest.raises(ValueError, match=rf"group_column is '{name}'.* It has 'customer', 'shop'\. Correct"):
        split(manifest, group_column=name)


@pytest.mark.parametrize("strategy", ["column", "keras"])
def test_a_strategy_that_tears_people_apart_is_refused(strategy):
    parts = np.where(np.arange(60) < 15, "test", "train")
    manifest = manifest_of(range(60), split=parts, customer=[f"c{i % 20}" for i in range(60)])
    with pytest.raises(
        ValueError, match=rf"{strategy} puts 1\d of 20 people of the column 'customer' .*'c\d+' \(test, "
    ):
        split(manifest, strategy)


@pytest.mark.parametrize("strategy", ["column", "keras"])
def test_a_strategy_that_keeps_people_together_is_followed(strategy):
    parts = np.where(np.arange(60) < 15, "test", "train")
    manifest = manifest_of(range(60), split=parts, customer=[f"c{i // 3}" for i in range(60)])
    splits = split(manifest, strategy)
    assert (splits["split"] == "test").tolist() == (parts == "test").tolist()
    people = people_of(manifest, "customer")
    assert summarise_split(splits, manifest["duplicate_group"], people)["n_people_straddling"] == 0


def test_one_name_for_nearly_everybody_is_told():
    manifest = manifest_of(range(20), customer=["unknown"] * 19 + ["a"])
    with pytest.raises(ValueError, match="19 of them must stay together"):
        split(manifest)


@pytest.mark.parametrize(
    ("cells", "is_named"),
    [
        ([f"c{i % 79}" for i in range(395)], True),
        ([f"{i % 79}.0" for i in range(395)], True),  # numbers as pandas writes them beside empty cells
        ([str(i % 79) if i % 3 else "" for i in range(395)], True),
        ([f"p{max(i, 100)}" if i % 2 else "" for i in range(395)], True),
        ([f"p{i // 2}" if i < 80 else f"q{i}" for i in range(395)], True),  # few have more than one photo
        ([f"c{i}" for i in range(395)], False),  # each is another
        ([f"{'fm'[i % 2]}" for i in range(395)], False),
        ([f"shop {i % 10}" for i in range(395)], False),
        ([f"0.{i % 79 + 1}" for i in range(395)], False),
        ([f"2024-05-{i % 28 + 1:02d}" for i in range(395)], False),
        ([f"12:{i % 60:02d}" for i in range(395)], False),
        ([""] * 395, False),
    ],
)
def test_columns_whose_values_repeat_like_people_are_named(cells, is_named):
    manifest = manifest_of(np.zeros(395), customer=pd.Series(cells, dtype="str"), split="train")
    assert list(columns_that_repeat(manifest)) == ["customer"] * is_named


@pytest.fixture
def project(tmp_path, monkeypatch):
    manifest = manifest_of(
        np.arange(90),
        width=224,
        height=224,
        mode="RGB",
        n_bytes=9000,
        content_hash="0" * 16,
        perceptual_hash="0" * 16,
        customer=[f"c{i // 5}" for i in range(90)],
    )
    (tmp_path / "reports/validate_data").mkdir(parents=True)
    manifest.to_csv(tmp_path / "reports/validate_data/manifest.csv", index=False)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging.getLogger("shopper_age"), "propagate", True)  # a stage turns it off
    return tmp_path


def run_stage(project):
    runpy.run_path(str(ROOT / "stages/split.py"))["main"]()
    return json.loads((project / "reports/split/summary.json").read_text())


def test_the_stage_warns_of_a_column_that_may_name_people(project, caplog):
    assert run_stage(project)["columns_that_repeat"] == {"customer": {"values": 18, "photos": 90}}
    assert "column 'customer' repeats: 18 values on 90 photos" in caplog.text


def test_the_stage_counts_people_when_told_who_they_are(project, caplog):
    params = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (project / "params.yaml").write_text(params.replace('group_column: ""', "group_column: customer"))
    summary = run_stage(project)
    assert (summary["n_people"], summary["n_people_straddling"], summary["n_test_people_known"]) == (18, 0, 0)
    assert "columns_that_repeat" not in summary
    assert not caplog.text


def test_a_setting_and_columns_of_any_length_leave_the_message_short():
    manifest = pd.DataFrame(
        {"file_name": ["a.jpg"], "real_age": [30.0]} | {"c" * 5000 + str(n): ["x"] for n in range(50)}
    )

    with pytest.raises(ValueError, match="has no such column") as told:
        people_of(manifest, "person" * 5000)

    assert len(str(told.value)) < 2000
