"""Draws demo photos into a new folder.

python -m shopper_age.demo data/demo --n 400 --seed 0
"""

import argparse
from pathlib import Path

from shopper_age.demo.faces import draw_faces
from shopper_age.runtime.interruption import interruption_told
from shopper_age.runtime.machine import usable_cores


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m shopper_age.demo", description="Draws cartoon faces with ages."
    )
    parser.add_argument("folder", type=Path, help="a new folder for labels.csv and final_files/")
    parser.add_argument("--n", type=int, default=400, help="number of faces (default 400)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same faces (default 0)")
    chosen = parser.parse_args()
    try:
        with interruption_told(parser.prog):
            draw_faces(chosen.folder, n=chosen.n, seed=chosen.seed, workers=usable_cores())
    except (ValueError, OSError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    print(f"Drew {chosen.n} faces into {chosen.folder}.")


if __name__ == "__main__":
    main()
