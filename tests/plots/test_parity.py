import numpy as np
import pandas as pd

from shopper_age.metrics.parity import COLUMNS
from shopper_age.plots.parity import parity_figure
from shopper_age.plots.style import BLUE


def group(value, measure, estimate, *, column="sex", is_pair=False, is_small=False):
    cells = [
        column,
        value,
        is_pair,
        measure,
        40,
        4,
        estimate,
        estimate - 0.02,
        estimate + 0.03,
        16.0,
        is_small,
    ]
    return dict(zip(COLUMNS, cells, strict=True))


def test_both_rates_of_each_group_stand_beside_each_other_with_their_intervals():
    table = pd.DataFrame(
        [
            group("f", "false_positive_rate", 0.1),
            group("m", "false_positive_rate", 0.2, is_small=True),
            group("f", "id_request_rate", 0.5),
            group("f", "mae", 5.0),
            group("f × A", "id_request_rate", 0.9, column="sex × shop", is_pair=True),
        ]
    )
    minors, adults = parity_figure(table).axes
    assert [label.get_text() for label in minors.get_yticklabels()] == ["sex", "f", "m"]
    interval, dot, _, small = minors.get_lines()
    np.testing.assert_allclose(interval.get_xdata(), [0.08, 0.13])
    assert (list(dot.get_xdata()), list(dot.get_ydata())) == ([0.1], [1])
    assert (dot.get_markerfacecolor(), small.get_markerfacecolor()) == (BLUE, "white")
    assert len(adults.get_lines()) == 2
    assert minors.get_title(loc="left") == "Minors who pass unasked, n = 80"
    assert adults.get_title(loc="left") == "Adults who are asked, n = 40"


def test_rates_that_nobody_has_are_not_known(tmp_path):
    figure = parity_figure(pd.DataFrame([group("f", "mae", 5.0)]))
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["not known", "not known"]
    figure.savefig(tmp_path / "parity.png")
    parity_figure(pd.DataFrame(columns=COLUMNS)).savefig(tmp_path / "parity.png")
