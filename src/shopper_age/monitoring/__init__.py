"""Answers at the till against the test part: what has shifted since the model was measured."""
