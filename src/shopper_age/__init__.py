"""From face photos with known ages to an age model.

The rooms of the package, from what people call down to what everything stands on. A room imports rooms below
it alone, which `make lint` checks. The stages of dvc.yaml are scripts in stages/, a few calls each.

    cli          the command `shopper-age`
    demo         draws faces with ages, to try everything without photos; no other room knows it
    export       the model for machines without Keras, and whether it answers the same
    serving      answers over HTTP for the till, and the page to try them
    evaluation   stage evaluate: metrics of a model on the test part, conclusions, figures, reports
    distributed  work on several processes or machines, by Ray
    experiments  trained models side by side: compare, rank, sweep, promote
    eda          stage eda: what the usable photos are like
    inference    what a model says of photos, what follows from it, and where in a photo it comes from
    training     stage train: optimisers, checkpoints, resuming, history
    validation   stage validate_data: every row and every photo checked, duplicates found
    splitting    stage split: training, validation and test part
    detection    faces on photos: found, graded and cropped
    grouping     photos that belong together: of one person, or duplicates
    data         tables of faces; photos decoded, kept, augmented and batched; importers of public sets
    model        the network with its heads, losses and weights; Keras alone
    plots        Matplotlib figures of finished tables
    tracking     runs, models and an offline log in MLflow, which no other room knows
    params       the settings of params.yaml, typed and checked
    metrics      numbers about estimates, from arrays: errors, age groups, ID check, intervals, calibration
    runtime      the process: start of a stage, whole files, hashes, threads, machine, checkout
    markdown     reports from templates
    paths        the place of each file of the project

Notebooks need the names below alone. Each is imported when it is first touched, so that `import shopper_age`
costs nothing and the stages that need no network start without TensorFlow.
"""

import os
from importlib import import_module
from typing import Any

from shopper_age.runtime.tensorflow_log import quieten_tensorflow

# TensorFlow reads this when it is imported. It uses oneDNN of its own accord on processors with AVX512-VNNI
# alone; on one with AVX2 a training step of ResNet50 takes 2.3 times the time without it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

quieten_tensorflow()

_HOME = {
    "load_train": "data.loading",
    "load_test": "data.loading",
    "create_model": "model.network",
    "load_model": "model.archive",
    "train_model": "training.trainer",
    "Predictor": "inference.predictor",
}

__all__ = ["Predictor", "create_model", "load_model", "load_test", "load_train", "train_model"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'shopper_age' has no attribute {name!r}")
    return getattr(import_module(f"shopper_age.{_HOME[name]}"), name)
