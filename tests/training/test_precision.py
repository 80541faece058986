import sys
from types import SimpleNamespace

import pytest

from shopper_age.training import precision


@pytest.mark.parametrize("asked", ["float32", "bfloat16", "float16"])
def test_what_was_asked_for_is_taken(asked):
    assert precision.choose_precision(asked) == (asked, "as asked")


@pytest.mark.parametrize(
    ("capability", "flags", "chosen", "why"),
    [
        ((9, 0), set(), "bfloat16", "GPU of compute capability 9.0"),
        ((7, 5), {"avx512_bf16"}, "float16", "GPU of compute capability 7.5"),
        ((6, 1), {"avx512_bf16"}, "float32", "GPU of compute capability 6.1"),
        (None, {"avx512f", "avx512_bf16"}, "bfloat16", "CPU with avx512_bf16"),
        (None, {"avx2"}, "float32", "CPU without bfloat16 instructions"),
    ],
)
def test_auto_takes_what_the_hardware_is_fast_at(monkeypatch, capability, flags, chosen, why):
    monkeypatch.setattr(precision, "_gpu_capability", lambda: capability)
    monkeypatch.setattr(precision, "_cpu_flags", lambda: flags)
    assert precision.choose_precision("auto") == (chosen, why)


def test_this_machine_can_be_described():
    assert precision.gpu_name()
    assert precision.choose_precision("auto")[0] in ("float32", "bfloat16", "float16")


@pytest.mark.parametrize(
    ("devices", "name"),
    [
        (
            [SimpleNamespace(platform="gpu", device_kind="NVIDIA H100", compute_capability="9.0")],
            "NVIDIA H100",
        ),
        ([SimpleNamespace(platform="cpu", device_kind="cpu")], "none"),
    ],
)
def test_a_gpu_is_found_through_jax_too(monkeypatch, devices, name):
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(devices=lambda: devices))
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    monkeypatch.setattr(precision, "_cpu_flags", set)
    assert precision.gpu_name() == name
    assert precision.choose_precision("auto")[0] == ("float32" if name == "none" else "bfloat16")
