"""What quantization should spare: how strongly each input column of each matrix is used on real prompts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from gguf import MODEL_ARCH, get_tensor_name_map
from gguf.tensor_mapping import TensorNameMap
from transformers import AutoModelForCausalLM, AutoTokenizer, PretrainedConfig

from domain_training.data import Row, with_hints
from domain_training.export import Floats

#: What llama.cpp calls the architectures of the bases in training/configs, by what transformers calls them.
ARCHITECTURES = {"llama": MODEL_ARCH.LLAMA, "mistral": MODEL_ARCH.LLAMA}
#: The matrix that embeds tokens and, tied, projects onto them.
TIED_EMBEDDINGS = "token_embd.weight"
SUFFIXES = (".weight",)


def tensor_names(config: PretrainedConfig) -> TensorNameMap:
    """What llama.cpp calls the parameters of a model.

    Raises:
        KeyError: an architecture whose matrices llama.cpp may name otherwise; add it to ARCHITECTURES.
    """
    return get_tensor_name_map(ARCHITECTURES[config.model_type], config.num_hidden_layers)


def column_importance(folder: Path, rows: list[Row], hints: int, max_length: int) -> dict[str, Floats]:
    """Mean squared input of each column of each matrix over prompts and answers, by GGUF tensor name.

    Tied embeddings are weighed by what they project.

    Args:
        folder: a merged model as transformers saves it.
        rows: what to run it on, each with its first `hints` hints.

    Raises:
        KeyError: llama.cpp may name the architecture's matrices otherwise.
    """
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    names = tensor_names(model.config)
    sums: dict[str, torch.Tensor] = {}
    tokens = 0

    def watch(module: torch.nn.Module, name: str) -> None:
        def add(_module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            squares = inputs[0].square().flatten(0, -2).sum(0)
            sums[name] = sums[name] + squares if name in sums else squares

        module.register_forward_pre_hook(add)

    for path, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            name = names.get_name(f"{path}.weight", try_suffixes=SUFFIXES)
            is_tied = path == "lm_head" and model.config.tie_word_embeddings
            watch(module, TIED_EMBEDDINGS if is_tied else name)
    with torch.no_grad():
        for row in rows:
            text = with_hints(row.prompt, row.hints[:hints]) + "".join(f"{name}\n" for name in row.names)
            ids = tokenizer(text, return_tensors="pt", truncation=True, max_length=max_length)["input_ids"]
            model(input_ids=ids)
            tokens += ids.shape[1]
    return {name: (total / tokens).numpy().astype(np.float32) for name, total in sums.items()}
