"""Stage eda: summary, figures and report of the usable photos."""
