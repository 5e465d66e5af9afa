"""What several tests start from: the served tokenizer, and a small model with random weights that takes its tokens."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from domain_training.bases import load_gguf
from domain_training.paths import MODELS


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerBase:
    _, tokenizer = load_gguf(MODELS / "v2" / "model.gguf", torch.float32)
    return tokenizer


@pytest.fixture(scope="session")
def model(tokenizer: PreTrainedTokenizerBase) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        attn_implementation="eager",
    )
    return LlamaForCausalLM(config).eval()
