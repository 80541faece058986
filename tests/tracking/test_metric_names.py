import re

import pytest
from evaluations import usual_evaluation
from mlflow_store import runs
from project import ROOT

from shopper_age.tracking import training_run
from shopper_age.tracking.metric_names import mlflow_name, rounded


@pytest.mark.parametrize(
    ("flat", "name"),
    [
        ("val_mae", "epochs/val_mae"),
        ("best_val_mae", "epochs/best_val_mae"),
        ("images_per_second", "speed/images_per_second"),
        ("mae", "test/mae"),
        ("mae_low", "test/mae_low"),
        ("mae_minus_baseline", "test/mae_minus_baseline"),
        ("mae_age_80_plus", "test_by_age/mae_age_80_plus"),
        ("bias_age_0_9", "test_by_age/bias_age_0_9"),
        ("group_recall_65_plus", "test_by_group/group_recall_65_plus"),
        ("id_false_positive_rate_at_25", "test_id_check/id_false_positive_rate_at_25"),
        ("something_new", "test/something_new"),
        ("system/gpu_0_power", "system/gpu_0_power"),
    ],
)
def test_a_metric_stands_in_the_section_of_what_it_is_about(flat, name):
    assert mlflow_name(flat) == name
    assert mlflow_name(name) == name, "a name that has its section keeps it"


def test_an_unknown_metric_of_an_epoch_is_a_curve_and_a_known_one_stays_where_it_is():
    assert mlflow_name("lr", of_epoch=True) == "epochs/lr"
    assert mlflow_name("seconds_per_epoch", of_epoch=True) == "speed/seconds_per_epoch"


def test_sections_sorted_by_the_alphabet_begin_with_the_curves_and_end_with_the_test():
    names = ["id_meets", "group_accuracy", "mae_age_0_9", "mae", "training_seconds", "val_mae"]
    sections = [mlflow_name(name).partition("/")[0] for name in names]
    assert sections[::-1] == sorted(sections)


def test_every_section_is_in_the_documented_table_of_names():
    table = (ROOT / "docs/metrics.md").read_text(encoding="utf-8").partition("## The names in MLflow")[2]
    documented = re.findall(r"^\| `(\w+)/` \| (.*?) \|", table, flags=re.MULTILINE)
    metrics = [*usual_evaluation().metrics, "best_val_mae", "train_loss", "val_mae", "images_per_second"]
    assert {section for section, _ in documented} - {"system"} == {
        mlflow_name(name).partition("/")[0] for name in metrics
    }
    for section, names in documented:
        for name in re.findall(r"`(\w+?)(?:<\w+>)?`", names):
            assert section in ("system", mlflow_name(name).partition("/")[0])


@pytest.mark.parametrize(
    ("value", "short"),
    [
        (3.635504722595215, 3.6355),
        (21.4460605, 21.4461),
        (0.00123456, 0.001235),
        (-0.123456, -0.1235),
        (1_234_567.0, 1_234_567.0),
        (0.0, 0.0),
        (float("inf"), float("inf")),
    ],
)
def test_values_have_the_digits_that_mean_something(value, short):
    assert rounded(value) == short


def test_what_a_run_logs_is_named_and_rounded(root):
    with training_run("ages", params={}) as run:
        run.log_metrics({"val_mae": 8.123456789}, step=1)
        run.log_metrics({"mae": 7.0, "id_meets": True})
    metrics = runs(root)[0].data.metrics
    assert metrics == {"epochs/val_mae": 8.1235, "test/mae": 7.0, "test_id_check/id_meets": 1.0}
