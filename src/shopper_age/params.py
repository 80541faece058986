"""Settings of params.yaml, typed and checked."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, ValidationInfo, field_validator

from shopper_age.metrics.bands import check_edges
from shopper_age.runtime.messages import shorten, shorten_list
from shopper_age.runtime.object_store import is_url
from shopper_age.runtime.yaml_file import read_yaml

# Beyond it is a slip of the finger, whatever is counted.
_MANY = 100_000

Share = Annotated[float, Field(ge=0, le=1)]

OpenShare = Annotated[float, Field(gt=0, lt=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class ValidateDataParams(_Section):
    min_age: float = Field(ge=0)
    max_age: float
    min_side_px: int = Field(ge=1, le=_MANY)
    max_pixels: int = Field(ge=1, le=178_956_970)  # Pillow refuses more in any case
    near_duplicate_bits: int = Field(ge=0, le=8)
    count_faces: bool
    max_bad_share: Share
    workers: int = Field(ge=1, le=_MANY)

    @field_validator("max_age")
    @classmethod
    def _above_min_age_and_within_the_model(cls, value: float, info: ValidationInfo) -> float:
        if value > 100:
            raise ValueError(
                "must be at most 100: the model spreads its answer over the years 0 to 100 and knows no "
                "greater age; older people are findings, unless labels.csv gives them 100"
            )
        if value <= info.data.get("min_age", 0):
            raise ValueError(f"must be above min_age, which is {info.data.get('min_age', 0):g}")
        return value


class FacesParams(_Section):
    detect: Literal["auto", "always", "never"]
    margin: float = Field(ge=0, le=2)
    min_eye_distance_px: float = Field(ge=0)
    min_sharpness: float = Field(ge=0)
    max_turn: float = Field(gt=0)


class EdaParams(_Section):
    n_photos: int = Field(ge=1, le=100)


class SplitParams(_Section):
    seed: int = Field(ge=0, lt=2**31)
    strategy: Literal["stratified", "keras", "column"]
    test_share: OpenShare
    validation_share: OpenShare
    group_column: str
    calibration: Literal["validation", "cross"]
    folds: int = Field(ge=2, le=20)

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
    warmup_epochs: float = Field(ge=0, le=_MANY)
    clip_norm: float = Field(ge=0)
    ema_momentum: float = Field(ge=0, lt=1)
    frozen_epochs: int = Field(ge=0, le=_MANY)
    early_stopping_patience: int = Field(ge=0, le=_MANY)
    keep_best: bool
    label_sigma: float = Field(gt=0)
    l1_weight: float = Field(ge=0)
    precision: Literal["auto", "float32", "bfloat16", "float16"]
    jit_compile: bool | Literal["auto"]
    deterministic: bool
    devices: Annotated[int, Field(ge=1, le=1024)] | Literal["auto"]
    workers: int = Field(ge=1, le=1024)
    cache: CacheParams
    augmentation: AugmentationParams

    @field_validator("jit_compile", mode="before")
    @classmethod
    def _no_text_but_auto(cls, value: Any) -> Any:
        # pydantic alone would read the text "true" as true
        if value != "auto" and not isinstance(value, bool):
            raise ValueError("must be auto, true or false, the last two without quotes")
        return value

    @field_validator("devices", mode="before")
    @classmethod
    def _number_or_auto(cls, value: Any) -> Any:
        if value != "auto" and (type(value) is not int or not 1 <= value <= 1024):
            raise ValueError("must be auto, or a whole number from 1 to 1024 without quotes")
        return value


class ShopParams(_Section):
    customers_per_month: float = Field(gt=0)
    share_of_minors: Share


class EvaluateParams(_Section):
    max_mae: float = Field(gt=0)
    ages_are: Literal["id_checked", "told", "guessed", "unknown"]
    tta: Literal[1, 2, 4]
    age_groups: tuple[StrictInt, ...] = Field(min_length=1, max_length=100, strict=False)
    legal_age: int = Field(ge=1, le=49)
    minors_from: int = Field(ge=0)
    max_false_positive_rate: OpenShare
    guarantee: OpenShare
    interval_level: OpenShare
    max_interval_width: float = Field(gt=0)
    shop: ShopParams | None

    @field_validator("minors_from")
    @classmethod
    def _below_the_legal_age(cls, value: int, info: ValidationInfo) -> int:
        if value >= (legal_age := info.data.get("legal_age", value + 1)):
            raise ValueError(f"must be below evaluate.legal_age, which is {legal_age}")
        return value

    @field_validator("tta", mode="before")
    @classmethod
    def _whole_number(cls, value: Any) -> Any:
        if type(value) is not int:  # to Python true is 1
            raise ValueError("must be 1, 2 or 4")
        return value

    @field_validator("age_groups")
    @classmethod
    def _groups_rise_from_zero(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        check_edges(value)
        return value


class ExportParams(_Section):
    max_mae_loss: float = Field(ge=0)


class TrackingParams(_Section):
    experiment: str = Field(min_length=1)
    log_photos: bool


class Params(_Section):
    """All settings; a field per line of params.yaml."""

    seed: int = Field(ge=0, lt=2**31)
    data_path: Path | str  # text is an address in an object store
    image_size: int = Field(ge=32, le=1024)
    batch_size: int = Field(ge=1, le=_MANY)
    epochs: int = Field(ge=1, le=_MANY)
    learning_rate: float = Field(gt=0, le=1)
    loss: Literal["mse", "mae", "huber", "label_distribution", "ordinal"]
    weights: str = Field(min_length=1)
    validate_data: ValidateDataParams
    faces: FacesParams
    eda: EdaParams
    split: SplitParams
    train: TrainParams
    evaluate: EvaluateParams
    export: ExportParams
    tracking: TrackingParams

    @field_validator("data_path", mode="before")
    @classmethod
    def _names_a_folder(cls, value: Any) -> Any:
        if not isinstance(value, str | Path) or not str(value).strip():
            raise ValueError("must name the folder with labels.csv and final_files/, or a packed one")
        return Path(value) if isinstance(value, str) and not is_url(value) else value


def load_params(path: str | Path = "params.yaml") -> Params:
    """The checked settings of a params.yaml.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be read as YAML of one meaning, a key is unknown or missing, or a value is of
            another type or breaks its rule; the message lists every such key with the value found and the
            rule.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} not found: run this from the project's top folder, where params.yaml lies."
        )
    tree = read_yaml(path)
    if not isinstance(tree, Mapping):
        raise ValueError(f"{path} holds no settings, one `name: value` a line")
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
        key = shorten(".".join(str(part) for part in problem["loc"]))
        value = problem["input"]
        shown = str(value).lower() if isinstance(value, bool) else shorten(repr(value))
        match problem["type"]:
            case "extra_forbidden":
                problems.append(f"unknown key '{key}' (value {shown}): remove it or correct it")
            case "missing":
                problems.append(f"'{key}' is missing")
            case "int_type" | "float_type" | "bool_type" | "string_type" | "int_from_float" as expected:
                problems.append(f"'{key}' is {shown}: {_type_rule(expected, value)}")
            case _:
                problems.append(f"'{key}' is {shown}: {problem['msg'].removeprefix('Value error, ')}")
    return shorten_list(problems, 20, separator="; ", length=400)


def _type_rule(expected: str, value: Any) -> str:
    """What to write instead of a value of another type."""
    match expected:
        case "bool_type":
            return "must be true or false, without quotes"
        case "string_type":
            return f'must be text; put it in double quotes: "{shorten(value, 40)}"'
    is_whole = expected != "float_type"
    rule = "must be a whole number" if is_whole else "must be a number"
    if isinstance(value, bool) or not isinstance(value, str | float):
        return rule
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return rule
    if not number.is_finite() or abs(number.adjusted()) > 20 or (is_whole and number % 1):
        return rule
    plain = format(number, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return f"{rule}; write {plain}" + (" without quotes" if isinstance(value, str) else "")
