"""params.yaml for checkouts that tests make."""

import re
from pathlib import Path

from project import ROOT

PARAMS = ROOT / "params.yaml"


def copy_params(folder: Path, **changes: object) -> None:
    """Copies params.yaml, its top level changed; `data_path`, which the demo changes, is data/faces."""
    text = PARAMS.read_text(encoding="utf-8")
    for name, value in {"data_path": "data/faces", **changes}.items():
        text = re.sub(rf"(?m)^{name}: .*", f"{name}: {value}", text)
    (folder / "params.yaml").write_text(text, encoding="utf-8")
