"""Stage validate_data: checks of labels.csv and of every photo."""
