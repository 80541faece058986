import numpy as np
import pytest

from shopper_age.data.order import shuffled


def test_an_order_holds_every_index_once():
    for n in (0, 1, 2, 5, 97):
        assert sorted(shuffled(n, seed=3, epoch=0)) == list(range(n))


def test_seed_and_epoch_decide_the_order():
    order = shuffled(50, seed=1, epoch=2)
    np.testing.assert_array_equal(order, shuffled(50, seed=1, epoch=2))
    for other in (
        shuffled(50, seed=2, epoch=1),
        shuffled(50, seed=1, epoch=3),
        shuffled(50, seed=2, epoch=2),
    ):
        assert (order != other).any()


def test_every_index_comes_first_about_as_often_as_another():
    firsts = np.bincount([shuffled(10, seed=0, epoch=epoch)[0] for epoch in range(1000)], minlength=10)
    assert firsts.min() > 70  # 100 expected, standard deviation 9.5
    assert firsts.max() < 130


def test_nobody_can_change_an_order_that_others_share():
    with pytest.raises(ValueError, match="read-only"):
        shuffled(5, seed=0, epoch=0)[0] = 1


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 97, 5693])
@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (42, 17), (2**31 - 1, 1000)])
def test_the_order_is_that_of_earlier_versions(n, seed, epoch):
    tf = pytest.importorskip("tensorflow")
    theirs = tf.random.experimental.stateless_shuffle(tf.range(n), seed=tf.constant([seed, epoch], "int64"))
    np.testing.assert_array_equal(shuffled(n, seed=seed, epoch=epoch), theirs)
