"""Logging of an evaluation to MLflow."""

from collections.abc import Mapping
from pathlib import Path

from shopper_age.paths import shows_people
from shopper_age.tracking import RunLogger

_TABLES = ".csv"  # they name every photo, and DVC has them


def log_evaluation(
    run: RunLogger, metrics: Mapping[str, float], report: Path, *, earlier: Mapping[str, Path]
) -> None:
    """Logs the metrics, the headline as the run's description, and the folders' JSON, Markdown and pictures.

    Args:
        metrics: what metrics.json holds.
        report: the folder of the evaluation.
        earlier: folders of the stages before, by the name they get in the run.
    """
    run.log_metrics(metrics)
    run.describe(_headline(metrics))
    for name, folder in {**earlier, "evaluate": report}.items():
        for file in sorted(folder.iterdir()):
            if file.is_file() and file.suffix != _TABLES and not file.name.startswith("."):
                run.log_artifact(file, name, shows_people=shows_people(file))


def _headline(metrics: Mapping[str, float]) -> str:
    outcome = "meets" if metrics["meets_requirement"] else "misses"
    return (
        f"**Test MAE {metrics['mae']:.2f} years** on {metrics['n_test']:,} photos; always the median age: "
        f"{metrics['baseline_mae']:.2f}. Bias {metrics['bias']:+.2f}, within 5 years {metrics['cs5']:.0%}. "
        f"It {outcome} the requirement. The whole analysis: evaluate/report.md."
    )
