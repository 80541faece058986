"""Files of weights that came from elsewhere: what may be read of them, and what is not even opened."""

import zipfile
from pathlib import Path

import h5py
import numpy as np

# ResNet50 takes 0.1 GiB, with an optimiser 0.3; zeros that take no place on the disk are the reason to look.
_MOST_BYTES = 2**30

_PLAIN = "only plain weights are read, as Keras saves them"


def check_weights_file(path: Path) -> None:
    """Returns when an HDF5 file, or the one inside a .keras file, holds its arrays itself and they are small.

    HDF5 can take arrays from other files, by links, by external storage and by virtual datasets: a file of
    unknown origin would bring other files of this machine into a model.

    Raises:
        OSError: it is no such file.
        ValueError: it refers to another place, or would fill the memory.
    """
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if entry.filename.endswith(".h5"):
                    if entry.file_size > _MOST_BYTES:
                        raise ValueError(_too_large(entry.filename, entry.file_size))
                    with archive.open(entry) as member, h5py.File(member) as file:
                        _check(file)
        return
    with h5py.File(path) as file:
        _check(file)


def _check(file: h5py.File) -> None:
    n_bytes = 0
    groups, seen = [file], set()
    while groups:
        group = groups.pop()
        for name in group:
            link, place = group.get(name, getlink=True), f"{group.name.rstrip('/')}/{name}"
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"{place} is a link to {_target(link)}; {_PLAIN}")
            found = group[name]
            address = h5py.h5o.get_info(found.id).addr
            if address in seen:  # a group may hold itself
                continue
            seen.add(address)
            if isinstance(found, h5py.Group):
                groups.append(found)
            elif isinstance(found, h5py.Dataset):
                n_bytes += _bytes_of(found, place)
                if n_bytes > _MOST_BYTES:
                    raise ValueError(_too_large(place, n_bytes))


def _bytes_of(array: h5py.Dataset, place: str) -> int:
    if array.external:
        raise ValueError(f"{place} lies in another file, {array.external[0][0]!r}; {_PLAIN}")
    if array.is_virtual:
        names = ", ".join(repr(source.file_name) for source in array.virtual_sources()[:3])
        raise ValueError(f"{place} is put together from other files, {names}; {_PLAIN}")
    return int(np.prod(array.shape or (), dtype=object)) * array.dtype.itemsize  # object: no overflow


def _target(link: h5py.SoftLink | h5py.ExternalLink) -> str:
    return f"another file, {link.filename!r}" if isinstance(link, h5py.ExternalLink) else repr(link.path)


def _too_large(place: str, n_bytes: int) -> str:
    return (
        f"with {place} its arrays take {n_bytes / 2**30:,.1f} GiB, those of a ResNet50 take 0.1: nothing was "
        "read"
    )
