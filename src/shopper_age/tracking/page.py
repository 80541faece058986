"""What the page of an experiment shows in MLflow: a text on top, and a view with the columns that matter."""

import json
import time

_VIEW = "Models by validation MAE"
_COLUMNS = (
    *("attributes.`Created`", "attributes.`Duration`"),
    *("metrics.`best_val_mae`", "metrics.`mae`", "metrics.`cs5`", "metrics.`images_per_second`"),
    *("params.`epochs`", "params.`learning_rate`", "params.`loss`", "params.`image_size`"),
    "tags.`git_commit`",
)
_DESCRIPTION = (
    f"A run is a trained model, named like its DVC experiment. **Views → {_VIEW}** has the columns that "
    "matter.\n\n`train_mae`, `val_mae` and `best_val_mae` have a value per epoch; `mae`, `bias`, `cs5`, … "
    "are those of the test part. A model that was evaluated again otherwise has a child run for that."
)


def page_tags() -> dict[str, str]:
    """Tags of the experiment that MLflow's UI reads.

    MLflow keeps the columns that somebody chose in that person's browser and has no default to set; a saved
    view, which MLflow keeps in a tag, is the nearest to one. The kind opens the pages for trained models
    rather than those for prompts and traces.
    """
    state = {"selectedColumns": _COLUMNS, "orderByKey": "metrics.`best_val_mae`", "orderByAsc": True}
    now = int(time.time() * 1000)
    view = {"name": _VIEW, "createdAt": now, "updatedAt": now, "state": json.dumps(state)}
    return {
        "mlflow.note.content": _DESCRIPTION,
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.sharedViewState.models": json.dumps(view),
    }
