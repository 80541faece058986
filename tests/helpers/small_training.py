"""A training of seconds: noise for photos, and a network of few layers of the real one's kinds and head."""

import keras
import numpy as np

from shopper_age.model.batch_norm import FusedBatchNormalization
from shopper_age.model.distribution import AGES as AGE_BINS
from shopper_age.model.losses import LabelDistributionLoss
from shopper_age.params import AugmentationParams, CacheParams, TrainParams

SHAPE = (32, 32, 3)
RNG = np.random.default_rng(0)
PHOTOS = RNG.integers(0, 256, (24, *SHAPE)).astype("float32")
AGES = RNG.uniform(1, 90, 24).astype("float32")
FLIP = AugmentationParams(
    horizontal_flip=True, rotation_degrees=0, zoom=0, shift=0, brightness=0, contrast=0, erasing=0
)
SETTINGS = TrainParams(
    optimizer="adamw",
    weight_decay=0.01,
    schedule="cosine",
    warmup_epochs=1,
    clip_norm=1.0,
    ema_momentum=0.5,
    frozen_epochs=0,
    early_stopping_patience=0,
    keep_best=True,
    label_sigma=2.0,
    l1_weight=0.2,
    precision="float32",
    jit_compile=False,
    deterministic=True,
    devices="auto",
    workers=1,
    cache=CacheParams(memory_gib=1.0, file_gib=0.0),
    augmentation=FLIP,
)


def small_model(precision="float32"):
    policy = {"float32": "float32", "float16": "mixed_float16"}[precision]
    photo = keras.Input(SHAPE, name="photo")
    small = keras.layers.Rescaling(1 / 255)(photo)
    features = keras.layers.Conv2D(4, 3, strides=4, name="conv1_conv", dtype=policy)(small)
    features = FusedBatchNormalization(name="conv1_bn", dtype=policy)(features)
    pooled = keras.layers.GlobalAveragePooling2D(dtype="float32")(features)
    distribution = keras.layers.Dense(101, activation="softmax", name="age_distribution")(pooled)
    age = keras.layers.Dense(1, use_bias=False, trainable=False, name="age")(distribution)
    model = keras.Model(photo, {"age": age, "age_distribution": distribution})
    model.get_layer("age").set_weights([AGE_BINS[:, None]])
    model.compile("adam", loss={"age_distribution": LabelDistributionLoss(2.0, 0.2)})
    return model


class Recorder:
    """Stands in for a run and keeps what it is told."""

    name, store_id = "sunny-cat", "0123"

    def __init__(self):
        self.logged = []
        self.artifacts = {}

    def describe(self, text):
        self.text = text

    def log_metrics(self, metrics, step=None):
        self.logged.append((step, metrics))

    def set_model(self, path):
        self.model = path

    def log_artifact(self, path, folder, *, shows_people=False):
        assert folder == "train"
        self.artifacts[path.name] = shows_people
