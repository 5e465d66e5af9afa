"""Every matrix that is quantized gets the weight of its columns, by the name it has in the GGUF."""

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from domain_training.data import Row
from domain_training.importance import column_importance

WIDTH, INNER = 32, 64
ROWS = [Row("Business: a bakery\nBrand names:\n", ["dough", "rye"], ["doughdock", "ryeroad"])]


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    characters = {chr(code): code for code in range(32, 127)} | {"\n": 10, "</s>": 0}
    inner = Tokenizer(WordLevel(characters, unk_token="</s>"))
    inner.pre_tokenizer = Split("", "isolated")
    PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", pad_token="</s>").save_pretrained(tmp_path)
    config = LlamaConfig(
        vocab_size=128,
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    return tmp_path


def test_each_matrix_has_an_importance_of_its_width(model_folder: Path) -> None:
    importance = column_importance(model_folder, ROWS, 5, 200)
    parts = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
    assert set(importance) == {"token_embd.weight"} | {f"blk.{n}.{part}.weight" for n in (0, 1) for part in parts}
    for name, columns in importance.items():
        assert columns.shape == ((INNER,) if "ffn_down" in name else (WIDTH,)), name
        assert np.isfinite(columns).all()
        assert (columns >= 0).all()
        assert columns.max() > 0


def test_what_is_projected_is_normed_so_its_mean_square_is_one(model_folder: Path) -> None:
    importance = column_importance(model_folder, ROWS, 5, 200)
    for name in ("token_embd.weight", "blk.0.attn_q.weight", "blk.1.ffn_up.weight"):
        assert abs(importance[name].mean() - 1) < 0.02, name
