import numpy as np
import pytest
from evaluations import estimates, evaluation_of, history, usual_evaluation

from shopper_age.evaluation.figures import evaluation_figures


class Photos:
    """Black photos, and how many were asked for at a time."""

    def __init__(self):
        self.asked = []

    def __getitem__(self, rows):
        self.asked.append(rows.tolist())
        return np.zeros((len(rows), 8, 8, 3), dtype=np.uint8)


def explain(photos):
    return np.ones((len(photos), 2, 2))


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


@pytest.mark.parametrize("sd", [4.0, None])
def test_every_model_leaves_the_same_figures(sd, tmp_path):
    photos = Photos()
    figures = evaluation_figures(usual_evaluation(sd=sd), history(), photos, explain=explain)
    assert len(figures) == 15
    assert sorted(map(len, photos.asked)) == [8, 15, 15]
    for name, figure in figures.items():
        figure.savefig(tmp_path / name, dpi=30)
    says = "This model answers with a number, not with probabilities."
    assert (says in texts(figures["reliability.png"])) == (sd is None)
    assert "The 15 photos with the smallest errors, of n = 300" in texts(figures["best_photos.png"])


def test_figures_draw_what_the_evaluation_holds():
    evaluation = usual_evaluation()
    figures = evaluation_figures(evaluation, history([7.0, 6.0, 6.5]), Photos(), explain=explain)
    near, far = figures["error_histogram.png"].axes[0].containers
    assert sum(bar.get_height() for bar in near) == (np.abs(evaluation.errors) < 5).sum()
    assert sum(bar.get_height() for bar in (*near, *far)) == 300
    lines = {line.get_label(): line for line in figures["id_trade_off.png"].axes[0].lines}
    by_age = lines["estimated age below T"]
    by_probability = lines["probability of being under 18 above a limit"]
    assert by_age.get_ydata().tolist() == evaluation.by_age.trade_off["false_positive_rate"].tolist()
    assert (
        by_probability.get_xdata().tolist() == evaluation.by_probability.trade_off["id_request_rate"].tolist()
    )
    title = figures["reliability.png"].axes[0].get_title(loc="left")
    assert title.endswith(f"calibration error {evaluation.calibration.error:.3f}")
    ring = figures["training_curves.png"].axes[0].collections[0]
    assert ring.get_offsets().tolist() == [[2, 6.0]]


def test_the_few_photos_of_a_small_test_part_are_shown_once():
    people = estimates([16.0, 30.0, 40.0], np.array([1.0, 2.0, 3.0]))
    photos = Photos()
    evaluation_figures(evaluation_of(people, people), history(), photos, explain=explain)
    assert sorted(photos.asked) == [[0, 1, 2], [2, 1, 0], [2, 1, 0]]
