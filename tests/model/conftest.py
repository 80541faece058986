import pytest

from shopper_age.model.network import create_model


@pytest.fixture(scope="session")
def models():
    """An untrained age model for photos of 32 × 32 pixels by loss; shared, so nothing may change it."""
    return {
        loss: create_model((32, 32, 3), weights="random", loss=loss)
        for loss in ("mse", "label_distribution", "ordinal")
    }
