"""Number format of a training: float32, bfloat16 or float16."""

from pathlib import Path


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


def gpu_name() -> str:
    """The first GPU's name, or "none"."""
    return str(_gpu_details().get("device_name", "none"))


def _cpu_flags() -> set[str]:
    cpu_info = Path("/proc/cpuinfo")  # Linux; elsewhere nothing is known
    lines = cpu_info.read_text(encoding="utf-8").splitlines() if cpu_info.is_file() else []
    return {flag for line in lines if line.startswith("flags") for flag in line.split()}


def _gpu_capability() -> tuple[int, int] | None:
    capability = _gpu_details().get("compute_capability")
    return tuple(capability) if capability else None  # type: ignore[arg-type, return-value]


def _gpu_details() -> dict[str, object]:
    import keras

    if keras.backend.backend() == "jax":
        import jax

        gpus = [device for device in jax.devices() if device.platform == "gpu"]
        if not gpus:
            return {}
        capability = tuple(map(int, gpus[0].compute_capability.split(".")))
        return {"device_name": gpus[0].device_kind, "compute_capability": capability}
    if keras.backend.backend() != "tensorflow":
        return {}
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
