"""Fold a LoRA adapter into its base."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import PeftModel

from domain_training.bases import load_base
from domain_training.config import BaseSpec


def merge(base: BaseSpec, adapter: Path, out: Path) -> None:
    """Write base + adapter as a plain model, in half precision, with its tokenizer."""
    model, tokenizer = load_base(base, torch.float32)
    merged = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    merged.to(torch.float16).save_pretrained(out)
    tokenizer.save_pretrained(out)
