"""Supervised fine-tuning of a LoRA adapter with TRL."""

from __future__ import annotations

import json
import math
import os
import random
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from torch.utils.data import Sampler
from transformers import (
    EarlyStoppingCallback,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_pt_utils import LengthGroupedSampler
from trl import SFTConfig, SFTTrainer

from domain_training.bases import load_base
from domain_training.config import Config, DataSpec, LoraSpec, SftSpec
from domain_training.data import IGNORED_LABEL, Row, lengths, make_dataset
from domain_training.precision import Precision, computes_bf16


def pick_device(wanted: str) -> str:
    """`cuda`, `mps` or `cpu`; `auto` takes the first of them that is there.

    Raises:
        ValueError: the name is none of these, or the device is not there.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, there in present.items() if there)
    if wanted not in present:
        raise ValueError(f"DEVICE is {wanted!r}; allowed are auto, cuda, mps, cpu")
    if not present[wanted]:
        raise ValueError(f"DEVICE is {wanted!r}, and this machine has none; use auto or cpu")
    return wanted


class MetricsLog(TrainerCallback):
    """Append what the trainer logs to metrics.jsonl: loss, evaluation loss, learning rate, step and epoch."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,  # noqa: ANN401 - the trainer hands callbacks whatever it has
    ) -> None:
        row = {"step": state.global_step, **(logs or {})}
        with self._path.open("a") as file:
            file.write(json.dumps(row) + "\n")


class AnswerLossTrainer(SFTTrainer):
    """SFTTrainer that projects onto the vocabulary at the answer's positions alone.

    The answer is under half of a row's tokens, and on a CPU the projection onto 49,152 tokens is a fifth of the work;
    the loss is the same mean negative log-likelihood of the answer's tokens.
    """

    def __init__(self, *args: Any, row_lengths: list[int], **kwargs: Any) -> None:  # noqa: ANN401 - SFTTrainer's own
        super().__init__(*args, **kwargs)
        self._row_lengths = row_lengths

    def _get_train_sampler(self, *_: Any) -> Sampler[int]:  # noqa: ANN401 - differs between releases
        generator = torch.Generator().manual_seed(self.args.seed)
        sampler: Sampler[int] = LengthGroupedSampler(
            self.args.train_batch_size * self.args.gradient_accumulation_steps,
            lengths=self._row_lengths,
            generator=generator,
        )
        return sampler

    def compute_loss(
        self,
        model: PreTrainedModel,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor | tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Mean negative log-likelihood in nats over the labelled tokens of the batch."""
        causal = self.accelerator.unwrap_model(model).get_base_model()
        hidden = causal.model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).last_hidden_state
        labels = inputs["labels"][:, 1:]
        answer = labels != IGNORED_LABEL
        logits = causal.lm_head(hidden[:, :-1][answer]).float()
        total = torch.nn.functional.cross_entropy(logits, labels[answer], reduction="sum")
        loss = total / (num_items_in_batch if num_items_in_batch is not None else answer.sum())
        return (loss, {"loss": loss}) if return_outputs else loss


def training_arguments(
    config: Config,
    sft: SftSpec,
    run: Path,
    device: str,
    train_rows: int,
    **changed: Any,  # noqa: ANN401 - SFTConfig's own
) -> SFTConfig:
    """The trainer's arguments; evaluation and checkpoints come `evals_per_epoch` times an epoch.

    Args:
        changed: arguments of SFTConfig to take instead of those here.
    """
    steps_per_epoch = math.ceil(train_rows / (sft.batch_size * sft.gradient_accumulation))
    interval = max(1, math.ceil(steps_per_epoch / sft.evals_per_epoch))
    arguments: dict[str, Any] = {
        "output_dir": str(run / "checkpoints"),
        "num_train_epochs": sft.epochs,
        "per_device_train_batch_size": sft.batch_size,
        "per_device_eval_batch_size": sft.batch_size,
        "gradient_accumulation_steps": sft.gradient_accumulation,
        "learning_rate": sft.learning_rate,
        "lr_scheduler_type": sft.scheduler,
        "warmup_steps": math.ceil(sft.warmup_ratio * steps_per_epoch * sft.epochs),
        "weight_decay": sft.weight_decay,
        "eval_strategy": "steps",
        "eval_steps": interval,
        "save_strategy": "steps",
        "save_steps": interval,
        "save_total_limit": 2,
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "logging_steps": max(1, interval // 10),
        "bf16": computes_bf16(sft.precision, device),
        "use_cpu": device == "cpu",
        "seed": sft.seed,
        "report_to": config.report_to,
        "run_name": config.version,
        "remove_unused_columns": False,
        "dataloader_num_workers": 0,
        "max_length": config.data.max_length,
        "gradient_checkpointing": False,
        "dataset_kwargs": {"skip_prepare_dataset": True},
    }
    return SFTConfig(**{**arguments, **changed})


#: A model without an adapter, and its tokenizer.
Base = tuple[PreTrainedModel, PreTrainedTokenizerBase]


def load_trainable(config: Config, precision: Precision, device: str) -> Base:
    """The recipe's base, on the CPU, in the type that it is trained in on the device, and its tokenizer.

    Raises:
        FileNotFoundError, OSError: the base is not there; see `load_base`.
    """
    half = device != "cpu" or computes_bf16(precision, device)
    model, tokenizer = load_base(config.base, torch.bfloat16 if half else torch.float32)
    if device == "cpu":
        # The fused kernel's backward pass takes four times as long there, for texts of a hundred tokens.
        model.set_attn_implementation("eager")
    return model, tokenizer


def make_trainer(
    data: DataSpec,
    lora: LoraSpec,
    base: Base,
    rows: tuple[list[Row], list[Row]],
    arguments: SFTConfig,
    callbacks: list[TrainerCallback],
) -> AnswerLossTrainer:
    """A trainer of a new adapter, which is put into the base's own layers.

    Args:
        rows: to teach, and to evaluate on.
    """
    train_rows, validation_rows = rows
    model, tokenizer = base
    rng = random.Random(arguments.seed)
    return AnswerLossTrainer(
        row_lengths=lengths(train_rows, data, tokenizer),
        model=model,
        args=arguments,
        train_dataset=make_dataset(train_rows, data, tokenizer, rng, vary=True),
        eval_dataset=make_dataset(validation_rows, data, tokenizer, rng, vary=False),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            r=lora.r,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            target_modules=lora.target_modules,
            task_type="CAUSAL_LM",
        ),
        callbacks=callbacks,
    )


def run_sft(
    config: Config, lora: LoraSpec, sft: SftSpec, run: Path, rows: tuple[list[Row], list[Row]], device: str
) -> dict[str, float]:
    """Fine-tune, keep the checkpoint with the lowest evaluation loss in `run/adapter`.

    Args:
        rows: to teach, and to choose the checkpoint by.

    Continues from the last checkpoint in `run/checkpoints` where there is one.

    Returns:
        The last training figures and the best evaluation loss (nats a token of the answer).
    """
    if config.report_to == "mlflow":
        os.environ.setdefault("MLFLOW_TRACKING_URI", (run.parent / "mlruns").as_uri())
    train_rows, validation_rows = rows
    trainer = make_trainer(
        config.data,
        lora,
        load_trainable(config, sft.precision, device),
        rows,
        training_arguments(config, sft, run, device, len(train_rows)),
        callbacks=[
            EarlyStoppingCallback(early_stopping_patience=sft.early_stopping_patience),
            MetricsLog(run / "metrics.jsonl"),
        ],
    )
    checkpoints = sorted((run / "checkpoints").glob("checkpoint-*"))
    result = trainer.train(resume_from_checkpoint=bool(checkpoints))
    trainer.save_model(str(run / "adapter"))
    return {
        "train_loss": result.training_loss,
        "eval_loss": float(trainer.state.best_metric or math.nan),
        "steps": trainer.state.global_step,
        "epochs": float(trainer.state.epoch or 0),
        "train_rows": len(train_rows),
        "validation_rows": len(validation_rows),
    }
