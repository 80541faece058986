"""The detector and the cropper that the settings name."""

from shopper_age.detection.cropper import Cropper
from shopper_age.detection.grade import Limits
from shopper_age.detection.mtcnn import Mtcnn
from shopper_age.params import FacesParams


def load_cropper(settings: FacesParams) -> Cropper:
    """A cropper with MTCNN.

    Raises:
        ModuleNotFoundError: its networks or ONNX Runtime are not installed.
    """
    limits = Limits(settings.min_eye_distance_px, settings.min_sharpness, settings.max_turn)
    return Cropper(Mtcnn(), settings.margin, limits)
