import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

from shopper_age.model.weights import read_layer_arrays
from shopper_age.model.weights_file import check_weights_file


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.bin"
    path.write_bytes(b"secret" * 16)
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.arange(4.0)
    return path


def _external_storage(group, folder):
    group.create_dataset("0", (8,), "float32", external=[(str(folder / "secret.bin"), 0, 32)])


def _external_link(group, folder):
    group["0"] = h5py.ExternalLink(str(folder / "other.h5"), "/x")


def _soft_link(group, _folder):
    group["0"] = h5py.SoftLink("/elsewhere")


def _virtual(group, folder):
    layout = h5py.VirtualLayout((4,), "float64")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", (4,))
    group.create_virtual_dataset("0", layout)


def _zeros_without_end(group, _folder):
    group.create_dataset("0", (400_000, 500_000), "float32", chunks=(1000, 1000))


def _zeros_beyond_counting(group, _folder):
    group.create_dataset("0", (2**40, 2**40), "float32", chunks=(1000, 1000))


KINDS = [
    (_external_storage, r"/conv1_conv/vars/0 lies in another file, '.*secret\.bin'"),
    (_external_link, r"/conv1_conv/vars/0 is a link to another file, '.*other\.h5'"),
    (_soft_link, "/conv1_conv/vars/0 is a link to '/elsewhere'"),
    (_virtual, r"/conv1_conv/vars/0 is put together from other files, '.*other\.h5'"),
    (_zeros_without_end, r"/conv1_conv/vars/0 its arrays take 745\.1 GiB"),
    (_zeros_beyond_counting, "/conv1_conv/vars/0 its arrays take"),
]


def _write(path, kind, folder):
    with h5py.File(path, "w") as file:
        group = file.create_group("conv1_conv/vars")
        group.attrs["name"] = "conv1_conv"
        kind(group, folder)


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize(("kind", "told"), KINDS)
def test_a_file_that_refers_to_others_or_fills_the_memory_is_refused(tmp_path, kind, told):
    path = tmp_path / "w.weights.h5"
    _write(path, kind, tmp_path)
    with pytest.raises(ValueError, match=rf"weights: {path} .*{told}") as refused:
        read_layer_arrays(path)
    assert "\n" not in str(refused.value)


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize(("kind", "told"), KINDS)
def test_so_is_one_inside_an_archive(tmp_path, kind, told):
    _write(tmp_path / "inner.h5", kind, tmp_path)
    with zipfile.ZipFile(tmp_path / "w.keras", "w") as archive:
        archive.write(tmp_path / "inner.h5", "model.weights.h5")
    with pytest.raises(ValueError, match=told):
        read_layer_arrays(tmp_path / "w.keras")


def test_a_linked_group_is_refused_and_a_group_in_itself_is_no_endless_walk(tmp_path, secret):
    path = tmp_path / "w.weights.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers")
        group["again"] = file["/layers"]
    check_weights_file(path)
    with h5py.File(path, "a") as file:
        file["more"] = h5py.ExternalLink(str(secret.with_name("other.h5")), "/")
    with pytest.raises(ValueError, match="/more is a link to another file"):
        check_weights_file(path)


@pytest.mark.parametrize(
    "config", [b"{", b"[]", b"{}", json.dumps({"class_name": "No", "config": 1}).encode()]
)
def test_a_broken_configuration_is_a_line(tmp_path, config):
    path = tmp_path / "w.keras"
    good = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    good.save(tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, config if name == "config.json" else old.read(name))
    with pytest.raises(ValueError, match="cannot be read as a") as refused:
        read_layer_arrays(path)
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) < 500
