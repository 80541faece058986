"""Trained models side by side: results, comparison, ranking, sweeps, promotion."""
