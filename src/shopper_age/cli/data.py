"""Commands that make training folders: pack."""

from pathlib import Path
from typing import Annotated

import typer

from shopper_age.cli.messages import stop

commands = typer.Typer()

_MIB = 2**20

_NAMES_TOLD = 5


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
