"""Train weights as they will be served: rounded to llama.cpp's Q4_0 in every forward pass.

Quantization-aware training with a straight-through estimator (Bengio et al., "Estimating or Propagating Gradients
Through Stochastic Neurons", 2013; Jacob et al., CVPR 2018): the forward and backward pass see rounded weights, the
optimizer moves the weights behind them.
"""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

#: Q4_0: blocks of 32 weights along a row share one scale, and each weight is one of 16 multiples of it.
BLOCK = 32
LOWEST, LEVELS = -8, 16


def round_q4_0(weights: torch.Tensor) -> torch.Tensor:
    """What llama.cpp reads back after it has quantized a matrix to Q4_0 without an importance matrix, in 32 bits.

    Args:
        weights: rows x columns; the columns are a multiple of 32.
    """
    blocks = weights.detach().float().reshape(-1, BLOCK)
    extreme = blocks.gather(1, blocks.abs().argmax(dim=1, keepdim=True))
    scale = extreme / LOWEST
    inverse = torch.where(scale == 0, 0.0, 1 / scale)
    steps = torch.floor(blocks * inverse + (0.5 - LOWEST)).clamp_(0, LEVELS - 1).add_(LOWEST)
    return (steps * scale.half().float()).reshape(weights.shape)


class RoundedWeights:
    """Masters in 32 bits behind a model's weights, which hold them rounded.

    Matrices are rounded to Q4_0; vectors, which llama.cpp keeps in 32 bits, only to the model's own type.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._weights = list(model.parameters())
        self.masters = [torch.nn.Parameter(weight.detach().float().clone()) for weight in self._weights]
        self.refresh()

    @torch.no_grad()
    def refresh(self) -> None:
        """Round the masters into the model."""
        for weight, master in zip(self._weights, self.masters, strict=True):
            weight.copy_(round_q4_0(master) if master.ndim > 1 else master)

    @torch.no_grad()
    def take_gradients(self) -> None:
        """Hand the gradients of the rounded weights to the masters, and clear them."""
        for weight, master in zip(self._weights, self.masters, strict=True):
            if weight.grad is None:
                continue
            master.grad = weight.grad.float() if master.grad is None else master.grad.add_(weight.grad)
            weight.grad = None
