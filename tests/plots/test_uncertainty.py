import numpy as np
import pytest

from shopper_age.metrics.calibration import expected_calibration_error, reliability_table
from shopper_age.metrics.intervals import coverage_table
from shopper_age.plots.uncertainty import coverage_figure, reliability_figure
from shopper_age.runtime.files import save_figure


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.parametrize("probability", [[0.9, 0.2, 0.1], [0.3]])
def test_the_reliability_diagram_draws_the_bins_that_hold_photos(probability, tmp_path):
    table = reliability_table(np.array(probability) > 0.5, probability)
    figure = reliability_figure(table, what="under 18", error=expected_calibration_error(table))
    upper, lower = figure.axes
    assert f"n = {len(probability)}" in upper.get_title(loc="left")
    points = upper.containers[0].lines[0]
    assert sorted(points.get_xdata()) == pytest.approx(sorted(probability))
    assert sum(bar.get_height() for bar in lower.patches) == len(probability)
    save_figure(tmp_path / "reliability.png", figure)


def test_coverage_leaves_bands_without_photos_out(tmp_path):
    coverage = coverage_table([20, 30, 31], [20, 25, 20], [24, 30, 30], edges=(0, 18, 30))
    figure = coverage_figure(coverage, level=0.9)
    upper, lower = figure.axes
    names = [label.get_text() for label in lower.get_xticklabels()]
    assert names == ["all ages\nn = 3", "18–29\nn = 1", "30+\nn = 2"]
    assert [bar.get_height() for bar in lower.patches] == pytest.approx([19 / 3, 4, 7.5])
    assert "nominal: 90%" in legend(upper)
    save_figure(tmp_path / "coverage.png", figure)
