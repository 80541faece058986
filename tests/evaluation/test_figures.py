import numpy as np
import pandas as pd
import pytest
from evaluations import estimates, evaluation_of, usual_evaluation

from shopper_age.evaluation import figures as plots


@pytest.fixture
def history():
    return pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "loss": [90.0, 60.0, 40.0],
            "mae": [8.0, 6.5, 5.0],
            "val_loss": [80.0, 55.0, 58.0],
            "val_mae": [7.0, 6.0, 6.1],
            "learning_rate": [1e-4] * 3,
        }
    )


@pytest.fixture
def photo():
    return np.full((8, 6, 3), 128, dtype=np.uint8)


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_training_curves_show_both_parts_and_ring_the_best_epoch(history):
    left, right = plots.training_curves(history).axes
    assert lines(left)["training photos"].get_ydata().tolist() == [8.0, 6.5, 5.0]
    assert lines(left)["validation photos"].get_ydata().tolist() == [7.0, 6.0, 6.1]
    assert lines(right)["validation photos"].get_ydata().tolist() == [80.0, 55.0, 58.0]
    assert left.collections[0].get_offsets().tolist() == [[2, 6.0]]
    assert left.get_ylabel() == "Mean absolute error (years)"
    assert right.get_xlabel() == "Epoch"


def test_training_curves_of_one_epoch_are_drawn(history):
    left, _ = plots.training_curves(history.head(1)).axes
    assert lines(left)["validation photos"].get_marker() == "s"


@pytest.mark.parametrize("sd", [4.0, None])
def test_every_model_leaves_the_same_pictures(history, sd, tmp_path):
    asked = []

    def read_photos(rows):
        asked.append(len(rows))
        return np.zeros((len(rows), 8, 8, 3), dtype=np.uint8)

    figures = plots.draw_all(
        usual_evaluation(sd=sd),
        history=history,
        read_photos=read_photos,
        explain=lambda photos: np.ones((len(photos), 2, 2)),
    )
    assert len(figures) == 14
    assert sorted(asked) == [8, 15, 15]
    for name, figure in figures.items():
        figure.savefig(tmp_path / name, dpi=30)
    says = "This model answers with a number, not with probabilities."
    assert (says in texts(figures["reliability.png"])) == (sd is None)
    assert "The 15 photos with the smallest errors, of n = 300" in texts(figures["best_photos.png"])


def test_the_few_photos_of_a_small_test_part_are_shown_once(history):
    people = estimates([16.0, 30.0, 40.0], np.array([1.0, 2.0, 3.0]))
    shown = []
    plots.draw_all(
        evaluation_of(people, people),
        history=history,
        read_photos=lambda rows: (
            shown.append(rows.tolist()) or np.zeros((len(rows), 8, 8, 3), dtype=np.uint8)
        ),
        explain=lambda photos: np.ones((len(photos), 2, 2)),
    )
    assert shown == [[2, 1, 0], [2, 1, 0], [0, 1, 2]]
