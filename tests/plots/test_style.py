from shopper_age.plots.style import PALETTE, new_figure


def test_figures_leave_pyplot_alone_and_series_take_the_palette_in_turn():
    import matplotlib.pyplot as plt

    _, axes = new_figure("Errors, n = 3", "Age (years)", "Error (years)")
    assert plt.get_fignums() == []
    lines = [axes.plot([0, 1], [0, 1])[0].get_color() for _ in range(2)]
    assert lines == list(PALETTE[:2])
