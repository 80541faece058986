import numpy as np
import pytest
from answering import SIDE, decision

from shopper_age.inference.engines import KerasEngine
from shopper_age.inference.estimation import estimate
from shopper_age.runtime.hashing import file_md5

PHOTOS = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    from shopper_age import create_model
    from shopper_age.model.archive import save_model

    path = tmp_path_factory.mktemp("model") / "age.keras"
    save_model(create_model((SIDE, SIDE, 3), weights="random", loss="label_distribution"), path)
    return path


@pytest.mark.parametrize("n_views", [1, 2])
def test_keras_estimates_as_the_evaluation_does(saved, n_views):
    from shopper_age import load_model

    found = KerasEngine(saved, decision(model_md5=file_md5(saved), n_views=n_views)).estimate(PHOTOS)
    expected = estimate(load_model(saved), PHOTOS, n_views=n_views)
    np.testing.assert_allclose(found.age, expected.age, atol=1e-4)
    np.testing.assert_allclose(found.distribution, expected.distribution, atol=1e-6)


def test_keras_traces_its_model_once_however_often_it_is_asked(saved):
    engine = KerasEngine(saved, decision(model_md5=file_md5(saved)))
    n_traces = []
    call = type(engine._model).call

    class Counting(type(engine._model)):
        def call(self, *args, **options):
            n_traces.append(1)
            return call(self, *args, **options)

    engine._model.__class__ = Counting
    for _ in range(4):
        engine.estimate(PHOTOS)
    assert len(n_traces) <= 2  # once, and once more where Keras first infers shapes
