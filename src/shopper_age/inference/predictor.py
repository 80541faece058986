"""From photos to answers: decode, find and crop faces, estimate, decide."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from shopper_age.data.photos import PHOTO_FORMATS, decode_photo, open_photo, resize
from shopper_age.detection.cropper import Cropper, FaceCrop
from shopper_age.detection.grade import Limits
from shopper_age.inference.answers import Box, FaceAnswer, PhotoAnswer, answers, without_estimate
from shopper_age.inference.decision import DECISION_FILE, Decision, DecisionError
from shopper_age.inference.engines import Engine, load_engine
from shopper_age.inference.qualities import Qualities, measure
from shopper_age.runtime.threads import in_threads

# A photo that claims more pixels than this is refused unopened (a decompression bomb).
MAX_PIXELS = 50_000_000

# Photos that are decoded, cropped and estimated together.
BATCH_SIZE = 32


# Beside a model, where it brings the networks of its face detector along.
DETECTOR_FOLDER = "detector"

# How addresses of models in MLflow begin.
_ADDRESSES = ("models:/", "runs:/")


class _Crop(NamedTuple):
    """What the model sees of a photo, where it is from, and its shorter side in pixels before resizing."""

    pixels: NDArray[np.uint8]
    shorter_side: int
    qualities: Qualities
    box: Box | None = None
    eye_distance: float | None = None


class _Pixels(NamedTuple):
    """A photo, and its shorter side; decoding may have halved it where no face is looked for."""

    photo: NDArray[np.uint8]
    shorter_side: int


class _Ready(NamedTuple):
    """A photo on its way: its faces, each with a crop where it is fit, or why it has none."""

    problem: str | None = None
    detail: str = ""
    crops: tuple[_Crop, ...] = ()
    unfit: tuple[tuple[int, FaceAnswer], ...] = ()  # place among the faces, and its answer


class Predictor:
    """Answers for photos with one model and its decision.

    Args:
        engine: what estimates.
        decision: what follows from an estimate.
        cropper: finds and crops faces; None where photos are crops already.
        max_pixels: of a photo; larger ones are refused before they are decoded.
    """

    def __init__(
        self, engine: Engine, decision: Decision, cropper: Cropper | None, *, max_pixels: int = MAX_PIXELS
    ) -> None:
        if decision.crops_faces and cropper is None:
            raise DecisionError(
                "the model learnt from face crops, and there is nothing that crops: pass a cropper"
            )
        self.decision = decision
        self._engine = engine
        self._cropper = cropper if decision.crops_faces else None
        self._max_pixels = max_pixels

    @classmethod
    def load(cls, model: str | Path, *, n_threads: int = 0, max_pixels: int = MAX_PIXELS) -> "Predictor":
        """The predictor of a folder with a model and its decision.json, such as `models`, or of MLflow.

        Args:
            model: a folder with decision.json and the model, as .onnx (preferred) or .keras; or the address
                of a promoted model, such as `models:/age-resnet50@champion`, `models:/age-resnet50/3` or
                `runs:/RUN/model`, in the store of MLFLOW_TRACKING_URI or, without that, of this checkout.
            n_threads: of the engine; 0: one per core.
            max_pixels: of a photo; larger ones are refused before they are decoded.

        Raises:
            DecisionError: model and decision are missing, broken, or do not belong together.
            ValueError: there is no such model in MLflow, or it was registered by an earlier version.
            ConnectionError: the store does not answer.
            ModuleNotFoundError: the address is one of MLflow, which is not installed.
        """
        if str(model).startswith(_ADDRESSES):
            with _from_mlflow(str(model)) as folder:
                return cls.load(folder, n_threads=n_threads, max_pixels=max_pixels)
        folder = Path(model)
        decision = Decision.load(folder / DECISION_FILE)
        engine = load_engine(folder, decision, n_threads=n_threads)
        return cls(engine, decision, _cropper(decision, folder), max_pixels=max_pixels)

    def predict(self, photos: Iterable[Any], *, names: Sequence[str] | None = None) -> Iterator[PhotoAnswer]:
        """An answer for each photo, in order, batch by batch in flat memory; a bad photo is an answer, too.

        Args:
            photos: paths, bytes of photo files, Pillow images, or uint8 RGB arrays (height, width, 3).
            names: of the photos in the answers; else the path, or the number from 0.
        """
        numbered = enumerate(photos)
        while batch := list(islice(numbered, BATCH_SIZE)):
            yield from self._answer([photo for _, photo in batch], [_name(*entry, names) for entry in batch])

    def _answer(self, photos: list[Any], names: list[str]) -> list[PhotoAnswer]:
        ready = [_Ready()] * len(photos)

        def prepare(index: int) -> None:
            ready[index] = self._prepare(photos[index])

        in_threads(prepare, len(photos))
        crops = [crop for photo in ready for crop in photo.crops]
        found: Iterator[FaceAnswer] = iter(())
        if crops:
            estimates = self._engine.estimate(np.stack([crop.pixels for crop in crops]))
            told = answers(estimates, self.decision, [(crop.box, crop.eye_distance) for crop in crops])
            found = map(_with_qualities, told, crops)
        answered = []
        for name, photo in zip(names, ready, strict=True):
            faces = list(islice(found, len(photo.crops)))
            for place, unfit in photo.unfit:
                faces.insert(place, unfit)
            answered.append(
                PhotoAnswer(name, tuple(faces), photo.problem, photo.detail, self.decision.model_md5)
            )
        return answered

    def _prepare(self, photo: Any) -> _Ready:
        try:
            pixels, shorter_side = self._pixels(photo)
        except FileNotFoundError:
            return _Ready("missing_photo")
        except UnidentifiedImageError:  # its message quotes the address of the file in memory
            return _Ready("unreadable_photo", f"none of {', '.join(PHOTO_FORMATS)}")
        except Exception as error:  # what readers of pictures raise on broken ones has no common base
            return _Ready("unreadable_photo", str(error).strip() or type(error).__name__)
        size = self.decision.image_size
        if self._cropper is None:
            return _Ready(crops=(_crop(pixels, size, shorter_side),))
        faces = self._cropper.crops(pixels)
        if not faces:
            return _Ready("no_face")
        return _Ready(
            crops=tuple(
                _crop(face.pixels, size, min(face.pixels.shape[:2]), *_where(face))
                for face in faces
                if face.problem is None
            ),
            unfit=tuple(
                (place, without_estimate(face.problem, *_where(face)))
                for place, face in enumerate(faces)
                if face.problem is not None
            ),
        )

    def _pixels(self, photo: Any) -> _Pixels:
        if isinstance(photo, np.ndarray):
            return _whole(_checked(photo))
        if isinstance(photo, str | Path):
            with Path(photo).open("rb") as file:
                return self._decoded(file)
        if isinstance(photo, bytes | bytearray | memoryview):
            return self._decoded(io.BytesIO(photo))
        if isinstance(photo, Image.Image):
            return _whole(np.asarray(ImageOps.exif_transpose(photo).convert("RGB")))
        raise ValueError(
            f"{type(photo).__name__} is no photo: pass a path, bytes, a Pillow image or an array"
        )

    def _decoded(self, file: Any) -> _Pixels:
        image = open_photo(file)
        shorter_side = min(image.size)
        if image.width * image.height > self._max_pixels:
            raise ValueError(f"{image.width} x {image.height} pixels are more than {self._max_pixels:,}")
        size_px = None if self._cropper else self.decision.image_size
        return _Pixels(decode_photo(file, image, size_px).pixels, shorter_side)


def _from_mlflow(address: str) -> AbstractContextManager[Path]:
    try:
        from shopper_age.tracking.download import downloaded
        from shopper_age.tracking.store import load_mlflow

        load_mlflow()
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{address} lies in an MLflow store, and what reads one is not installed here ({error}): install "
            "requirements.txt, or bring the folder artifacts/model of that version here and pass its path"
        ) from None
    return downloaded(address)


def _cropper(decision: Decision, folder: Path) -> Cropper | None:
    if not decision.crops_faces:
        return None
    how = decision.faces
    if how is None:
        raise DecisionError(
            "faces.detect is always, but the model learnt from photos as they were, so that nothing says how "
            "to crop. Make its training folder with `shopper-age prepare`"
        )
    from shopper_age.detection.mtcnn import Mtcnn

    if how.detector != Mtcnn.name:
        raise DecisionError(
            f"the model learnt from crops by {how.detector}, which this version does not know"
        )
    networks = folder / DETECTOR_FOLDER
    detector = Mtcnn(networks=networks if networks.is_dir() else None)
    return Cropper(detector, how.margin, Limits(how.min_eye_distance_px, how.min_sharpness, how.max_turn))


def _crop(pixels: NDArray[np.uint8], size: int, shorter_side: int, *where: Any) -> _Crop:
    resized = resize(pixels, size)
    return _Crop(resized, shorter_side, measure(resized), *where)


def _with_qualities(face: FaceAnswer, crop: _Crop) -> FaceAnswer:
    return replace(face, **crop.qualities._asdict(), shorter_side=crop.shorter_side)


def _whole(photo: NDArray[np.uint8]) -> _Pixels:
    return _Pixels(photo, min(photo.shape[:2]))


def _where(face: FaceCrop) -> tuple[Box, float]:
    return face.face.box, face.measured.eye_distance


def _name(number: int, photo: Any, names: Sequence[str] | None) -> str:
    if names is not None:
        return names[number]
    return str(photo) if isinstance(photo, str | Path) else str(number)


def _checked(photo: NDArray[Any]) -> NDArray[np.uint8]:
    if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8 or not photo.size:
        raise ValueError(f"an array must be uint8 RGB (height, width, 3), found {photo.dtype} {photo.shape}")
    return photo
