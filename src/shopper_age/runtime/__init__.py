"""The process: running a stage, whole files, hashes, threads, machine, checkout."""
