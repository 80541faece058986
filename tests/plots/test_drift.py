import numpy as np
import pandas as pd

from shopper_age.metrics.drift import share_table
from shopper_age.plots.drift import distributions_figure, stability_figure


def test_both_samples_are_drawn_over_the_same_axis_with_their_counts():
    shares = share_table(np.arange(100.0), np.arange(50.0))
    names = ("test part", "answers")
    figure = distributions_figure(shares, title="Ages", label="Age (years)", names=names, counts=(100, 50))
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "Ages, n = 100 and 50"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["test part", "answers"]
    assert [patch.get_data().values.sum().round(6) for patch in axes.patches] == [1, 1]


def test_what_is_not_known_has_no_bar_but_says_so():
    rows = pd.DataFrame({"quantity": ["Ages", "Size"], "psi": [0.4, np.nan], "psi_by_chance": [0.05, np.nan]})
    (axes,) = stability_figure(rows, marks=(0.1, 0.25), counts=(7, 8)).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Ages", "Size (not known)"]
    assert [bar.get_width() for bar in axes.patches] == [0.4, 0]
