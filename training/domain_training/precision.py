"""bfloat16 where the recipe asks for it and the device computes in it: twice as fast on CPUs with AVX-512 BF16."""

from __future__ import annotations

from typing import Literal

import torch

Precision = Literal["fp32", "bf16"]


def computes_bf16(precision: Precision, device: str) -> bool:
    """Whether a recipe's precision is bfloat16 and the device does not merely emulate it."""
    return precision == "bf16" and (device != "cpu" or torch.cpu._is_avx512_bf16_supported())


def autocast(precision: Precision, device: str) -> torch.autocast:
    """A context in which matrix products run in that precision; weights stay float32."""
    return torch.autocast(device, torch.bfloat16, enabled=computes_bf16(precision, device))
