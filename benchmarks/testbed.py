"""The photos and the machine that a benchmark runs on."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from shopper_age.data.tables import LABELS_FILE, PHOTO_FOLDER
from shopper_age.demo.faces import draw_faces
from shopper_age.runtime.machine import usable_cores
from shopper_age.tracking.provenance import provenance


def check_faces(faces: Path) -> None:
    """Ends the program, saying what is missing, unless the folder holds labels and photos."""
    for part in (LABELS_FILE, PHOTO_FOLDER):
        if not (faces / part).exists():
            sys.exit(
                f"{faces / part} not found: --faces takes a folder with {LABELS_FILE} and {PHOTO_FOLDER}/. "
                "The portraits of benchmarks/README.md are not part of the project; use photos of your own."
            )


@contextmanager
def faces_folder(faces: Path | None, *, n_drawn: int = 400) -> Iterator[Path]:
    """The folder given, checked, or a temporary one with drawn faces; prints which."""
    if faces is not None:
        check_faces(faces)
        print(f"photos: {faces}", flush=True)
        yield faces
        return
    print(
        f"photos: {n_drawn} drawn faces, as no --faces is given; real photos take other times to decode",
        flush=True,
    )
    with TemporaryDirectory() as folder:
        draw_faces(Path(folder), n=n_drawn, seed=0, workers=usable_cores())
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
