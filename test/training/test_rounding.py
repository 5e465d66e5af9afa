"""Weights rounded in training are the weights that llama.cpp reads back."""

import numpy as np
import torch
from gguf import GGMLQuantizationType
from gguf.quants import dequantize
from transformers import LlamaConfig, LlamaForCausalLM

from domain_training.export import quantize_matrix
from domain_training.rounding import RoundedWeights, round_q4_0


def test_rounding_is_llama_cpps() -> None:
    values = np.random.default_rng(0).normal(size=(48, 96)).astype(np.float32)
    values[3] = 0
    packed = quantize_matrix(values, GGMLQuantizationType.Q4_0, None)
    expected = dequantize(packed, GGMLQuantizationType.Q4_0)
    np.testing.assert_array_equal(round_q4_0(torch.from_numpy(values)).numpy(), expected)


def test_rounding_what_is_rounded_changes_nothing_even_in_half_precision() -> None:
    rounded = round_q4_0(torch.randn(32, 64, generator=torch.Generator().manual_seed(1)))
    packed = quantize_matrix(rounded.half().float().numpy(), GGMLQuantizationType.Q4_0, None)
    again = dequantize(packed, GGMLQuantizationType.Q4_0)
    np.testing.assert_allclose(again, rounded.numpy(), rtol=2e-3)


def test_gradients_of_rounded_weights_move_the_weights_behind_them() -> None:
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    weights = RoundedWeights(model)
    matrix = model.model.layers[0].mlp.up_proj.weight
    torch.testing.assert_close(matrix.detach(), round_q4_0(matrix))
    optimizer = torch.optim.SGD(weights.masters, lr=0.5)
    ids = torch.tensor([[1, 2, 3, 4, 5]])
    before = float(model(input_ids=ids, labels=ids).loss)
    for _ in range(20):
        model(input_ids=ids, labels=ids).loss.backward()
        weights.take_gradients()
        optimizer.step()
        optimizer.zero_grad()
        weights.refresh()
    assert float(model(input_ids=ids, labels=ids).loss) < before / 2
    torch.testing.assert_close(matrix.detach(), round_q4_0(matrix), rtol=1e-3, atol=1e-4)
