"""A set in a public form through the first stages, as a user runs it."""

import json

import pandas as pd
import pytest
from checkout import Checkout

from shopper_age.demo.faces import draw_faces

pytestmark = pytest.mark.pipeline


def test_an_imported_set_is_validated_and_split_by_its_official_parts(tmp_path):
    checkout = Checkout(tmp_path / "checkout")
    ages = draw_faces(tmp_path / "drawn", n=30, seed=3).to_numpy().tolist()
    release = tmp_path / "appa-real-release"
    for number, (name, age) in enumerate(ages):
        part = ("train", "train", "valid", "test")[number % 4]
        (release / part).mkdir(parents=True, exist_ok=True)
        (tmp_path / "drawn" / "final_files" / name).rename(release / part / name)
        with (release / f"gt_{part}.csv").open("a") as table:
            if not table.tell():
                table.write("file_name,real_age,apparent_age,worker_age,worker_gender\n")
            table.write(f"{name},{age},40,30,female\n{name},{age},42,31,male\n")
    with (release / "gt_test.csv").open("a") as table:
        table.write("gone.jpg,30,31,30,female\n")

    told = checkout.run("shopper-age", "import", "appa-real", str(release), "data/faces")
    assert "taken" in told
    assert "30 linked" in told
    assert "there is no such photo" in told
    assert "dvc add data/faces" in told
    assert checkout.run("git", "status", "--porcelain") == ""  # no photo and no note reaches Git

    checkout.run("dvc", "add", "data/faces")
    checkout.run("dvc", "exp", "run", "-S", "split.strategy=column", "split")
    summary = checkout.json("reports/validate_data/summary.json")
    assert (summary["n_rows"], summary["n_usable"], summary["n_bad"]) == (30, 30, 0)
    splits = pd.read_csv(checkout.folder / "data" / "splits" / "splits.csv")
    assert splits["split"].value_counts().to_dict() == {"train": 16, "validation": 7, "test": 7}
    assert json.dumps(checkout.json("reports/split/summary.json"))
