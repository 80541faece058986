"""Commands of `shopper-age`."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console

from shopper_age import paths
from shopper_age.cli import data, experiments, models
from shopper_age.cli.messages import stop
from shopper_age.runtime.interruption import interruption_told
from shopper_age.runtime.stage import configure_logging


class _Commands(typer.core.TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        with interruption_told("shopper-age"):
            return super().invoke(ctx)


app = typer.Typer(
    cls=_Commands, help="From face photos with known ages to an age model.", no_args_is_help=True
)

_SEE_ALSO = {
    paths.EVALUATION / "report.md": "the model's analysis in words",
    paths.EVALUATION / "predicted_against_true.png": "predicted against true age",
    paths.EVALUATION / "worst_photos.png": "the photos with the largest errors",
    paths.EDA / "contact_sheet.png": "some of the photos",
    paths.EDA / "ages.png": "the ages",
}


@app.callback()
def main() -> None:
    """From face photos with known ages to an age model."""
    configure_logging()


@app.command()
def result() -> None:
    """Prints the metrics of the last evaluation, and where its pictures are."""
    from shopper_age.experiments.tables import result_table

    if not paths.METRICS.is_file():
        stop(
            f"{paths.METRICS} not found: run `dvc repro` first, or `make demo` to see it work on drawn faces"
        )
    console = Console()
    console.print(result_table(json.loads(paths.METRICS.read_text(encoding="utf-8"))))
    for file, meaning in _SEE_ALSO.items():
        if file.is_file():
            console.print(f"{file}  ({meaning})", highlight=False)


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of this machine.")] = 5000,
) -> None:
    """Serves MLflow's pages on this machine and says where; of a server only the address."""
    from shopper_age.params import load_params
    from shopper_age.tracking.store import is_server
    from shopper_age.tracking.ui import serve, server_page

    try:
        experiment = load_params().tracking.experiment
        if is_server():
            print(f"The models are on the server, the best first: {server_page(experiment)}")
        else:
            serve(experiment, port=port)
    except (ValueError, OSError) as error:
        stop(str(error))


@app.command()
def send_log() -> None:
    """Sends to MLflow what could not be logged while its store did not answer."""
    from shopper_age.tracking import sync_offline_logs

    report = sync_offline_logs()
    for name in report.runs:
        print(f"sent: {name}")
    if report.failures:
        stop("\n".join(report.failures))
    if not report.runs:
        print("nothing waits to be sent")


for room in (experiments, data, models):
    app.add_typer(room.commands)
