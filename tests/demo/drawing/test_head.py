import numpy as np
import pytest

from shopper_age.demo.drawing.head import head_of
from shopper_age.demo.drawing.person import random_person


@pytest.mark.parametrize("age_years", [0, 5, 20, 50, 100])
def test_the_parts_of_a_face_are_in_order(age_years):
    for i in range(20):
        head = head_of(random_person(age_years, np.random.default_rng(i)))
        assert -1 < head.top < head.brow_y < head.eye_y < head.nose_y < head.mouth_y < head.chin < 0.8
        assert head.eye_x + head.eye_width < head.half_width < 0.8
        assert head.width_at(head.eye_y) == pytest.approx(head.half_width, rel=0.05)
