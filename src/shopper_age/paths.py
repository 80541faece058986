"""Paths of the project's files, counted from its top folder; a test holds them against dvc.yaml."""

from pathlib import Path

PARAMS = Path("params.yaml")
DVC_LOCK = Path("dvc.lock")
DEMO = Path("data/demo")
SPLITS = Path("data/splits/splits.csv")
MODEL = Path("models/age_resnet50.keras")
DECISION = Path("models/decision.json")
FOLDS = Path("models/folds")

# Folders of reports, one for each stage, and what other stages and commands read of them.
VALIDATION = Path("reports/validate_data")
FINDINGS = VALIDATION / "findings.csv"
MANIFEST = VALIDATION / "manifest.csv"
EDA = Path("reports/eda")
SPLIT = Path("reports/split")
TRAINING = Path("reports/train")
HISTORY = TRAINING / "history.csv"
TRAINING_METRICS = TRAINING / "metrics.json"
TRAINING_RECORD = TRAINING / "run.json"
EVALUATION = Path("reports/evaluate")
METRICS = EVALUATION / "metrics.json"
PREDICTIONS = EVALUATION / "predictions.csv"


def is_demo(data_path: str | Path) -> bool:
    """Whether a folder of photos is that of the demo's drawings, which show nobody."""
    return Path(data_path) == DEMO


def shows_people(picture: str | Path) -> bool:
    """Whether a picture of a report shows photos, which leave a machine only where its user allows that."""
    made_of_photos = {
        "activation_maps.png",
        "augmentation.png",
        "best_photos.png",
        "contact_sheet.png",
        "where_it_looked.png",  # what activation_maps.png was called before
        "worst_photos.png",
    }
    return Path(picture).name in made_of_photos
