"""Sweeps on Ray, with an executor in its place that tells of epochs; and with Ray, where it is installed."""

import math
import os
import shutil
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
from project import ROOT
from typer.testing import CliRunner

from shopper_age.cli import sweeping
from shopper_age.cli.app import app
from shopper_age.data.tables import SPLIT, TRAIN, VALIDATION
from shopper_age.distributed import sweep as module
from shopper_age.distributed.sweep import best_trial, check_trials, run_sweep
from shopper_age.distributed.trial import Outcome, Trial, train_trial
from shopper_age.distributed.tuning import RayTrials, _gpus_per_trial, _tell_if_none_fits
from shopper_age.params import load_params
from shopper_age.runtime.files import write_json

PARAMS = load_params(ROOT / "params.yaml").model_copy(update={"epochs": 3})
SPLITS = pd.DataFrame({SPLIT: [TRAIN] * 6 + [VALIDATION] * 2})
FACTS = {"precision": "float32", "gpu": "none", "machine": "here"}


def trial(name, *settings, **changes):
    return Trial(name, settings, PARAMS.model_copy(update=changes))


def history(*errors):
    return [
        {"epoch": n + 1, "loss": 1.0, "mae": 9.0, "val_loss": 1.0, "val_mae": error, "seconds": 2.0}
        for n, error in enumerate(errors)
    ]


class Run:
    """Stands in for a run of MLflow."""

    id = "the sweep"

    def __init__(self):
        self.tags, self.epochs, self.status, self.text = {}, [], None, ""

    def set_tags(self, tags):
        self.tags |= tags

    def log_metrics(self, metrics, step=None):
        if step is not None:
            self.epochs.append((step, metrics["val_mae"]))

    def describe(self, text):
        self.text = text

    def finish(self, status):
        self.status = status


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The runs by name, in a project without DVC."""
    runs = {}

    class Opened:
        def __init__(self, _experiment, *, name, **_):
            self.run = runs[name] = Run()

        def __enter__(self):
            return self.run

        def __exit__(self, *_):
            return False

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "sweep_run", Opened)
    monkeypatch.setattr(
        module, "open_trial_run", lambda _, *arguments, **named: Opened(*arguments, **named).run
    )
    monkeypatch.setattr(module, "training_key", lambda params, *_: f"key-{params.learning_rate}")
    return runs


def swept(trials, execute, told=lambda *_: None):
    return run_sweep(
        trials, SPLITS, name="few", grid=["learning_rate=0.1,0.2"], execute=execute, on_change=told
    )


@pytest.mark.parametrize(
    "setting", ["split.seed=1", "data_path=other", "evaluate.tta=2", "validate_data.min_age=3"]
)
def test_settings_of_other_stages_are_left_to_the_simple_sweep(setting):
    with pytest.raises(ValueError, match=r"is no setting of the training: .*`shopper-age sweep --no-ray`"):
        check_trials([trial("few-1", "epochs=3"), trial("few-2", setting)], SPLITS)


def test_trials_that_ask_for_workers_or_lack_a_validation_part_are_refused():
    workers = PARAMS.train.model_copy(update={"workers": 2})
    with pytest.raises(ValueError, match=r"^train.workers is 2: .*Set train.workers to 1"):
        check_trials([trial("few", "epochs=3", train=workers)], SPLITS)
    with pytest.raises(ValueError, match=r"has no validation part.*calibration: cross"):
        check_trials([trial("few", "epochs=3")], SPLITS[SPLITS[SPLIT] == TRAIN])


def test_each_trial_has_a_run_that_tells_its_epochs_and_how_it_ended(store):
    trials = [trial(f"few-{n}", f"learning_rate=0.{n}", learning_rate=n / 10) for n in (1, 2, 3, 4)]

    def execute(_trials, _splits, folders, listener):
        assert folders["few-2"].parent.parts[-2:] == (".checkpoints", "sweeps")
        for one in trials[:3]:  # the last one has no process that starts
            listener.started(one.name)
        listener.epoch("few-1", history(9.0), FACTS)
        listener.epoch("few-2", history(8.0), FACTS)
        listener.started("few-1")  # after its process died
        listener.epoch("few-1", history(9.0), FACTS)
        listener.epoch("few-1", history(9.0, 7.0), FACTS)
        listener.epoch("few-3", history(30.0), FACTS)
        listener.ended("few-3", is_stopped=True)
        listener.ended("few-4", reason="1 of 8 photos are not in data/faces")
        listener.ended("few-1")
        listener.epoch("few-2", history(8.0, 7.5, 8.1), FACTS)
        listener.ended("few-2")

    told = []
    outcomes = swept(trials, execute, lambda *change: told.append(change))
    assert [outcomes[one.name].state for one in trials] == ["success", "success", "stopped", "failed"]
    assert [outcomes[one.name].val_mae for one in trials[:3]] == [7.0, 7.5, 30.0]
    assert math.isnan(outcomes["few-4"].val_mae)
    assert store["few-1"].epochs == [(1, 9.0), (2, 7.0)]
    assert store["few-2"].epochs == [(1, 8.0), (2, 7.5), (3, 8.1)]
    assert [store[one.name].status for one in trials] == ["FINISHED", "FINISHED", "FINISHED", "FAILED"]
    assert store["few-2"].tags["machine"] == "here"
    assert store["few-3"].tags["stopped_after_epoch"] == 1
    assert store["few-4"].tags["error"] == "1 of 8 photos are not in data/faces"
    assert "7.00 years**, by few-1: `dvc exp run -S learning_rate=0.1`" in store["few"].text
    assert ("few-1", "Running again") in told
    assert ("few-2", "epoch 3 of 3, validation MAE 7.50 years") in told


def test_what_an_interrupted_sweep_has_finished_is_kept_and_its_runs_are_closed(store):
    trials = [trial("few-1", "learning_rate=0.1", learning_rate=0.1)]
    kept = []

    def interrupted(_trials, _splits, folders, listener):
        (folder,) = folders.values()
        folder.mkdir(parents=True)
        kept.append(folder)
        listener.started("few-1")
        raise KeyboardInterrupt

    def finished(_trials, _splits, _folders, listener):
        listener.started("few-1")
        listener.ended("few-1")

    with pytest.raises(KeyboardInterrupt):
        swept(trials, interrupted)
    assert store["few-1"].status == "KILLED"
    assert kept[0].is_dir()
    swept(trials, finished)
    assert not kept[0].exists()


@pytest.mark.usefixtures("store")
def test_after_failures_what_a_second_try_needs_is_kept():
    trials = [trial(f"few-{n}", f"learning_rate=0.{n}", learning_rate=n / 10) for n in (1, 2, 3, 4)]
    kept = {}

    def execute(_trials, _splits, folders, listener):
        for number, (name, folder) in enumerate(folders.items()):
            folder.mkdir(parents=True)
            folder.with_suffix(".lock").touch()
            write_json(
                folder / "state.json", {"history": [], "diverged": "in step 3" if number == 3 else None}
            )
            listener.started(name)
        kept.update(folders)
        listener.ended("few-1")
        listener.ended("few-2", is_stopped=True)
        listener.ended("few-3", reason="its process died")
        listener.ended("few-4", reason="the loss is nan")

    swept(trials, execute)
    assert [name for name, folder in kept.items() if folder.exists()] == ["few-1", "few-3"]
    assert not list(kept["few-1"].parent.glob("*.lock"))


def test_the_best_is_the_lowest_of_those_that_came_to_their_end():
    trials = [trial(f"few-{n}") for n in (1, 2, 3, 4)]
    outcomes = {
        "few-1": Outcome("success", history(9.0, 8.0)),
        "few-2": Outcome("stopped", history(5.0)),
        "few-3": Outcome("success", history(7.0, 9.0)),
        "few-4": Outcome("success", history(math.nan)),
    }
    assert best_trial(trials, outcomes) is trials[2]
    assert best_trial(trials[3:], outcomes) is None
    assert outcomes["few-3"].images_per_second(6) == 3.0


def test_the_command_is_one_for_the_shell():
    assert trial("few", "weights='a b.h5'", "epochs=3").command == (
        """dvc exp run -S 'weights='"'"'a b.h5'"'"'' -S epochs=3"""
    )


class Recipe:
    """Stands in for the recipe: finishes an epoch and leaves its checkpoint."""

    n_fits = 0

    def __init__(self, *_, **__):
        pass

    def create_model(self):
        return None

    def fit(self, _model, _splits, *, checkpoint_folder, on_epoch, check):
        Recipe.n_fits += 1
        check()
        (checkpoint_folder / "kept-1.weights.h5").touch()
        write_json(checkpoint_folder / "state.json", {"history": history(9.0)})
        on_epoch(history(9.0))


def test_a_finished_trial_leaves_its_history_alone_and_is_not_trained_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shopper_age.training.recipe.Recipe", Recipe)
    told, folder = [], tmp_path / "checkpoints" / "key"
    for _ in range(2):
        train_trial(
            PARAMS,
            SPLITS,
            working_folder=tmp_path,
            checkpoint_folder=folder,
            on_epoch=lambda rows, facts: told.append((rows, facts["gpu"])),
        )
    assert told == [(history(9.0), "none")] * 2
    assert Recipe.n_fits == 1
    assert not list(folder.glob("*.h5"))
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoints"}


def test_a_machine_without_the_checkout_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="under the same path on all machines"):
        train_trial(
            PARAMS, SPLITS, working_folder=tmp_path / "no", checkpoint_folder=tmp_path, on_epoch=print
        )


def test_without_ray_the_file_to_install_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"^several workers need Ray .*-r requirements-scale.txt"):
        RayTrials()


def test_trials_that_no_machine_has_room_for_are_told(monkeypatch, caplog):
    nodes = [
        {"Alive": True, "Resources": {"CPU": 4.0, "GPU": 1.0}},
        {"Alive": True, "Resources": {"CPU": 16.0}},
        {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}},
    ]
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(nodes=lambda: nodes))
    for n_cpus, n_gpus in ((4, 1), (16, 0)):
        _tell_if_none_fits(n_cpus, n_gpus)
    assert not caplog.records
    _tell_if_none_fits(8, 1)
    assert "has 8 cores (--cpus) and 1 GPUs" in caplog.text


@pytest.mark.parametrize(("n_gpus", "devices", "expected"), [(0, 2, 0), (8, "auto", 1), (8, 2, 2)])
def test_a_trial_gets_the_gpus_that_it_asks_for(monkeypatch, n_gpus, devices, expected):
    resources = {"CPU": 8.0, **({"GPU": float(n_gpus)} if n_gpus else {})}
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(cluster_resources=lambda: resources))
    settings = PARAMS.train.model_copy(update={"devices": devices})
    assert _gpus_per_trial([trial("few", train=settings)]) == expected


@pytest.fixture
def command(store, monkeypatch):
    """The command in a project whose trials are those of a function."""
    store.clear()
    shutil.copyfile(ROOT / "params.yaml", "params.yaml")
    monkeypatch.setattr(sweeping, "read_splits", lambda _: SPLITS)
    monkeypatch.setattr(sweeping, "is_outdated", lambda _: False)

    def run(execute, *arguments, **environment):
        monkeypatch.setattr(sweeping, "RayTrials", lambda **_: execute)
        answer = CliRunner().invoke(app, ["sweep", *arguments], env={"COLUMNS": "200", **environment})
        return answer.exit_code, answer.output + str(answer.exception)

    return run


def _learning_rate_is_the_error(trials, _splits, _folders, listener):
    for one in trials:
        listener.started(one.name)
        if one.params.loss == "mse":
            listener.ended(one.name, reason="the loss is [nan]")
        else:
            listener.epoch(one.name, history(one.params.learning_rate * 100), FACTS)
            listener.ended(one.name)


def test_the_command_ends_with_the_ranking_the_reasons_and_how_to_repeat_the_best(command):
    status, told = command(
        _learning_rate_is_the_error,
        "learning_rate=0.2,0.1",
        "loss=mae,mse",
        "--name",
        "few",
        RAY_ADDRESS="auto",
    )
    rows = [line.split("│")[1:-1] for line in told.splitlines() if line.startswith("│")]
    assert [row[0].strip() for row in rows] == ["few-3", "few-1", "few-2", "few-4"]
    assert [cell.strip() for cell in rows[0]] == ["few-3", "0.1", "mae", "10.00", "–", "3.00", ""]
    assert "few-2 failed: the loss is [nan]" in told
    assert "dvc exp run -S learning_rate=0.1 -S loss=mae\n" in told
    assert status == 1
    assert "2 trainings of the sweep failed" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["epochs=3,0"], "`epochs=0`: 'epochs' is 0"),
        (["epoch=3"], "DVC refuses epoch=3"),
        (["epochs=glob(*)"], "DVC refuses the grid"),
        (["split.seed=1,2"], "split.seed is no setting of the training"),
    ],
)
def test_a_grid_that_cannot_be_trained_is_refused_before_a_trial_starts(command, store, arguments, message):
    status, told = command(None, *arguments, "--ray")
    assert (status, store) == (1, {})
    assert message in told


def test_splits_of_other_settings_are_refused(command, store, monkeypatch):
    monkeypatch.setattr(sweeping, "is_outdated", lambda _: True)
    status, told = command(None, "epochs=1,2", "--ray")
    assert (status, store) == (1, {})
    assert "run `dvc repro split` first" in told


def test_asha_without_ray_is_refused(command):
    status, told = command(None, "epochs=1,2", "--asha", "--no-ray", RAY_ADDRESS="auto")
    assert status == 1
    assert "--asha is for a sweep on Ray: add --ray" in told


class Listener:
    """Notes what it is told."""

    def __init__(self):
        self.n_epochs, self.ends = {}, {}

    def started(self, name):
        self.n_epochs.setdefault(name, 0)

    def epoch(self, name, rows, _facts):
        self.n_epochs[name] = len(rows)

    def ended(self, name, *, reason="", is_stopped=False):
        assert name not in self.ends
        self.ends[name] = reason or is_stopped


@pytest.mark.pipeline
def test_ray_trains_each_trial_tells_why_one_failed_and_stops_the_worse(tmp_path):
    pytest.importorskip("ray.tune", reason="Ray is not installed: pip install -r requirements-scale.txt")

    def train(params, _splits, *, working_folder, checkpoint_folder, on_epoch):
        assert working_folder.is_dir()
        if params.seed == 4:
            if not checkpoint_folder.exists():  # a process that dies
                checkpoint_folder.mkdir()
                os._exit(1)
            raise ValueError("no photo")
        rows = [
            {"epoch": n + 1, "loss": 1.0, "mae": 9.0, "val_mae": params.seed - n / 9, "seconds": 2.0}
            for n in range(params.epochs)
        ]
        for n in range(params.epochs):
            on_epoch(rows[: n + 1], {"gpu": "none"})

    trials = [trial(f"few-{seed}", seed=seed) for seed in (1, 2, 3, 4)]
    listener = Listener()
    execute = RayTrials(n_at_a_time=1, asha=True, train=train)
    execute(trials, SPLITS, {one.name: tmp_path / one.name for one in trials}, listener)
    assert listener.ends == {"few-1": False, "few-2": True, "few-3": True, "few-4": "no photo"}
    assert listener.n_epochs == {"few-1": 3, "few-2": 1, "few-3": 1, "few-4": 0}
