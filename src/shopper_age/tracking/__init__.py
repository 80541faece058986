"""MLflow runs of trainings and evaluations: one run per trained model, in one store for every way of running.

All that a run logs is a row of operations, small dicts. They go to the store one by one; from the first that
fails on they go to an offline log instead, and the same code carries them out later. An operation carried out
twice leaves what doing it once left, so an offline log may overlap with what the store has already got.

    runs              training_run, evaluation_run, sweep_run: runs as context managers; open_trial_run
    logger            RunLogger: logs a run and never raises
    operations        RunRequest, Operation: the run that is wanted and what it logs, as values
    metric_names      names of metrics in MLflow, by sections
    mlflow_run        MlflowRun: a run in MLflow, and operations on it
    offline           OfflineLog: operations on disk
    sync              sync_offline_logs: sends what was kept while no store answered
    store             the MLflow store: address, experiment
    mlflow_internals  what touches MLflow's tables and undocumented tags
    secrets           without_password: text without the credentials in it
    timeouts          time limits of calls that may hang, and readable errors
    provenance        commit, DVC experiment, versions, hardware
    ui                MLflow's pages, on this machine or at a server
    search            find_runs: runs of given models or data, with their registered versions
    registry          ModelRegistry: versions of the model, and the champion among them
    pyfunc            a model as the folder that MLflow loads
    download          downloaded: a registered model's files on this machine
"""

from shopper_age.tracking.logger import RunLogger
from shopper_age.tracking.operations import RUN_PAGE
from shopper_age.tracking.runs import evaluation_run, open_trial_run, sweep_run, training_run
from shopper_age.tracking.sync import SyncReport, sync_offline_logs

__all__ = [
    "RUN_PAGE",
    "RunLogger",
    "SyncReport",
    "evaluation_run",
    "open_trial_run",
    "sweep_run",
    "sync_offline_logs",
    "training_run",
]
