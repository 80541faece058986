"""Stage train: optimisers, checkpoints, resuming, history."""
