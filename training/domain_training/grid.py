"""Teach a model that is served already, on the very grid that its GGUF stores it on.

A Q4_0 file keeps each block of 32 weights as sixteen multiples of a scale. The scales stay as they are, so the lesson
starts from exactly what is served, and what it leaves is written into a copy of the file, block by block: nothing is
quantized again. Gradients pass the rounding by: the forward and backward pass see rounded weights, the optimizer moves
those behind them (straight-through estimator: Bengio et al., "Estimating or Propagating Gradients Through Stochastic
Neurons", 2013; quantization-aware training: Jacob et al., CVPR 2018). The weights behind start at random places within
their steps; from the middle of each, small changes would move nothing for a long time.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader
from numpy.typing import NDArray
from transformers import PretrainedConfig, PreTrainedModel

from domain_training.importance import SUFFIXES, tensor_names

Bytes = NDArray[np.uint8]

#: Q4_0: blocks of 32 weights along a row share one scale, and each weight is one of 16 multiples of it. The bytes of a
#: block are a half-precision scale, then two weights a byte, the first sixteen in the lower halves.
BLOCK, BLOCK_BYTES = GGML_QUANT_SIZES[GGMLQuantizationType.Q4_0]
SCALE_BYTES = 2
LOWEST, LEVELS = -8, 16
#: Share of a step over which the weights behind are strewn.
STREWN = 0.9


def parameter_names(model: PreTrainedModel) -> dict[str, str]:
    """What transformers calls each tensor of a model's GGUF.

    Raises:
        KeyError: llama.cpp may name the architecture's tensors otherwise.
    """
    names = tensor_names(model.config)
    return {names.get_name(name, try_suffixes=SUFFIXES): name for name, _ in model.named_parameters()}


def heads_of(tensor: str, config: PretrainedConfig) -> int | None:
    """Number of heads whose rows llama.cpp keeps in another order than transformers; None where the order is one."""
    if ".attn_q." in tensor:
        return int(config.num_attention_heads)
    return int(config.num_key_value_heads) if ".attn_k." in tensor else None


def to_transformers(rows: NDArray[np.float32], heads: int | None) -> NDArray[np.float32]:
    """Rows in the order of transformers: halves of a head after one another instead of in turn."""
    if heads is None:
        return rows
    return rows.reshape(heads, -1, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def to_llama_cpp(rows: NDArray[np.float32], heads: int | None) -> NDArray[np.float32]:
    """Undoes `to_transformers`."""
    if heads is None:
        return rows
    return rows.reshape(heads, 2, -1, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def blocks_of(data: Bytes) -> Bytes:
    """A copy of a Q4_0 matrix, a block a row."""
    return np.array(data).reshape(-1, BLOCK_BYTES)


def read_scales(gguf: Path, model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """Scales of a file's Q4_0 matrices by parameter of the model in it: (rows, blocks of a row), in 32 bits."""
    scales, names = {}, parameter_names(model)
    for tensor in GGUFReader(gguf).tensors:
        if tensor.tensor_type != GGMLQuantizationType.Q4_0:
            continue
        rows = int(tensor.shape[1])
        found = blocks_of(tensor.data)[:, :SCALE_BYTES].copy().view(np.float16).astype(np.float32).reshape(rows, -1)
        ordered = to_transformers(found, heads_of(tensor.name, model.config))
        scales[names[tensor.name]] = torch.from_numpy(np.ascontiguousarray(ordered))
    return scales


def steps(weights: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """The multiple of its block's scale that each weight is nearest to, -8 to 7: (rows, blocks, 32)."""
    blocks = weights.reshape(*scales.shape, BLOCK)
    scale = scales[..., None]
    return (blocks / torch.where(scale == 0, 1, scale)).round_().clamp_(LOWEST, LOWEST + LEVELS - 1)


def rounded(weights: torch.Tensor, scales: torch.Tensor | None) -> torch.Tensor:
    """Weights on the grid; as they are where they have no scales."""
    return weights if scales is None else (steps(weights, scales) * scales[..., None]).reshape(weights.shape)


class GridWeights:
    """Masters in 32 bits behind a model's weights, which hold them rounded to the grid of a file."""

    def __init__(self, model: PreTrainedModel, loaded: PreTrainedModel, gguf: Path, seed: int) -> None:
        """Masters behind `model`, whatever it holds and in whatever precision, of what was `loaded` from `gguf`."""
        chance = torch.Generator().manual_seed(seed)
        named, read = dict(model.named_parameters()), dict(loaded.named_parameters())
        scales = read_scales(gguf, model)
        self._weights = list(named.values())
        self._scales = [scales.get(name) for name in named]
        self.masters = []
        for name, scale in zip(named, self._scales, strict=True):
            master = read[name].detach().float().clone()
            if scale is not None:
                places = torch.rand((*scale.shape, BLOCK), generator=chance) - 0.5
                start = (steps(master, scale) + STREWN * places) * scale[..., None]
                master = start.reshape(master.shape)
            self.masters.append(torch.nn.Parameter(master))
        self.refresh()

    @torch.no_grad()
    def refresh(self) -> None:
        """Round the masters into the model."""
        for weight, master, scale in zip(self._weights, self.masters, self._scales, strict=True):
            weight.copy_(rounded(master, scale))

    @torch.no_grad()
    def take_gradients(self) -> None:
        """Hand the gradients of the rounded weights to the masters, and clear them."""
        for weight, master in zip(self._weights, self.masters, strict=True):
            if weight.grad is None:
                continue
            master.grad = weight.grad.float() if master.grad is None else master.grad.add_(weight.grad)
            weight.grad = None

    def rounded_model(self, model: PreTrainedModel) -> PreTrainedModel:
        """The model, from now on in 32 bits, for a checkpoint in which no bit of the grid is lost."""
        whole = model.float()
        self.refresh()
        return whole


@torch.no_grad()
def write_on_grid(model: PreTrainedModel, source: Path, out: Path) -> None:
    """Write a copy of `source` with a model's weights on its grid, metadata and scales as they are.

    Raises:
        ValueError: the file has other tensors than Q4_0 matrices and vectors in 32 bits.
    """
    names, masters = parameter_names(model), dict(model.named_parameters())
    scales = read_scales(source, model)
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, out)
    for tensor in GGUFReader(out, "r+").tensors:
        name = names[tensor.name]
        master = masters[name].detach()
        if name not in scales:
            if tensor.tensor_type != GGMLQuantizationType.F32:
                kind = tensor.tensor_type.name
                raise ValueError(f"{tensor.name} is {kind}; only Q4_0 matrices and F32 vectors are taught")
            tensor.data[...] = master.float().numpy().reshape(tensor.data.shape)
            continue
        rows = steps(master.float(), scales[name]).reshape(master.shape).numpy()
        ordered = np.ascontiguousarray(to_llama_cpp(rows, heads_of(tensor.name, model.config)))
        halves = (ordered - LOWEST).astype(np.uint8).reshape(-1, 2, BLOCK // 2)
        blocks = blocks_of(tensor.data)
        blocks[:, SCALE_BYTES:] = halves[:, 0] | (halves[:, 1] << 4)
        tensor.data[...] = blocks.reshape(tensor.data.shape)
