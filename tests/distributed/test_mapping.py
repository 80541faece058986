import sys
from functools import partial

import numpy as np
import pytest

from shopper_age.distributed.cluster import RayMissingError
from shopper_age.distributed.mapping import mapper


def test_one_worker_is_this_process():
    assert mapper(1) is map


def test_several_workers_without_ray_name_the_file_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RayMissingError, match=r"requirements-scale\.txt"):
        mapper(2)


def _inverse(unlucky, number):
    if number == unlucky:
        raise ValueError(f"{number} is unlucky")
    return np.full(3, 1 / number)


def test_results_come_in_order_and_an_error_is_that_of_the_work():
    pytest.importorskip("ray.data", reason="Ray is not installed: pip install -r requirements-scale.txt")
    results = mapper(2)(partial(_inverse, 13), iter(range(1, 20)))
    assert [1 / next(results)[0] for _ in range(6)] == pytest.approx([1, 2, 3, 4, 5, 6])
    with pytest.raises(ValueError, match=r"^13 is unlucky$"):
        list(results)
