"""Experiments beside the workspace: in DVC's queue and in a copy."""

from io import StringIO

import pandas as pd
import pytest
from checkout import stages_run

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def checkout(finished, tmp_path_factory):
    return finished.duplicate(tmp_path_factory.mktemp("experiments") / "project")


def test_a_sweep_trains_and_evaluates_and_nothing_else_and_says_what_failed(checkout):
    told = checkout.run("shopper-age", "sweep", "epochs=2,0", "--name", "swept", fails=True)
    rows = [line.split("│")[1:-1] for line in told.splitlines() if line.startswith("│")]
    (best, failed) = ([cell.strip() for cell in row] for row in rows)
    assert best[:2] == ["swept-1", "2"]
    assert all(float(figure) > 0 for figure in best[2:5])
    assert failed[:2] == ["swept-2", "0"]
    assert failed[-1] == "failed"
    assert "swept-2 failed: `dvc queue logs swept-2` shows why." in told
    assert "1 of 2 experiments failed" in told
    # As long as dvc.lock is not committed, a copy goes by what DVC remembers; of eda, whose report is kept in
    # Git, it remembers nothing.
    assert stages_run(checkout.run("dvc", "queue", "logs", "swept-1")) - {"eda"} == {"train", "evaluate"}
    assert "epochs" in checkout.run("dvc", "queue", "logs", "swept-2")
    assert "mae" in checkout.run("dvc", "metrics", "diff", "first", "swept-1")
    checkout.run("dvc", "plots", "show", "--out", "dvc_plots")
    assert (checkout.folder / "dvc_plots" / "index.html").is_file()


def test_experiments_run_anywhere_are_told_alike_by_dvc_and_mlflow(checkout):
    checkout.run("dvc", "exp", "run", "--temp", "--name", "apart", "--set-param", "epochs=3")
    shown = checkout.run("dvc", "exp", "show", "--csv")
    table = pd.read_csv(StringIO(shown), na_values="!").set_index("Experiment")
    runs = checkout.runs().set_index("tags.mlflow.runName")
    for name, n_epochs in (("first", 1), ("swept-1", 2), ("apart", 3)):
        row, run = table.loc[name], runs.loc[name]
        assert (run["status"], run["tags.dvc_experiment"]) == ("FINISHED", name)
        assert (row["epochs"], run["params.epochs"]) == (n_epochs, str(n_epochs))
        assert row["val_mae"] == run["metrics.epochs/best_val_mae"]
        assert row["mae"] == run["metrics.test/mae"]
        assert (row["mlflow_run"], row["mlflow_run_id"]) == (name, run["run_id"])
        assert row["git_commit"] == run["tags.git_commit"]
        assert row["data_md5"] == run["tags.data_md5"]
        assert row["tensorflow"] == run["tags.tensorflow"]
