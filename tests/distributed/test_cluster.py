import signal
import sys

import pytest
from project import ROOT

from shopper_age.distributed import cluster as module
from shopper_age.distributed.cluster import ADDRESS, RayMissingError, cluster
from shopper_age.runtime.interruption import Terminated


class Ray:
    """Notes how it was started and stopped."""

    def __init__(self):
        self.calls = []

    def init(self, **options):
        self.calls.append(options)

    def shutdown(self):
        self.calls.append("stopped")


@pytest.fixture
def ray(monkeypatch):
    monkeypatch.delenv(ADDRESS, raising=False)
    ray = Ray()
    monkeypatch.setattr(module, "import_ray", lambda: ray)
    return ray


def test_without_ray_the_file_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RayMissingError, match=r"pip install -r requirements-scale\.txt"), cluster(2):
        pass
    assert "ray[data,train,tune]==" in (ROOT / module.REQUIREMENTS).read_text()


def test_a_local_cluster_has_the_cores_that_are_asked_for_and_ends_with_the_work(ray):
    def work():
        with cluster(1_000):
            assert len(ray.calls) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    started, stopped = ray.calls
    assert (started["address"], started["num_cpus"]) == ("local", 1_000)
    assert stopped == "stopped"


def test_a_running_cluster_is_joined_as_it_is(ray, monkeypatch):
    monkeypatch.setenv(ADDRESS, "auto")
    with cluster(2):
        pass
    assert ray.calls[0]["address"] == "auto"
    assert "num_cpus" not in ray.calls[0]


@pytest.mark.parametrize("prefix", ["", "ray://"])
def test_a_cluster_that_does_not_answer_is_told_at_once(ray, monkeypatch, prefix):
    monkeypatch.setenv(ADDRESS, f"{prefix}127.0.0.1:1")
    with pytest.raises(ConnectionError, match="start the cluster, or unset RAY_ADDRESS"), cluster(2):
        pass
    assert ray.calls == []


def test_what_ray_says_of_a_cluster_that_it_cannot_join_is_told(ray, monkeypatch):
    def init(**_):
        raise ConnectionError("failed") from RuntimeError("Last error:\n  at a line\nno token\n")

    monkeypatch.setattr(ray, "init", init)
    with (
        pytest.raises(ConnectionError, match=r"^no Ray cluster at this machine: failed \(no token\)$"),
        cluster(2),
    ):
        pass


def test_a_terminated_command_stops_its_cluster(ray):
    def work():
        with cluster(2):
            signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Terminated):
        work()
    assert ray.calls[-1] == "stopped"
