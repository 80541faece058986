"""Shares of a batch: the rows that a process reads, and where it puts them."""

from typing import Any, Protocol

import numpy as np


class Share(Protocol):
    """What a process reads of each batch of a training that it may share with others."""

    def rows(self, n: int) -> slice:
        """The rows, next to each other, of a batch of n photos that this process reads."""

    def place(self, rows: np.ndarray, n: int) -> Any:
        """The batch of n, of which these are this process's rows, as the model takes it."""


class Whole:
    """All rows, left where they are."""

    def rows(self, n: int) -> slice:
        return slice(0, n)

    def place(self, rows: np.ndarray, n: int) -> np.ndarray:  # noqa: ARG002 - the protocol's signature
        return rows


WHOLE: Share = Whole()
