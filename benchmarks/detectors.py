"""Face detectors on the same photos: MTCNN as this project runs it, and the package mtcnn on TensorFlow.

    pip install mtcnn==1.0.0            # else this project's alone
    python benchmarks/detectors.py --faces FOLDER

Both look for faces of 20 pixels and more, on one thread, photo by photo in turns. Counts photos with faces
and with exactly one, how well the largest boxes agree, and milliseconds. Prints a table in Markdown.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from testbed import faces_folder

from shopper_age.data.photos import decode_photo, open_photo
from shopper_age.data.tables import PHOTO_FOLDER
from shopper_age.detection.mtcnn import Mtcnn
from shopper_age.runtime.machine import cpu_model

Box = tuple[float, float, float, float]

Detector = Callable[[NDArray[np.uint8]], list[Box]]

OWN, PACKAGE = "MTCNN on ONNX Runtime", "mtcnn 1.0.0 on TensorFlow"


def own() -> Detector:
    detector = Mtcnn(n_threads=1)
    return lambda photo: [face.box for face in detector.find(photo)]


def package() -> Detector:
    """The package's detector.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    import tensorflow as tf
    from mtcnn import MTCNN

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    detector = MTCNN(device="CPU:0")

    def find(photo: NDArray[np.uint8]) -> list[Box]:
        boxes = [face["box"] for face in detector.detect_faces(photo)]
        faces = [(left, top, left + width, top + height) for left, top, width, height in boxes]
        return sorted(faces, key=lambda box: -_area(box))

    return find


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes."""
    common = (*np.maximum(first[:2], second[:2]), *np.minimum(first[2:], second[2:]))
    shared = _area(common) if common[2] > common[0] and common[3] > common[1] else 0.0
    return shared / (_area(first) + _area(second) - shared)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def measure(detectors: dict[str, Detector], photos: list[NDArray[np.uint8]]) -> str:
    """A table with a row per detector."""
    found: dict[str, list[list[Box]]] = {name: [] for name in detectors}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in detectors}
    for find in detectors.values():
        find(photos[0])  # warms up
    for photo in photos:
        for name, find in detectors.items():
            start, cpu_start = time.perf_counter(), time.process_time()
            found[name].append(find(photo))
            spent[name].append((time.perf_counter() - start, time.process_time() - cpu_start))
    lines = [
        "| | at least one face | exactly one | median ms | p99 | CPU ms, median |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, faces in found.items():
        n = [len(boxes) for boxes in faces]
        wall, cpu = 1000 * np.array(spent[name]).T
        lines.append(
            f"| {name} | {np.mean(np.array(n) > 0):.0%} | {np.mean(np.array(n) == 1):.0%} "
            f"| {np.median(wall):.0f} | {np.percentile(wall, 99):.0f} | {np.median(cpu):.0f} |"
        )
    if len(found) == 2:
        pairs = [(a[0], b[0]) for a, b in zip(*found.values(), strict=True) if a and b]
        overlaps = [overlap(*pair) for pair in pairs]
        lines.append(
            f"\nBoth find a face in {len(pairs)} photos; intersection over union of the largest boxes: "
            f"median {np.median(overlaps):.2f}, least {min(overlaps):.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--n", type=int, default=100)
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    detectors = {OWN: own()}
    try:
        detectors[PACKAGE] = package()
    except ModuleNotFoundError as error:
        print(f"left out, for {error.name} is not installed: {PACKAGE}")
    with faces_folder(args.faces) as faces:
        files = sorted((faces / PHOTO_FOLDER).iterdir())
        chosen = np.linspace(0, len(files) - 1, min(args.n, len(files))).astype(int)
        photos = [_read(files[number]) for number in chosen]
        sizes = {photo.shape[:2] for photo in photos}
        print(f"{len(photos)} photos of {sizes if len(sizes) < 3 else 'several sizes'}, {cpu_model()}")
        print(f"load before {os.getloadavg()[0]:.1f}\n")
        print(measure(detectors, photos))
        print(f"\nload after {os.getloadavg()[0]:.1f}")


def _read(path: Path) -> NDArray[np.uint8]:
    with path.open("rb") as file:
        return decode_photo(file, open_photo(file), None).pixels


if __name__ == "__main__":
    main()
