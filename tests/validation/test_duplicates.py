import io

import imagehash
import numpy as np
import pytest
from photos import small_photo
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from shopper_age.validation import duplicates
from shopper_age.validation.duplicates import coarse_distance, near_duplicate_groups, perceptual_hashes

RNG = np.random.default_rng(0)


def random_hashes(n: int) -> np.ndarray:
    return RNG.integers(0, 2**64, (n, 2, 5), dtype=np.uint64)


def with_flipped_bits(hashes: np.ndarray, n_coarse: int, n_fine: int = 0) -> np.ndarray:
    """Copies whose hashes differ in exactly so many bits, at random places."""
    flipped = hashes.copy()
    for hash_ in flipped.reshape(-1, 5):
        for bit in RNG.choice(64, n_coarse, replace=False):
            hash_[0] ^= np.uint64(1 << int(bit))
        for bit in RNG.choice(256, n_fine, replace=False):
            hash_[1 + bit // 64] ^= np.uint64(1 << int(bit % 64))
    return flipped


def groups_by_all_pairs(hashes: np.ndarray, max_bits: int) -> list[int]:
    group = list(range(len(hashes)))
    for one in range(len(hashes)):
        for other in range(one):
            for first, second in ((one, other), (other, one)):
                for side in (0, 1):
                    differing = np.bitwise_count(hashes[first, 0] ^ hashes[second, side]).astype(int)
                    if differing[0] <= max_bits and differing[1:].sum() <= duplicates.CONFIRMING_BITS:
                        low, high = sorted((group[one], group[other]))
                        group = [low if label == high else label for label in group]
    return group


def grey(photo: Image.Image) -> Image.Image:
    return photo.convert("L")


def resaved(photo: Image.Image) -> Image.Image:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=60)
    return Image.open(file)


@pytest.mark.parametrize("seed", range(4))
def test_the_hashes_are_those_of_imagehash(seed):
    photo = grey(small_photo(seed, (32, 32)))

    hashes = perceptual_hashes(photo)

    assert hashes.shape == duplicates.HASH_SHAPE
    for words, picture in zip(hashes, (photo, ImageOps.mirror(photo)), strict=True):
        coarse, fine = imagehash.phash(picture), imagehash.phash(picture, hash_size=16, highfreq_factor=2)
        assert "".join(f"{word:016x}" for word in words) == str(coarse) + str(fine)


@pytest.mark.parametrize(
    "change",
    [
        resaved,
        lambda photo: photo.resize((97, 120)),
        lambda photo: photo.filter(ImageFilter.GaussianBlur(1)),
        lambda photo: ImageEnhance.Brightness(photo).enhance(0.8),
        ImageOps.mirror,
        lambda photo: resaved(ImageOps.mirror(photo)),
    ],
)
def test_a_changed_copy_is_a_near_duplicate(change):
    photos = [small_photo(seed, (128, 128)) for seed in range(4)]
    hashes = np.stack([perceptual_hashes(grey(photo)) for photo in [*photos, change(photos[2])]])

    assert near_duplicate_groups(hashes, max_bits=4).tolist() == [0, 1, 2, 3, 2]


def test_different_pictures_are_no_near_duplicates():
    hashes = np.stack([perceptual_hashes(grey(small_photo(seed))) for seed in range(200)])

    assert near_duplicate_groups(hashes, max_bits=4).tolist() == list(range(200))


@pytest.mark.parametrize("max_bits", [0, 1, 4, 8])
def test_the_search_finds_what_comparing_all_pairs_finds(max_bits):
    photos = random_hashes(40)
    hashes = np.concatenate(
        [
            photos,
            with_flipped_bits(photos[:20], max_bits, duplicates.CONFIRMING_BITS),
            with_flipped_bits(photos[5:25, ::-1], max_bits),  # mirrored
            with_flipped_bits(photos[20:], max_bits + 1),
            with_flipped_bits(photos[20:], 0, duplicates.CONFIRMING_BITS + 1),
            photos[:5],
        ]
    )
    hashes = hashes[RNG.permutation(len(hashes))]

    assert near_duplicate_groups(hashes, max_bits=max_bits).tolist() == groups_by_all_pairs(hashes, max_bits)


@pytest.mark.parametrize("n_entries", [10, 10**4, 10**6, 10**8])
@pytest.mark.parametrize("max_bits", [0, 2, 4, 8])
def test_hashes_within_the_limit_share_a_key_at_every_size(max_bits, n_entries):
    masks = np.array(list(duplicates._key_masks(max_bits, n_entries)))
    differences = with_flipped_bits(np.zeros((50, 2, 5), np.uint64), max_bits)[:, 0, 0]

    assert ((differences[:, None] & masks) == 0).any(axis=1).all()


def test_a_chain_of_likenesses_is_one_group_named_by_its_first_photo():
    start = random_hashes(1)
    middle = start.copy()
    middle[:, :, 0] ^= np.uint64(0b1111)
    end = start.copy()
    end[:, :, 0] ^= np.uint64(0b11111111)

    ends = np.concatenate([random_hashes(1), end, start])
    chain = np.concatenate([ends, middle])

    assert near_duplicate_groups(ends, max_bits=4).tolist() == [0, 1, 2]
    assert near_duplicate_groups(chain, max_bits=4).tolist() == [0, 1, 1, 1]


def test_a_hundred_thousand_copies_cost_no_more_than_one(monkeypatch):
    compared = []
    monkeypatch.setattr(duplicates, "_joined", lambda group, pairs: compared.append(pairs) or group)
    hashes = np.concatenate([np.repeat(random_hashes(1), 100_000, axis=0), random_hashes(10)])

    groups = near_duplicate_groups(hashes, max_bits=4)

    assert compared == []
    assert groups.tolist() == [0] * 100_000 + list(range(100_000, 100_010))


def test_a_key_shared_by_thousands_is_compared_with_its_neighbours_alone(monkeypatch):
    monkeypatch.setattr(duplicates, "MAX_NEIGHBOURS", 4)
    n = 5000
    hashes = np.repeat(random_hashes(1), n, axis=0)
    hashes[:, :, 1] = np.arange(n)[:, None]  # distinct, all alike

    assert near_duplicate_groups(hashes, max_bits=4).tolist() == [0] * n


@pytest.mark.parametrize("n", [0, 1])
def test_there_is_nothing_to_find_among_none_or_one(n):
    assert near_duplicate_groups(random_hashes(n), max_bits=4).tolist() == list(range(n))


def test_the_arguments_stay_as_they_are():
    hashes = random_hashes(5)
    before = hashes.copy()

    near_duplicate_groups(hashes, max_bits=4)

    np.testing.assert_array_equal(hashes, before)


def test_the_distance_counts_bits_as_they_are_and_mirrored():
    one, other = np.zeros((1, 2, 5), np.uint64), np.zeros((1, 2, 5), np.uint64)
    other[0, 0, 0], other[0, 1, 0] = 0b111, 2**64 - 1

    plain, mirrored = coarse_distance(one, other)

    assert (plain.tolist(), mirrored.tolist()) == ([3], [64])
