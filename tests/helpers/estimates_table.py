"""Tables of estimates, as predictions.csv holds them."""

import pandas as pd


def table(true, predicted, names=None) -> pd.DataFrame:
    names = [f"{number:04d}.jpg" for number in range(len(true))] if names is None else names
    return pd.DataFrame({"file_name": names, "real_age": true, "predicted_age": predicted}).astype(
        {"real_age": float, "predicted_age": float}
    )
