"""The benchmark of the stages: what it makes up, and that a figure is the stage's own."""

import argparse
import math
import sys

import numpy as np
import pandas as pd
import pytest
from photos import make_faces, small_photo
from pipeline import GIVEN, N_FEW, PHOTOS, ROWS, Benchmark, Measured
from process_cost import Cost, measure
from project import ROOT, copy_params
from project_costs import MeasuredProject
from synthetic import ROWS_PER_COPY, mixed_hashes, read_ingredients, write_faces, write_labels
from testbed import check_faces

from shopper_age.params import load_params
from shopper_age.validation.checks import validate
from shopper_age.validation.duplicates import near_duplicate_groups


@pytest.fixture(scope="module")
def ingredients(tmp_path_factory):
    photos = {f"{seed}.png": small_photo(seed) for seed in range(60)}
    labels = "file_name,real_age\n" + "".join(f"{name},30\n" for name in photos)
    faces = make_faces(tmp_path_factory.mktemp("faces"), labels, photos)
    return read_ingredients(faces, seed=0)


def test_mixed_photos_are_sound_and_no_duplicates_of_each_other(ingredients, tmp_path):
    write_faces(tmp_path / "faces", ingredients, n=30, seed=0)
    found = validate(tmp_path / "faces", load_params().validate_data)
    assert len(found.manifest) == 30
    assert found.findings.empty


def test_mixed_hashes_hold_the_copies_that_they_should_and_hardly_another(ingredients):
    n = 4 * ROWS_PER_COPY
    groups = near_duplicate_groups(mixed_hashes(ingredients, n=n, seed=0), max_bits=4)
    copies = np.arange(ROWS_PER_COPY - 1, n, ROWS_PER_COPY)
    assert (groups[copies] < copies).all()
    assert len(np.unique(groups)) >= n - 2 * len(copies)


def test_the_peak_of_a_command_is_not_that_of_who_measures_it(tmp_path):
    held = np.ones(300 * 2**20, np.uint8)
    cost = measure([sys.executable, "-c", "pass"], folder=tmp_path, environment={})
    assert held.nbytes / 2**20 > 4 * cost.peak_mib > 0


def test_a_command_that_fails_is_no_figure(tmp_path):
    code = "import sys; print('no such photo', file=sys.stderr); sys.exit(3)"
    with pytest.raises(RuntimeError, match=r"status 3(.|\n)*no such photo"):
        measure([sys.executable, "-c", code], folder=tmp_path, environment={})


def test_growth_is_that_of_the_work_beyond_the_start(tmp_path):
    benchmark = Benchmark(tmp_path, argparse.Namespace())
    for n in (N_FEW, 1_000, 10_000):
        seconds = 5 + (0 if n == N_FEW else n**1.5 / 1e4)
        benchmark.measured.append(Measured("split", PHOTOS, n, Cost(seconds, seconds, 100)))
    benchmark.measured.append(Measured("split", ROWS, 10**6, Cost(9, 9, 100)))
    assert benchmark.growth("split", PHOTOS) == pytest.approx(1.5)
    assert math.isnan(benchmark.growth("split", ROWS))
    assert math.isnan(benchmark.growth("split", GIVEN))


def test_rows_without_photos_pass_the_stages_of_a_copy_of_the_project(ingredients, tmp_path):
    project = MeasuredProject(tmp_path / "project")
    n = 3 * ROWS_PER_COPY
    write_labels(project.faces, n=n, seed=0)
    np.save(tmp_path / "hashes.npy", mixed_hashes(ingredients, n=n, seed=0))
    for stage in ("validate_data", "eda", "split"):
        project.cost(sys.executable, ROOT / "benchmarks" / "tables_only.py", stage, tmp_path / "hashes.npy")
    assert len(pd.read_csv(project.folder / "data" / "splits" / "splits.csv")) == n


def test_nothing_has_to_run_in_a_copy_that_counts_as_finished(tmp_path):
    project = MeasuredProject(tmp_path / "project")
    write_labels(project.faces, n=3, seed=0)
    assert project.noop_cost(repeats=1).wall_s > 0


def test_a_missing_folder_of_photos_is_named_with_what_to_give_instead(tmp_path):
    with pytest.raises(SystemExit, match=r"labels\.csv not found: --faces takes(.|\n)*photos of your own"):
        check_faces(tmp_path)
    (tmp_path / "labels.csv").touch()
    with pytest.raises(SystemExit, match="final_files not found"):
        check_faces(tmp_path)


def test_settings_of_a_copy_are_changed_where_they_stand(tmp_path):
    copy_params(tmp_path, epochs=3, max_bad_share=0.5)
    before, after = ((folder / "params.yaml").read_text().splitlines() for folder in (ROOT, tmp_path))
    changed = [new for old, new in zip(before, after, strict=True) if old != new and "data_path" not in new]
    assert changed == ["epochs: 3", "  max_bad_share: 0.5"]
    with pytest.raises(ValueError, match="0 settings named epoch;"):
        copy_params(tmp_path, epoch=3)
