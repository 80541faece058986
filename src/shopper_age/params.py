"""Settings of params.yaml, typed and checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from shopper_age.metrics.bands import check_edges

Share = Annotated[float, Field(ge=0, le=1)]

OpenShare = Annotated[float, Field(gt=0, lt=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ValidateDataParams(_Section):
    min_age: float = Field(ge=0)
    max_age: float
    min_side_px: int = Field(ge=1)
    max_pixels: int = Field(ge=1, le=178_956_970)  # Pillow refuses more in any case
    near_duplicate_bits: int = Field(ge=0, le=8)
    max_bad_share: Share

    @field_validator("max_age")
    @classmethod
    def _no_age_above_those_of_the_model(cls, value: float) -> float:
        if value > 100:
            raise ValueError(
                "must be at most 100: the model spreads its answer over the years 0 to 100 and knows no "
                "greater age; older people are findings, unless labels.csv gives them 100"
            )
        return value

    @model_validator(mode="after")
    def _ages_in_order(self) -> "ValidateDataParams":
        if self.min_age >= self.max_age:
            raise ValueError(f"min_age ({self.min_age}) must be below max_age ({self.max_age})")
        return self


class EdaParams(_Section):
    n_photos: int = Field(ge=1, le=100)


class SplitParams(_Section):
    strategy: Literal["stratified", "keras", "column"]
    test_share: OpenShare
    validation_share: OpenShare
    group_column: str

    @field_validator("group_column")
    @classmethod
    def _as_the_header_is_read(cls, value: str) -> str:
        return value.strip()


class AugmentationParams(_Section):
    horizontal_flip: bool
    rotation_degrees: float = Field(ge=0, le=180)
    zoom: Share
    shift: Share
    brightness: Share
    contrast: Share
    erasing: Share


class CacheParams(_Section):
    memory_gib: float = Field(ge=0)
    file_gib: float = Field(ge=0)


class TrainParams(_Section):
    optimizer: Literal["adam", "adamw"]
    weight_decay: float = Field(ge=0)
    schedule: Literal["constant", "cosine"]
    warmup_epochs: float = Field(ge=0)
    clip_norm: float = Field(ge=0)
    ema_momentum: float = Field(ge=0, lt=1)
    frozen_epochs: int = Field(ge=0)
    early_stopping_patience: int = Field(ge=0)
    keep_best: bool
    label_sigma: float = Field(gt=0)
    l1_weight: float = Field(ge=0)
    precision: Literal["auto", "float32", "bfloat16", "float16"]
    jit_compile: bool | Literal["auto"]
    deterministic: bool
    cache: CacheParams
    augmentation: AugmentationParams

    @field_validator("jit_compile", mode="before")
    @classmethod
    def _no_text_but_auto(cls, value: Any) -> Any:
        # pydantic alone would read the text "true" as true
        if value != "auto" and not isinstance(value, bool):
            raise ValueError("must be auto, true or false, the last two without quotes")
        return value


class EvaluateParams(_Section):
    max_mae: float = Field(gt=0)
    tta: Literal[1, 2, 4]
    age_groups: tuple[int, ...] = Field(min_length=1)
    legal_age: int = Field(ge=1, le=49)
    max_false_positive_rate: OpenShare
    interval_level: OpenShare
    max_interval_width: float = Field(gt=0)

    @field_validator("age_groups")
    @classmethod
    def _groups_rise_from_zero(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        check_edges(value)
        return value


class TrackingParams(_Section):
    experiment: str = Field(min_length=1)
    log_photos: bool


class Params(_Section):
    """All settings; a field per line of params.yaml."""

    seed: int = Field(ge=0, lt=2**31)
    data_path: Path
    image_size: int = Field(ge=32, le=1024)
    batch_size: int = Field(ge=1)
    epochs: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    loss: Literal["mse", "mae", "huber", "label_distribution", "ordinal"]
    weights: str = Field(min_length=1)
    validate_data: ValidateDataParams
    eda: EdaParams
    split: SplitParams
    train: TrainParams
    evaluate: EvaluateParams
    tracking: TrackingParams


def load_params(path: str | Path = "params.yaml") -> Params:
    """The checked settings of a params.yaml.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a key is unknown or missing, or a value breaks its rule; the message lists every
            such key with the value found and the rule.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} not found: run this from the project's top folder, where params.yaml lies."
        )
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from error
    try:
        return Params.model_validate(tree)
    except ValidationError as error:
        raise ValueError(f"{path}: {_explain(error)}") from None


def dotted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings on one level, each under its full name such as `train.schedule`."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": setting for inner, setting in dotted(value).items()}
        else:
            flat[name] = value
    return flat


def _explain(error: ValidationError) -> str:
    problems = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"]) or "the file"
        match problem["type"]:
            case "extra_forbidden":
                problems.append(f"unknown key '{key}' (value {problem['input']!r}): remove it or correct it")
            case "missing":
                problems.append(f"'{key}' is missing")
            case _:
                problems.append(f"'{key}' is {problem['input']!r}: {problem['msg']}")
    return "; ".join(problems)
