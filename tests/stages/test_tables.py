"""Tables that one stage writes and another one, or a command, reads: whatever the user calls things."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
from evaluations import ages, estimates, usual_evaluation
from hard_text import EXAMPLES, hard_text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from project import ROOT

from shopper_age import paths
from shopper_age.data.tables import (
    MEASURED,
    PARTS,
    estimates_of,
    read_estimates,
    read_manifest,
    read_splits,
    write_splits,
)
from shopper_age.evaluation.evaluate import evaluate
from shopper_age.evaluation.tables import evaluation_tables
from shopper_age.experiments.results import read_result
from shopper_age.runtime.files import read_csv, write_csv
from shopper_age.validation.rules import FINDINGS_TYPES, RULES, findings

anything = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


# A name on disk that is no UTF-8 stands in the findings with its bytes spelt out.
utf8_text = hard_text.filter(lambda text: "\udcff" not in text)


def assert_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Equal values, whatever pandas calls their types."""
    assert list(found) == list(expected)
    assert len(found) == len(expected)
    for name in expected:
        for value, wanted in zip(found[name].tolist(), expected[name].tolist(), strict=True):
            assert pd.isna(value) if pd.isna(wanted) else value == wanted, name


@anything
@given(rows=st.lists(st.tuples(hard_text, hard_text, st.floats(0, 100)), min_size=1, max_size=5))
def test_a_manifest_and_its_splits_come_back(tmp_path, rows):
    names, cells, years = zip(*rows, strict=True)
    manifest = pd.DataFrame({"file_name": pd.Series(names, dtype=object), "real_age": years})
    manifest = manifest.assign(**dict.fromkeys(MEASURED, 1)).assign(
        mode="RGB", content_hash="0" * 15 + "7", perceptual_hash="00123"
    )
    manifest["=note"] = pd.Series(cells, dtype=object)
    write_csv(tmp_path / "manifest.csv", manifest)
    assert_same(read_manifest(tmp_path / "manifest.csv"), manifest)

    splits = manifest[["file_name", "real_age"]].assign(split=np.resize(PARTS, len(rows)))
    write_splits(splits, tmp_path / "splits.csv")
    assert_same(read_splits(tmp_path / "splits.csv"), splits)


@anything
@given(names=st.lists(utf8_text, max_size=5), detail=utf8_text)
def test_findings_come_back(tmp_path, names, detail):
    files = pd.Series(names, dtype=object, index=pd.array([None, *range(2, 9)][: len(names)], "Int64"))
    table = findings("missing_photo", files, "x")
    table["detail"] = pd.Series([detail] * len(table), dtype=object)
    write_csv(tmp_path / "findings.csv", table)
    assert_same(read_csv(tmp_path / "findings.csv", FINDINGS_TYPES), table)
    assert set(table["rule"]) <= set(RULES)


def test_every_table_of_an_evaluation_comes_back(tmp_path):
    rng, n = np.random.default_rng(0), 8 * len(EXAMPLES)
    validation, test = (estimates(ages(n, seed=seed), rng.normal(0, 4, n)) for seed in (1, 2))
    names = [text.replace("\udcff", "?") for text in np.repeat(EXAMPLES, 8)]
    evaluation = evaluate(
        validation,
        test,
        file_names=[f"{text}{number}" for number, text in enumerate(names)],
        train_ages=[20.0, 30.0],
        attributes=pd.DataFrame({"=shop": pd.Series(names, dtype="str")}),
        params=usual_evaluation().params,
        seed=0,
    )
    tables = evaluation_tables(evaluation)
    assert "=shop" in set(tables["slices.csv"]["column"])
    for name, table in tables.items():
        write_csv(tmp_path / name, table)
        kinds = {"b": bool, "i": int, "f": float}
        types = {
            column: float if table[column].isna().any() else kinds[kind.kind]
            for column, kind in table.dtypes.items()
            if kind.kind in kinds
        }
        assert_same(read_csv(tmp_path / name, types), table)
    assert_same(read_estimates(tmp_path / "predictions.csv"), tables["predictions.csv"])
    text = (tmp_path / "predictions.csv").read_bytes().decode()
    assert_same(estimates_of(text), tables["predictions.csv"])


def test_the_workspace_s_estimates_keep_their_line_breaks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame(
        {"file_name": ["a\rb", "c\r\nd"], "real_age": [1.0, 2.0], "predicted_age": [2.0, 3.0]}
    )
    write_csv(paths.PREDICTIONS, table)
    paths.METRICS.write_text("{}")
    paths.PARAMS.write_text("{}")
    assert_same(read_result("workspace").predictions, table)


def test_any_cell_of_labels_csv_reaches_the_split(tmp_path):
    """The stages, one after the other, on labels.csv with a lone carriage return, formulas and the like."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    photos = tmp_path / "data" / "faces" / "final_files"
    photos.mkdir(parents=True)
    rng = np.random.default_rng(0)
    cells = [text for text in EXAMPLES if "\udcff" not in text] * 2
    names = ["=1.jpg", "+2.jpg", "'=3.jpg", "a,b.jpg", *(f"{number}.jpg" for number in range(4, len(cells)))]
    for name in names:
        Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)).save(photos / name)
    labels = pd.DataFrame({"file_name": names, "real_age": np.arange(len(names)) % 60, "=note": cells})
    write_csv(tmp_path / "data" / "faces" / "labels.csv", labels, guarded=False)

    for stage in ("validate_data", "eda", "split"):
        done = subprocess.run(
            [sys.executable, str(ROOT / "stages" / f"{stage}.py")],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    manifest = read_manifest(tmp_path / paths.MANIFEST)
    assert_same(manifest[["file_name", "real_age", "=note"]], labels)
    assert read_splits(tmp_path / paths.SPLITS)["file_name"].tolist() == names
    assert json.loads((tmp_path / "reports/split/summary.json").read_text())["n"] == len(names)
