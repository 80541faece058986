"""What this machine is and which number format it is fast at."""

import os
import platform
from pathlib import Path

import psutil

_GIB = 2**30


def choose_precision(requested: str) -> tuple[str, str]:
    """The precision to train in, and why.

    "auto" takes bfloat16 where the processor computes in it (NVIDIA compute capability 8.0 and above, CPUs
    with AVX512-BF16 or AMX-BF16), float16 on NVIDIA 7.x (tensor cores without bfloat16), else float32.

    Args:
        requested: "auto", "float32", "bfloat16" or "float16".
    """
    if requested != "auto":
        return requested, "as asked"
    if capability := _gpu_capability():
        version = ".".join(map(str, capability))
        if capability >= (8, 0):
            return "bfloat16", f"GPU of compute capability {version}"
        return ("float16" if capability >= (7, 0) else "float32"), f"GPU of compute capability {version}"
    if found := {"avx512_bf16", "amx_bf16"} & _cpu_flags():
        return "bfloat16", f"CPU with {' and '.join(sorted(found))}"
    return "float32", "CPU without bfloat16 instructions"


def describe() -> dict[str, str]:
    """Processor, cores, memory and GPU in words, for the record of a run."""
    return {
        "cpu": _cpu_name(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory_gib": f"{psutil.virtual_memory().total / _GIB:.1f}",
        "gpu": _gpu_name() or "none",
    }


def _cpu_info() -> str:
    path = Path("/proc/cpuinfo")  # Linux; elsewhere nothing is known
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _cpu_flags() -> set[str]:
    return {flag for line in _cpu_info().splitlines() if line.startswith("flags") for flag in line.split()}


def _cpu_name() -> str:
    names = [
        line.partition(":")[2].strip() for line in _cpu_info().splitlines() if line.startswith("model name")
    ]
    return names[0] if names else platform.processor() or platform.machine()


def _gpu_details() -> dict[str, object]:
    import keras

    if keras.backend.backend() != "tensorflow":
        return {}
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(gpus[0]) if gpus else {}


def _gpu_capability() -> tuple[int, int] | None:
    capability = _gpu_details().get("compute_capability")
    return tuple(capability) if capability else None  # type: ignore[arg-type, return-value]


def _gpu_name() -> str:
    return str(_gpu_details().get("device_name", ""))
