"""Order of the photos in an epoch: a permutation that follows from seed and epoch alone."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Source: Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3", sec. 3.3, and its philox.h.
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_KEY_INCREMENT = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
_N_ROUNDS = 10

# Source: tensorflow/core/kernels/stateless_random_ops.cc, GenerateKey.
_KEY_OF_SEEDS = np.array([0x3EC8F720, 0x02461E29], np.uint64)

_WORD = np.uint64(32)  # bits
_LOW = np.uint64(2**32 - 1)


@lru_cache(maxsize=4)  # every batch of an epoch asks for it
def shuffled(n: int, *, seed: int, epoch: int) -> NDArray[np.int64]:
    """The indices 0 to n - 1 in random order, shape (n,), read-only.

    It is the order of `tf.random.experimental.stateless_shuffle(range(n), seed=[seed, epoch])`, which earlier
    versions took, so that equal settings still give equal models; TensorFlow is not needed for it.

    Args:
        n: below 2**32.
        seed: 0 or more.
        epoch: 0 or more.
    """
    words = _philox4x32(_KEY_OF_SEEDS, np.array([seed]), np.array([epoch]))[0]
    key, stream = words[:2], words[2] | words[3] << _WORD
    n_blocks = -(-n // 4)
    draws = _philox4x32(key, np.arange(n_blocks), np.full(n_blocks, stream)).ravel()[:n]
    partners = np.arange(n) + (draws % np.arange(n, 0, -1, dtype=np.uint64)).astype(np.int64)
    order = list(range(n))
    for index, partner in enumerate(partners.tolist()):  # Fisher-Yates
        order[index], order[partner] = order[partner], order[index]
    result = np.array(order, np.int64)
    result.flags.writeable = False
    return result


def _philox4x32(key: NDArray[np.uint64], low: np.ndarray, high: np.ndarray) -> NDArray[np.uint64]:
    """Four random words of 32 bits for each counter of 128 bits, given as two halves (n,): (n, 4)."""
    counter = [
        half.astype(np.uint64) >> shift & _LOW for half in (low, high) for shift in (np.uint64(0), _WORD)
    ]
    for _ in range(_N_ROUNDS):
        first, second = _MULTIPLIERS[0] * counter[0], _MULTIPLIERS[1] * counter[2]
        counter = [
            second >> _WORD ^ counter[1] ^ key[0],
            second & _LOW,
            first >> _WORD ^ counter[3] ^ key[1],
            first & _LOW,
        ]
        key = key + _KEY_INCREMENT & _LOW
    return np.stack(counter, axis=1)
