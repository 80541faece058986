"""Duplicate and near-duplicate photos, by content and perceptual hash.

Two hashes are taken of each photo and of its mirror image. The coarse one (64 bits) can be searched among
millions. It also pairs strangers in the same pose, so a fine one (256 bits) has to confirm each pair.
"""

from collections.abc import Iterator
from itertools import combinations, pairwise
from math import comb, log2

import numpy as np
import pandas as pd
from PIL import Image
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from shopper_age.data.tables import DUPLICATE_GROUP, FILE_NAME, N_BYTES, REAL_AGE
from shopper_age.runtime.progress import with_progress
from shopper_age.validation.rules import findings

# The picture is reduced to this side before it is hashed, in pixels.
HASHED_SIDE_PX = 32

# Of 7,591 aligned faces, copies of one photo (resaved, blurred, watermarked) differed in at most 36 of the
# 256 fine bits, but for one strongly relit copy (54); strangers with near coarse hashes in at least 44.
CONFIRMING_BITS = 40

# A hash is compared with at most so many that share one key with it, else very like photos (a video cut
# into a million frames) would cost quadratic time. In 7,591 faces the fullest key held 10.
MAX_NEIGHBOURS = 256

# 64 bits of a face's hash tell as much apart as 43 fair coin flips, measured on the same 7,591 faces.
INFORMATION_PER_BIT = 0.67

# 2^64 divided by the golden ratio. Source: Knuth 1998, "The Art of Computer Programming" 3, section 6.4.
_SCATTERING = np.uint64(0x9E3779B97F4A7C15)

_COARSE_SIDE, _FINE_SIDE = 8, 16

_N_WORDS = 1 + _FINE_SIDE**2 // 64

HASH_SHAPE = (2, _N_WORDS)

# A mirror image has the waves across of the picture, every other one upside down.
_MIRRORED = np.where(np.arange(_FINE_SIDE) % 2, -1.0, 1.0)

# Ages of one picture that lie further apart cannot both be right; a smaller gap may be two honest guesses.
DIFFERENT_AGE_YEARS = 5.0


def perceptual_hashes(grey: Image.Image) -> np.ndarray:
    """The hashes of a grey photo (mode L): uint64 of shape (2, 5), as it is and mirrored; coarse, then fine.

    Each is that of `imagehash.phash`, of which the four calls take twice as long.
    """
    return hash_frequencies(low_frequencies(grey))


def low_frequencies(grey: Image.Image) -> np.ndarray:
    """The strengths of the lowest frequencies of a grey photo (mode L), shape (16, 16)."""
    small = grey.resize((HASHED_SIDE_PX, HASHED_SIDE_PX), Image.Resampling.LANCZOS)
    return dctn(np.asarray(small, float))[:_FINE_SIDE, :_FINE_SIDE]


def hash_frequencies(frequencies: np.ndarray) -> np.ndarray:
    """The hashes, uint64 of shape (..., 2, 5), of photos with these lowest frequencies, shape (..., 16, 16).

    Source: Krawetz 2011, "Looks Like It": a bit says whether a frequency is stronger than the median.
    """
    both = np.stack([frequencies, frequencies * _MIRRORED], axis=-3)
    bits = []
    for side in (_COARSE_SIDE, _FINE_SIDE):
        lowest = both[..., :side, :side].reshape(*both.shape[:-2], side * side)
        bits.append(lowest > np.median(lowest, axis=-1, keepdims=True))
    return np.packbits(np.concatenate(bits, axis=-1), axis=-1).view(">u8").astype(np.uint64)


def coarse_distance(hashes: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bits in which the coarse hashes of photos differ from those of `others`: as they are, and mirrored.

    Both arguments have shape (n, 2, 5), both results (n,).
    """
    plain = np.bitwise_count(hashes[:, 0, 0] ^ others[:, 0, 0])
    mirrored = np.bitwise_count(hashes[:, 0, 0] ^ others[:, 1, 0])
    return plain.astype(int), mirrored.astype(int)


def near_duplicate_groups(hashes: np.ndarray, *, max_bits: int) -> np.ndarray:
    """For each photo the index of the first photo of its group; a photo without a like is its own.

    Two photos are alike when the coarse hashes of one and of the other (or of its mirror image) differ in
    at most `max_bits` bits and the fine ones in at most `CONFIRMING_BITS`. What is like the same is in one
    group. Time grows little faster than the number of photos, `hashes` having the shape (n, 2, 5).

    Source: hashes that differ in k of their bits agree in at least m of k + m blocks, so that each choice
    of m blocks is a key to sort by (Manku, Jain & Das Sarma 2007, "Detecting near-duplicates for web
    crawling", section 3).
    """
    if len(hashes) == 0:
        return np.zeros(0, int)
    # Copies of a photo have equal hashes: a hundred thousand of them are searched as one.
    rows = np.ascontiguousarray(hashes, np.uint64).reshape(len(hashes), -1)
    _, first, member = np.unique(
        rows.view(f"V{rows.itemsize * rows.shape[1]}"), return_index=True, return_inverse=True
    )
    group = _search(rows[first].reshape(-1, *HASH_SHAPE), max_bits)[member.ravel()]
    _, first, member = np.unique(group, return_index=True, return_inverse=True)
    return first[member]


def _search(hashes: np.ndarray, max_bits: int) -> np.ndarray:
    n = len(hashes)
    coarse = hashes[:, :, 0].T.ravel()  # entry i + n is photo i mirrored
    group = np.arange(n)
    number = np.arange(2 * n, dtype=np.uint64)
    number_bits = np.uint64((1 << (2 * n - 1).bit_length()) - 1)
    masks = list(_key_masks(max_bits, len(coarse)))
    for mask in with_progress(masks, "looking for duplicates", len(masks), "passes"):
        # Sorting numbers that hold key and entry takes a third of the time of sorting entries by key. The
        # key is scattered into the upper bits; that two keys may fall together costs a comparison.
        keyed = np.sort((coarse & mask) * _SCATTERING & ~number_bits | number)
        keys, order = keyed & ~number_bits, (keyed & number_bits).astype(np.intp)
        ranked = coarse[order]
        left = np.arange(len(keys))
        for offset in range(1, MAX_NEIGHBOURS + 1):
            left = left[: np.searchsorted(left, len(keys) - offset)]
            left = left[keys[left] == keys[left + offset]]
            if not left.size:
                break
            near = left[np.bitwise_count(ranked[left] ^ ranked[left + offset]) <= max_bits]
            pairs = np.stack([order[near], order[near + offset]])
            pairs = pairs[:, (pairs.min(axis=0) < n) & (group[pairs[0] % n] != group[pairs[1] % n])]
            one, other = hashes[pairs % n, pairs // n, 1:]
            fine_bits = np.bitwise_count(one ^ other).sum(axis=1, dtype=int)
            pairs = pairs[:, fine_bits <= CONFIRMING_BITS]
            if pairs.size:
                group = _joined(group, pairs % n)
    return group


def _key_masks(max_bits: int, n_entries: int) -> Iterator[np.uint64]:
    """The bits to sort by, one mask a time: every choice of as many blocks as make the search cheapest."""

    def cost(n_shared: int) -> float:
        key_bits = 64 * n_shared / (max_bits + n_shared)
        sorting, comparing = log2(n_entries), n_entries / 2 / 2 ** (INFORMATION_PER_BIT * key_bits)
        return comb(max_bits + n_shared, n_shared) * (sorting + comparing)

    n_shared = min(range(1, 6), key=cost)
    bounds = [64 * block // (max_bits + n_shared) for block in range(max_bits + n_shared + 1)]
    blocks = [(1 << end) - (1 << start) for start, end in pairwise(bounds)]
    for chosen in combinations(blocks, n_shared):
        yield np.uint64(sum(chosen))


def _joined(group: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """`group`, a label per photo, after the groups of each pair became one; `pairs` has the shape (2, n)."""
    labels, ends = np.unique(group[pairs], return_inverse=True)
    edges = (np.ones(pairs.shape[1], bool), tuple(ends.reshape(2, -1)))
    n_groups, component = connected_components(coo_array(edges, shape=(len(labels),) * 2), directed=False)
    lowest = np.full(n_groups, len(group))
    np.minimum.at(lowest, component, labels)
    renamed = np.arange(len(group))
    renamed[labels] = lowest[component]
    return renamed[group]


def duplicate_findings(manifest: pd.DataFrame, contents: pd.Series, hashes: np.ndarray) -> pd.DataFrame:
    """Photos like an earlier one of the manifest, and those of them whose age differs from the first's.

    `manifest` is indexed by line; `contents` and `hashes` (shape (n, 2, 5)) are in its order.
    """
    position = np.arange(len(manifest))
    same_bytes = pd.Series(position).groupby([contents.to_numpy(), manifest[N_BYTES].to_numpy()])
    first_copy = same_bytes.transform("first").to_numpy()
    first = manifest[DUPLICATE_GROUP].to_numpy()
    files, ages = manifest[FILE_NAME], manifest[REAL_AGE].to_numpy()
    names = files.to_numpy()

    is_identical = first_copy < position
    is_near = (first < position) & ~is_identical
    bits, mirrored_bits = coarse_distance(hashes[is_near], hashes[first[is_near]])
    details = [
        f"like {name}, {min(two)} of 64 bits differ" + (" (mirrored)" if two[1] < two[0] else "")
        for name, *two in zip(names[first[is_near]], bits, mirrored_bits, strict=True)
    ]
    differs = np.abs(ages - ages[first]) > DIFFERENT_AGE_YEARS
    pairs = zip(ages[differs], ages[first[differs]], names[first[differs]], strict=True)
    return pd.concat(
        [
            findings(
                "identical_photos",
                files[is_identical],
                [f"equal to {name}" for name in names[first_copy[is_identical]]],
            ),
            findings("near_duplicate_photos", files[is_near], details),
            findings(
                "duplicates_differ_in_age",
                files[differs],
                [f"age {age:g}, but {other:g} for {name}" for age, other, name in pairs],
            ),
        ]
    )
