import pytest

from shopper_age.runtime import sorting
from shopper_age.runtime.sorting import sorted_texts

TEXTS = ["b", "a\nc", "Ж", "d\udcff", "", "a", "b", 'q"', "z", "é"]


@pytest.mark.parametrize("portion", [1, 2, 3, 10, 11])
@pytest.mark.parametrize("n", range(len(TEXTS) + 1))
def test_texts_come_in_the_order_of_sorted_however_few_are_in_memory(monkeypatch, portion, n):
    monkeypatch.setattr(sorting, "_PORTION", portion)
    assert list(sorted_texts(iter(TEXTS[:n]))) == sorted(TEXTS[:n])
