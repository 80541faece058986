"""On what a benchmark runs: the photos and the machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from shopper_age.demo.faces import draw_faces
from shopper_age.tracking.provenance import provenance

N_DRAWN = 400


@contextmanager
def faces_folder(faces: Path | None) -> Iterator[Path]:
    """The folder given, or a temporary one with drawn faces; prints which."""
    if faces is not None:
        if not (faces / "labels.csv").is_file():
            sys.exit(f"{faces}/labels.csv not found: --faces takes a folder with labels.csv and final_files/")
        print(f"photos: {faces}")
        yield faces
        return
    print(f"photos: {N_DRAWN} drawn faces, as no --faces is given; real photos take other times to decode")
    with TemporaryDirectory() as folder:
        draw_faces(Path(folder), n=N_DRAWN, seed=0)
        yield Path(folder)


def machine() -> str:
    """Processor, cores, memory, GPU, and the versions of Keras and its backend, in a line; imports both."""
    import keras

    from shopper_age.training.precision import choose_precision, gpu_name

    facts = provenance()
    precision, why = choose_precision("auto")
    backend = keras.backend.backend()
    return (
        f"{facts['cpu']}, {facts['cpu_cores']} cores, {facts['memory_gib']} GiB, GPU: {gpu_name()}; "
        f"fast at {precision} ({why}); "
        f"Keras {facts['keras']} on {backend} {version(backend)}"
    )
