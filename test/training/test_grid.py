"""A lesson on the grid of a GGUF starts from what is served and is written back without another rounding."""

from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from domain_training.bases import load_gguf
from domain_training.grid import (
    GridWeights,
    parameter_names,
    rounded,
    steps,
    to_llama_cpp,
    to_transformers,
    write_on_grid,
)
from domain_training.paths import MODELS

SERVED = MODELS / "v2" / "model.gguf"


@pytest.fixture(scope="module")
def loaded() -> LlamaForCausalLM:
    model, _ = load_gguf(SERVED, torch.float32)
    return model


@pytest.fixture
def weights(loaded: LlamaForCausalLM) -> tuple[LlamaForCausalLM, GridWeights]:
    model = AutoModelForCausalLM.from_config(loaded.config, dtype=torch.float32)
    return model, GridWeights(model, loaded, SERVED, seed=1)


def test_what_nothing_was_taught_to_is_the_same_file(
    loaded: LlamaForCausalLM, weights: tuple[LlamaForCausalLM, GridWeights], tmp_path: Path
) -> None:
    model, grid = weights
    for (name, weight), (_, read) in zip(model.named_parameters(), loaded.named_parameters(), strict=True):
        torch.testing.assert_close(weight, read, rtol=1e-6, atol=1e-7, msg=name)
    write_on_grid(grid.rounded_model(model), SERVED, tmp_path / "same.gguf")
    assert (tmp_path / "same.gguf").read_bytes() == SERVED.read_bytes()


def test_what_was_taught_is_what_is_read_back(weights: tuple[LlamaForCausalLM, GridWeights], tmp_path: Path) -> None:
    model, grid = weights
    chance = torch.Generator().manual_seed(2)
    for master in grid.masters:
        master.data += 0.02 * torch.randn(master.shape, generator=chance)
    taught = grid.rounded_model(model)
    write_on_grid(taught, SERVED, tmp_path / "taught.gguf")
    again, _ = load_gguf(tmp_path / "taught.gguf", torch.float32)
    for (name, weight), (_, read) in zip(taught.named_parameters(), again.named_parameters(), strict=True):
        torch.testing.assert_close(read, weight, rtol=1e-5, atol=1e-6, msg=name)
    before = {tensor.name: tensor for tensor in GGUFReader(SERVED).tensors}
    for tensor in GGUFReader(tmp_path / "taught.gguf").tensors:
        values = [dequantize(one.data, one.tensor_type) for one in (tensor, before[tensor.name])]
        assert not np.array_equal(*values), tensor.name


def test_gradients_move_the_weights_behind(weights: tuple[LlamaForCausalLM, GridWeights]) -> None:
    model, grid = weights
    ids = torch.tensor([[1, 2, 3, 4, 5, 6]])
    losses = []
    for _ in range(6):
        loss = model(input_ids=ids, labels=ids).loss
        losses.append(float(loss.detach()))
        torch.autograd.backward(loss)
        grid.take_gradients()
        with torch.no_grad():
            for master in grid.masters:
                master -= 0.002 * master.grad.sign()
                master.grad = None
        grid.refresh()
    assert losses[-1] < losses[0] - 1


def test_weights_round_to_the_nearest_of_sixteen_steps() -> None:
    scales = torch.tensor([[0.5], [0.0]])
    values = torch.zeros(2, 32)
    values[0, :4] = torch.tensor([0.3, -4.9, 9.0, 0.2])
    assert steps(values, scales)[0, 0, :4].tolist() == [1, -8, 7, 0]
    assert rounded(values, scales)[0, :4].tolist() == [0.5, -4.0, 3.5, 0.0]
    assert rounded(values, None) is values


def test_rows_of_heads_go_there_and_back() -> None:
    rows = np.arange(24, dtype=np.float32).reshape(12, 2)
    turned = to_transformers(rows, 3)
    assert turned[:4, 0].tolist() == [0, 4, 2, 6]
    np.testing.assert_array_equal(to_llama_cpp(turned, 3), rows)
    np.testing.assert_array_equal(to_llama_cpp(rows, None), rows)


def test_a_tensor_of_another_architecture_is_refused(loaded: LlamaForCausalLM) -> None:
    names = parameter_names(loaded)
    assert names["blk.3.ffn_up.weight"] == "model.layers.3.mlp.up_proj.weight"
    with pytest.raises(KeyError):
        names["output.weight"]
