"""Markdown from Jinja templates, and the one way in which reports write their numbers."""

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined


def percent(share: float, decimals: int = 0) -> str:
    """A share (0-1) with so many decimals: 0.125 gives "12 %", with one decimal "12.5 %"."""
    return f"{100 * share:.{decimals}f} %"


def exact_percent(share: float) -> str:
    """A share that a person chose, with the decimals that it has: 0.05 gives "5 %", 0.025 "2.5 %"."""
    return f"{100 * share:g} %"


def rate(share: float) -> str:
    """A measured share, with a decimal below 10 %; "–" where it is not known (NaN)."""
    return percent(share, decimals=1 if share < 0.1 else 0) if np.isfinite(share) else "–"


def counted(n: int, noun: str) -> str:
    """A number with its noun, which takes an s but after 1: "1 minor", "7,591 photos"."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def signed(years: float) -> str:
    """An error with its sign and one decimal: "+1.2", "−0.3"; what rounds to nothing is "0.0"."""
    return f"{years:+.1f}".replace("-", "−") if round(years, 1) else "0.0"


def cell(value: Any) -> str:
    """Any text as the content of a cell: on one line, with what Markdown would read as its own escaped."""
    return re.sub(r"([\\`|*_<\[])", r"\\\1", " ".join(str(value).split()))


# The number formats of all reports, by the names that templates use: `{{ share | percent }}`.
FILTERS: dict[str, Callable[..., str]] = {
    "count": lambda number: f"{number:,}",  # photos, people: 7,591
    "counted": counted,
    "number": lambda value: f"{value:g}",  # a label or a setting as it was given: 18, 0.5
    "one": lambda value: f"{value:.1f}",  # an age that was reckoned: 37.7
    "years": lambda value: f"{value:,.2f}",  # an error: 5.63
    "large_years": lambda value: f"{value:,.0f}" if value < 1e6 else f"{value:.2g}",  # 32,687 or 5.5e+15
    "signed": signed,
    "percent": percent,
    "fine": partial(percent, decimals=1),
    "exact_percent": exact_percent,
    "rate": rate,
    "cell": cell,
}


def render(package: str, template: str, **values: Any) -> str:
    """The template in the folder `templates` of a package such as "shopper_age.evaluation", filled in.

    Raises:
        jinja2.UndefinedError: the template asks for a value that is not given.
    """
    text = _environment(package).get_template(template).render(**values)
    # Paragraphs that a condition left out leave their blank lines behind.
    return re.sub(r"\n{3,}", "\n\n", text)


@cache
def _environment(package: str) -> Environment:
    environment = Environment(
        loader=PackageLoader(package),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown, not HTML
    )
    environment.filters |= FILTERS
    return environment
