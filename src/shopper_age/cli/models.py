"""Commands that use a finished model: predict, export, serve, monitor."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from shopper_age import paths
from shopper_age.cli.messages import stop, tell

commands = typer.Typer()

_Model = Annotated[
    str,
    typer.Option(help="Folder with the model and its decision.json, or models:/NAME@champion of MLflow."),
]

_MODELS = str(paths.MODEL.parent)

_Threads = Annotated[
    int | None, typer.Option(min=1, help="Threads of a model; one per core, or 1 beside other workers.")
]


@commands.command()
def predict(
    photos: Annotated[
        list[str],
        typer.Argument(metavar="PATHS...", help="Photos, folders, patterns, a labels.csv, or - for names."),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            help="Table to write: .csv, .jsonl or .parquet; or FOLDER/ for Parquet files. Interrupted, it is "
            "gone on with."
        ),
    ] = None,
    annotate: Annotated[
        Path | None, typer.Option(help="Folder for photos with their answers on them.")
    ] = None,
    model: _Model = _MODELS,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes, each with the model, by Ray; on a cluster at RAY_ADDRESS.")
    ] = 1,
    threads: _Threads = None,
) -> None:
    """Ages, age groups and the ID check for photos: a row per face, or with the reason why there is none."""
    from shopper_age.cli import predicting

    try:
        summary = predicting.predict_with(
            photos, model, out=out, annotate_to=annotate, n_workers=workers, n_threads=threads, tell=print
        )
    except KeyboardInterrupt:
        stop("stopped" + (f": the same command goes on from there and writes {out}" if out else ""))
    except (ValueError, OSError, RuntimeError, ModuleNotFoundError) as error:
        stop(str(error))
    print(f"{summary}{f'; written to {out}' if out else ''}")
    if summary.n_photos and not summary.n_estimated:
        stop("none of these photos could be answered")


@commands.command()
def export(
    to: Annotated[
        Literal["onnx", "openvino", "litert"],
        typer.Option("--format", help="onnx, beside the model; openvino or litert, in its own folder."),
    ] = "onnx",
    int8: Annotated[
        bool,
        typer.Option("--int8", help="With 8-bit integers, in the folder int8, openvino_int8 or litert_int8."),
    ] = False,
) -> None:
    """Writes the model for machines without Keras, and compares its answers with Keras's."""
    from shopper_age.data.tables import read_manifest, read_splits
    from shopper_age.params import load_params

    try:
        params, splits = load_params(), read_splits(paths.SPLITS)
        from shopper_age.export import exporting
        from shopper_age.inference.decision import Decision

        decision = Decision.load(paths.DECISION)
        if int8:
            manifest = read_manifest(paths.MANIFEST)
            done = exporting.export_int8(
                paths.MODEL, decision, params.data_path, splits, manifest, params, to=to
            )
        else:
            done = exporting.export(paths.MODEL, decision, params.data_path, splits, to=to)
    except (ValueError, OSError, RuntimeError, ModuleNotFoundError) as error:
        stop(str(error))
    print(_told(done.path, done.parity))


@commands.command()
def serve(
    model: _Model = _MODELS,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own needs SHOPPER_AGE_API_KEY.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: a free one.")] = 8000,
    threads: _Threads = None,
    max_photos: Annotated[int, typer.Option(min=1, help="Photos in a request.")] = 16,
    max_body_mib: Annotated[int, typer.Option(min=1, help="Size of a request, in MiB.")] = 20,
    max_megapixels: Annotated[int, typer.Option(min=1, help="Pixels of a photo, in millions.")] = 50,
    max_seconds: Annotated[float, typer.Option(min=0.1, help="For a request to arrive, and to answer.")] = 15,
    max_requests: Annotated[int, typer.Option(min=1, help="At a time; a further one gets a 429.")] = 8,
) -> None:
    """Answers for photos over HTTP, and a page to try it; docs/serving.md describes both."""
    from shopper_age.inference.predictor import Predictor

    try:
        from shopper_age.serving import server
        from shopper_age.serving.limits import Limits

        limits = Limits(max_body_mib * 2**20, max_photos, max_megapixels * 10**6, max_seconds, max_requests)
        api_key = os.environ.get(server.API_KEY) or None
        server.check_key(host, api_key)
        with server.listen(host, port) as listener:
            predictor = Predictor.load(model, n_threads=threads or 0, max_pixels=limits.max_pixels)
            server.serve(predictor, listener, limits=limits, api_key=api_key, tell=tell)
    except KeyboardInterrupt:
        tell("stopped")
    except (ValueError, OSError, ModuleNotFoundError) as error:
        stop(str(error))


@commands.command()
def monitor(
    predictions: Annotated[
        Path, typer.Argument(help="A table that `predict` wrote, or a folder with its Parquet parts.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the report and its pictures.")] = Path(
        "reports/monitor"
    ),
    reference: Annotated[
        Path | None, typer.Option(help="An earlier table of the same model, instead of the test part.")
    ] = None,
) -> None:
    """Says what has moved at the till since the model was measured: ages, photos, problems."""
    from shopper_age.monitoring import monitor as monitoring
    from shopper_age.monitoring.report import render_in_short

    try:
        comparison = monitoring.monitor(predictions, out, reference=reference)
    except (ValueError, OSError) as error:
        stop(str(error))
    print(render_in_short(comparison).replace("**", ""))
    print(f"{out / monitoring.PAGE} shows it in pictures")


def _told(path: Path, parity: Any) -> str:
    return (
        f"{path}: on {parity.n_photos:,} test photos {parity.mean_difference:.2g} years off on average and "
        f"{parity.max_difference:.2g} at most; MAE {parity.mae_export:.2f} instead of {parity.mae_model:.2f}"
    )
