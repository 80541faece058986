"""Reports and model cards of evaluations, with the usual settings."""

from evaluations import history

from shopper_age.evaluation.report import render_analysis, render_model_card


def analysis(evaluation, *, is_demo=False):
    return render_analysis(evaluation, history=history(), is_demo=is_demo)


def card(evaluation, **changes):
    settings = {"image_size": 112, "weights": "imagenet", "loss": "label_distribution", "is_demo": False}
    return render_model_card(evaluation, **{**settings, **changes})
