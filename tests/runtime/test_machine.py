import os

import pytest

from shopper_age.runtime.machine import cpu_model, usable_cores

EIGHT_CORES = pytest.mark.usefixtures("eight_cores")


@pytest.fixture
def eight_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def _write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n")


@EIGHT_CORES
def test_without_a_quota_the_cores_are_those_the_process_is_bound_to(tmp_path):
    assert usable_cores(tmp_path) == 8


@EIGHT_CORES
@pytest.mark.parametrize(
    ("limit", "n"),
    [("max 100000", 8), ("150000 100000", 2), ("20000 100000", 1), ("400000 100000", 4), ("990000 10000", 8)],
)
def test_a_quota_of_control_groups_2_counts_rounded_up(tmp_path, limit, n):
    _write(tmp_path / "cpu.max", limit)
    assert usable_cores(tmp_path) == n


@EIGHT_CORES
@pytest.mark.parametrize(("quota", "n"), [("-1", 8), ("150000", 2), ("300000", 3)])
def test_a_quota_of_control_groups_1_counts_too(tmp_path, quota, n):
    _write(tmp_path / "cpu" / "cpu.cfs_quota_us", quota)
    _write(tmp_path / "cpu" / "cpu.cfs_period_us", "100000")
    assert usable_cores(tmp_path) == n


def test_where_processes_are_not_bound_to_cores_all_count(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert usable_cores(tmp_path) == 4


def test_this_machine_can_be_described():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
    assert cpu_model()
