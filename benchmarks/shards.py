"""How fast photos are read that lie loose or in one of the formats for large sets, and photos kept decoded.

Counted is processor time, which other work on the machine disturbs less than rates, with all files in the
system's cache. First the files as they are, in a random order, one after the other: loose, in tar shards as
`shopper-age pack` writes them (each checksum compared), in Parquet with so many photos to a row group, and in
ArrayRecord where `array_record` is installed. Then PhotoStore, which decodes and resizes on all cores, in
shuffled batches: of loose and of packed photos, nothing kept or kept in the cache file. Last, decoded photos
alone, in the same batches: from a tar file and from Parquet, as the cache file gives them above.

    python benchmarks/shards.py --faces FOLDER --photos 1000
"""

import argparse
import io
import os
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from testbed import faces_folder

from shopper_age.data.cache import NO_CACHE, Cache
from shopper_age.data.folders import open_folder
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import FILE_NAME, read_labels
from shopper_age.packing.folder import pack
from shopper_age.runtime.threads import in_threads

_BATCH = 32
_MIB = 2**20

Order = NDArray[np.int64]


class Files:
    """The same photos in several formats, in a folder."""

    def __init__(self, faces: Path, names: Sequence[str], folder: Path) -> None:
        self._loose = open_folder(faces).photos
        self._names = list(names)
        self._folder = folder
        self._data = [(self._loose / name).read_bytes() for name in names]

    def readers(self, packed: Path) -> Iterator[tuple[str, Callable[[int], object]]]:
        """What reads one photo, by the name of its format."""
        yield "loose files", lambda row: (self._loose / self._names[row]).read_bytes()
        shards = open_folder(packed).photos
        yield "tar shards", lambda row: (shards / self._names[row]).read_bytes()
        for n_rows in (1, 16, 100, 1000):
            yield f"Parquet, row groups of {n_rows}", self._parquet(n_rows)
        try:
            yield "ArrayRecord", self._array_record()
        except ImportError:
            print("ArrayRecord is left out: pip install array_record")

    def _parquet(self, n_rows: int) -> Callable[[int], object]:
        file = open_parquet(self._folder / f"{n_rows}.parquet", self._data, n_rows)
        return lambda row: file.read_row_group(row // n_rows).column(0)[row % n_rows].as_py()

    def _array_record(self) -> Callable[[int], object]:
        from array_record.python.array_record_module import ArrayRecordReader, ArrayRecordWriter

        path = str(self._folder / "photos.array_record")
        writer = ArrayRecordWriter(path, "group_size:1,uncompressed")
        for data in self._data:
            writer.write(data)
        writer.close()
        reader = ArrayRecordReader(path, "readahead_buffer_size:0,index_storage_option:in_memory")
        return lambda row: reader.read([row])


def open_parquet(path: Path, contents: Sequence[bytes], n_rows: int) -> pq.ParquetFile:
    """Writes and opens a file of one column, whose row groups have `n_rows` rows."""
    schema = pa.schema([("photo", pa.binary())])
    options = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    with pq.ParquetWriter(path, schema, **options) as writer:
        for start in range(0, len(contents), n_rows):
            part = pa.array(contents[start : start + n_rows], pa.binary())
            writer.write_table(pa.table({"photo": part}))
    return pq.ParquetFile(path, memory_map=True)


def costs(
    readers: Mapping[str, Callable[[], object]], n: int, *, n_later: int = 4
) -> dict[str, tuple[float, float]]:
    """Microseconds of processor time that each takes for one of `n` photos: first pass, lowest later one.

    The readers take turns, so that other work on the machine disturbs all alike.
    """
    passes: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(1 + n_later):
        for name, read in readers.items():
            start = time.process_time()
            read()
            passes[name].append((time.process_time() - start) / n * 1e6)
    return {name: (first, min(later)) for name, (first, *later) in passes.items()}


def one_by_one(read: Callable[[int], object], order: Order) -> Callable[[], object]:
    """Reads every photo, in this order."""
    return lambda: [read(row) for row in order.tolist()] and None


def in_batches(read: Callable[[Order], object], order: Order) -> Callable[[], object]:
    """Reads batches of photos, in this order."""
    batches = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]

    def read_all() -> None:
        for batch in batches:
            read(batch)

    return read_all


def pixels_in_tar(pixels: NDArray[np.uint8], path: Path) -> Callable[[Order], object]:
    """A reader of batches of decoded photos from a tar file."""
    with tarfile.open(path, "w") as tar:
        for number, photo in enumerate(pixels):
            member = tarfile.TarInfo(f"{number:08d}.rgb")
            member.size = photo.nbytes
            tar.addfile(member, io.BytesIO(photo.tobytes()))
    with tarfile.open(path) as tar:
        offsets = [member.offset_data for member in tar]
    file = path.open("rb", buffering=0)

    def read(batch: Order) -> NDArray[np.uint8]:
        photos = np.empty((len(batch), *pixels.shape[1:]), np.uint8)

        def read_one(position: int) -> None:
            os.preadv(file.fileno(), [memoryview(photos[position])], offsets[batch[position]])

        in_threads(read_one, len(batch))
        return photos

    return read


def pixels_in_parquet(pixels: NDArray[np.uint8], path: Path) -> Callable[[Order], object]:
    """The same from Parquet with a row group for each photo."""
    file = open_parquet(path, [photo.tobytes() for photo in pixels], 1)

    def read(batch: Order) -> NDArray[np.uint8]:
        rows = (file.read_row_group(int(row)).column(0)[0].as_buffer() for row in batch)
        return np.stack([np.frombuffer(row, np.uint8).reshape(pixels.shape[1:]) for row in rows])

    return read


def main() -> None:
    options = _options()
    with faces_folder(options.faces) as faces, TemporaryDirectory(dir=options.work_in) as work:
        folder, packed = Path(work), Path(work, "packed")
        n_all = len(read_labels(faces))
        packing = {"pack": lambda: pack(faces, packed, shard_bytes=16 * _MIB)}
        done = costs(packing, n_all, n_later=1)
        names = read_labels(faces)[FILE_NAME].tolist()[: options.photos]
        order = np.random.default_rng(0).permutation(len(names))
        files = {name: one_by_one(read, order) for name, read in Files(faces, names, folder).readers(packed)}
        one = _table("files as they are, one by one", costs(files, len(names)))
        size = options.image_size
        kept = {path: Cache(folder=folder / "cache", file_gib=64) for path in (faces, packed)}
        batches = {
            f"{'loose' if path == faces else 'packed'}, {what}": in_batches(
                PhotoStore.open(path, names, size, cache).__getitem__, order
            )
            for what, caches in (
                ("decoded each time", {faces: NO_CACHE, packed: NO_CACHE}),
                ("cache file", kept),
            )
            for path, cache in caches.items()
        }
        pixels = PhotoStore.open(faces, names, size)[np.arange(len(names))]
        batches["decoded, in a tar file"] = in_batches(pixels_in_tar(pixels, folder / "pixels.tar"), order)
        batches["decoded, in Parquet"] = in_batches(
            pixels_in_parquet(pixels, folder / "pixels.parquet"), order
        )
        many = _table(f"{size} px, shuffled batches of {_BATCH}", costs(batches, len(names)))
    console = Console(width=100)
    console.print(
        f"{len(names):,} photos; decoded they take {pixels.nbytes / _MIB:,.0f} MiB. Packing takes "
        f"{done['pack'][0]:,.0f} µs a photo, and {done['pack'][1]:,.0f} where the shards are there."
    )
    console.print(one)
    console.print(many)
    console.print("All in µs of processor time for one photo.")


def _table(title: str, found: Mapping[str, tuple[float, float]]) -> Table:
    table = Table(title, "first pass", "later passes")
    for name, (first, later) in found.items():
        table.add_row(name, f"{first:,.1f}", f"{later:,.1f}")
    return table


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, help="folder with labels.csv and final_files/ (default: drawn)")
    parser.add_argument("--photos", type=int, help="the first so many rows (default: all)")
    parser.add_argument("--image-size", type=int, default=224, help="pixels (default: 224)")
    parser.add_argument("--work-in", type=Path, help="folder for what is written (default: the system's)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
