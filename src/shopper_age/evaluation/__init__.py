"""Stage evaluate: metrics, conclusions, figures and reports of a model on the test part."""
