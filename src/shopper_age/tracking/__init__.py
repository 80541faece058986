"""One MLflow run per trained model, in one store for every way of running the pipeline.

All that a run logs is a row of operations, small dicts. They go to the store one by one; from the first that
fails on they go to a spool instead, and the same code carries them out later. Carrying an operation out twice
leaves what doing it once left, so a spool may overlap with what the store has already got.

    runs        training_run, evaluation_run: what a stage opens
    run         Run: what it logs to
    page        what the experiment's page shows
    registry    promote: versions of the model, and the champion among them
    sending     send_spool: what was kept while no store answered
    spool       Spool: operations on disk
    stored_run  StoredRun: operations in MLflow
    store       which MLflow store that is
    waiting     calls that may hang or fail
"""

from shopper_age.tracking.logger import Run
from shopper_age.tracking.runs import evaluation_run, training_run
from shopper_age.tracking.sync import Sent, send_spool

__all__ = ["Run", "Sent", "evaluation_run", "send_spool", "training_run"]
