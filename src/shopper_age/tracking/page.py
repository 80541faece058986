"""What the page of an experiment shows in MLflow: a text on top, and a view with the columns that matter."""

import json

# The address of the view ends in viewStateShareKey=VIEW.
VIEW = "models"
_NAME = "Models, the best validation MAE first"
_COLUMNS = (
    *("attributes.`Created`", "attributes.`Duration`", "attributes.`Dataset`"),
    *("metrics.`best_val_mae`", "metrics.`mae`", "metrics.`cs5`", "metrics.`images_per_second`"),
    *("params.`epochs`", "params.`learning_rate`", "params.`loss`", "params.`image_size`"),
    "tags.`git_commit`",
)
_DESCRIPTION = (
    "Each run is one trained model and bears the name of its DVC experiment. `train_mae`, `val_mae` and "
    "`best_val_mae` have a value per epoch; `mae`, `bias`, `cs5`, … are those of the test part. "
    "A model that was evaluated again with other settings has a child run for that. "
    f'The saved view "{_NAME}" has the columns that matter.'
)


def page_tags() -> dict[str, str]:
    """Tags of the experiment that MLflow's UI reads.

    MLflow keeps the columns that somebody chose in that person's browser and has no default to set; a saved
    view, a tag since MLflow 3.17, is the nearest to one.
    """
    state = {"selectedColumns": _COLUMNS, "orderByKey": "metrics.`best_val_mae`", "orderByAsc": True}
    view = {"name": _NAME, "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)}
    return {"mlflow.note.content": _DESCRIPTION, f"mlflow.sharedViewState.{VIEW}": json.dumps(view)}
