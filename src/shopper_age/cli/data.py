"""Commands that make and change training folders: import, prepare, pack, forget."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shopper_age.cli.messages import stop

commands = typer.Typer()

_FACES = Path("data/faces")

_MIB = 2**20

_NAMES_TOLD = 5


@commands.command("import")
def import_(
    format: Annotated[str, typer.Argument(help="appa-real, utkface, agedb, afad, imdb-wiki or lagenda.")],
    source: Annotated[Path, typer.Argument(help="The folder with the unpacked set.")],
    target: Annotated[Path, typer.Argument(help="The folder for labels.csv and final_files/.")] = _FACES,
    age: Annotated[str, typer.Option(help="real or apparent (appa-real).")] = "real",
    faces: Annotated[bool, typer.Option(help="The faces alone (appa-real, lagenda).")] = False,
    copy: Annotated[bool, typer.Option(help="Copies photos that could be hard links.")] = False,
) -> None:
    """Imports a public set of face photos with ages; docs/public-data.md says which and from where."""
    from shopper_age.data.importers.records import Options
    from shopper_age.data.importers.summary import next_steps, summary_table
    from shopper_age.data.importers.writing import import_photos

    try:
        done = import_photos(format, source, target, options=Options(age, faces), copy=copy)
    except KeyboardInterrupt:
        stop("stopped; the same command goes on with what is missing")
    except (ValueError, OSError) as error:
        stop(str(error))
    console = Console()
    console.print(summary_table(done))
    console.print(next_steps(done, target), highlight=False, soft_wrap=True)


@commands.command()
def prepare(
    source: Annotated[Path, typer.Argument(help="Folder with labels.csv and final_files.")],
    target: Annotated[Path, typer.Argument(help="The training folder to make, such as data/faces.")],
) -> None:
    """Crops the face of each labelled photo into a new training folder, as photos at the till are cropped."""
    from shopper_age.detection import prepare as preparation
    from shopper_age.detection.detectors import load_cropper
    from shopper_age.params import load_params

    try:
        done = preparation.prepare(source, target, load_cropper(load_params().faces))
    except KeyboardInterrupt:
        stop(f"stopped; what is cropped is kept in {target}: the same command goes on from there")
    except (ValueError, OSError, ModuleNotFoundError) as error:
        stop(str(error))
    before = f", {done.n_resumed:,} of the photos done before" if done.n_resumed else ""
    print(f"{done.n_cropped:,} of {done.n_rows:,} rows have a crop now in {target}{before}")
    for reason, n in done.left_out.most_common():
        print(f"  left out: {reason} {n:,}")
    if done.left_out:
        print(f"{target / preparation.LEFT_OUT_FILE} names each of them")
    print(f"Next: set data_path to {target} in params.yaml, `dvc add {target}` and `dvc repro`")


@commands.command()
def pack(
    source: Annotated[Path, typer.Argument(help="Folder with labels.csv and final_files.")],
    target: Annotated[Path, typer.Argument(help="The folder of shards to make; data_path may name it.")],
    shard_size: Annotated[int, typer.Option(min=1, help="MiB of photos in a shard.")] = 256,
) -> None:
    """Packs a training folder into a few large files, for object stores (docs/scaling.md)."""
    from shopper_age.packing.folder import LEFT_OUT_FILE
    from shopper_age.packing.folder import pack as pack_folder

    try:
        done = pack_folder(source, target, shard_bytes=shard_size * _MIB)
    except KeyboardInterrupt:
        stop(f"stopped; finished shards are kept in {target}: the same command goes on from there")
    except (ValueError, OSError) as error:
        stop(str(error))
    shards = done.manifest.shards
    before = f", {done.n_kept_shards} of which were there already" if done.n_kept_shards else ""
    print(f"{done.manifest.n_photos:,} photos lie in {len(shards)} shards in {target}{before}")
    if done.n_unlabelled:
        print(f"  left out: {done.n_unlabelled:,} photos that no row of labels.csv names")
    for name, reason in list(done.left_out.items())[:_NAMES_TOLD]:
        print(f"  left out: {name} ({reason})")
    if done.left_out:
        print(f"{target / LEFT_OUT_FILE} names all {len(done.left_out):,} that cannot be read or decoded")
    print(f"Next: set data_path to {target} in params.yaml, `dvc add {target}` and `dvc repro`")


@commands.command()
def forget(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Names as in labels.csv, or paths of photos there.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Asks nothing.")] = False,
) -> None:
    """Removes photos and their rows from the data, and says what knew them and how to delete that."""
    from shopper_age.params import load_params
    from shopper_age.privacy import photos as known
    from shopper_age.privacy.report import find_knowledge, render_next_steps, render_traces

    try:
        named = load_params().data_path
        photos, data_path = known.find_photos(named, files), Path(named)
        knowledge = find_knowledge(photos, data_path)
        print(render_traces(knowledge), end="\n\n")
        if not yes and not typer.confirm(f"Remove {len(photos)} of {data_path} for good?"):
            stop("nothing was removed")
        known.remove_photos(data_path, photos)
    except typer.Abort:
        stop("nothing was removed: there is nobody to ask, or you stopped; --yes asks nothing")
    except (ValueError, OSError) as error:
        stop(str(error))
    n_rows = sum(len(photo.rows) for photo in photos)
    n_files = sum(photo.path is not None for photo in photos)
    print(f"removed from {data_path}: {n_rows} of the rows, {n_files} of the files\n")
    print(render_next_steps(knowledge))
