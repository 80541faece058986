"""Markdown from Jinja templates, and the number formats that they use."""

import re
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined


def render(package: str, template: str, **values: Any) -> str:
    """The template in the folder `templates` of a package such as "shopper_age.evaluation", filled in."""
    environment = Environment(
        loader=PackageLoader(package),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown, not HTML
    )
    environment.filters |= {
        "count": lambda number: f"{number:,}",
        "number": lambda value: f"{value:g}",
        "one": lambda value: f"{value:.1f}",
        "years": lambda value: f"{value:.2f}",
        "signed": lambda value: f"{value:+.1f}".replace("-", "−") if round(value, 1) else "0.0",
        "percent": lambda share: f"{100 * share:.0f} %",
        "fine": lambda share: f"{100 * share:.1f} %",
        "exact_percent": lambda share: f"{100 * share:g} %",
        "rate": _rate,
        "cell": lambda value: re.sub(r"([\\`|*_<\[])", r"\\\1", " ".join(str(value).split())),
    }
    text = environment.get_template(template).render(**values)
    # Paragraphs that a condition left out leave their blank lines behind.
    return re.sub(r"\n{3,}", "\n\n", text)


def _rate(share: float) -> str:
    """A share in percent, with a decimal where it is small; "–" where it is not known."""
    if not np.isfinite(share):
        return "–"
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
