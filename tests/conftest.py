"""What tests share: faces drawn by themselves, and TensorFlow kept quiet."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the seed format: 40 JPEG photos of 48 × 48 pixels, brighter with age."""
    folder = tmp_path_factory.mktemp("faces")
    (folder / "final_files").mkdir()
    rng = np.random.default_rng(0)
    ages = rng.integers(1, 91, 40)
    for number, age in enumerate(ages):
        pixels = np.clip(rng.normal(2.5 * age, 20, (48, 48, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "final_files" / f"{number:06d}.jpg", quality=95)
    rows = [f"{number:06d}.jpg,{age}" for number, age in enumerate(ages)]
    (folder / "labels.csv").write_text("\n".join(["file_name,real_age", *rows]) + "\n", encoding="utf-8")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow runs of the pipeline start first: one worker has them while the other does the rest."""
    items.sort(key=lambda item: item.get_closest_marker("pipeline") is None)
