import pytest

from shopper_age.metrics.age_groups import confusion, confusion_shares, group_table
from shopper_age.plots.age_groups import group_confusion, group_shares

EDGES = (0, 12, 18)
TRUE, PRED = [10, 10, 10, 40], [11, 9, 13, 40]


def test_the_confusion_writes_share_and_count_into_every_cell_with_photos():
    counts = confusion(TRUE, PRED, edges=EDGES)
    axes, bar = group_confusion(counts, confusion_shares(counts)).axes
    cells = {tuple(text.get_position()): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "67%\n2", (1, 0): "33%\n1", (2, 2): "100%\n1"}
    assert axes.get_title(loc="left") == "Age groups, n = 4"
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["0–11\nn = 3", "12–17\nn = 0", "18+\nn = 1"]
    assert bar.get_ylabel() == "Share of the true group"


def test_text_stays_readable_on_dark_and_light_cells():
    counts = confusion(TRUE, PRED, edges=EDGES)
    axes, _ = group_confusion(counts, confusion_shares(counts)).axes
    assert {text.get_text().split("%")[0]: text.get_color() for text in axes.texts} == {
        "67": "black",
        "33": "white",
        "100": "black",
    }


def test_true_and_estimated_shares_stand_side_by_side():
    (axes,) = group_shares(group_table(TRUE, PRED, edges=EDGES)).axes
    true, estimated = axes.containers
    assert [bar.get_height() for bar in true] == pytest.approx([0.75, 0, 0.25])
    assert [bar.get_height() for bar in estimated] == pytest.approx([0.5, 0.25, 0.25])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["true", "estimated"]
    assert axes.get_title(loc="left") == "Share of each age group, n = 4"
