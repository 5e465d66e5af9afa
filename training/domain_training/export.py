"""Turn a merged model into a GGUF, and quantize it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType
from gguf.quants import dequantize, quantize

from domain_training.paths import CACHE, ROOT

#: The file that says which llama.cpp release node-llama-cpp serves with.
RELEASE_INFO = ROOT / "node_modules" / "node-llama-cpp" / "llama" / "llama.cpp.info.json"
BUNDLE = ROOT / "node_modules" / "node-llama-cpp" / "llama" / "gitRelease.bundle"
EMBEDDING_TENSORS = ("token_embd.weight", "output.weight")
FILE_TYPES = {"Q4_0": LlamaFileType.MOSTLY_Q4_0, "Q8_0": LlamaFileType.MOSTLY_Q8_0, "F16": LlamaFileType.MOSTLY_F16}


def llama_cpp_release() -> str:
    """Tag of the llama.cpp release inside the installed node-llama-cpp."""
    return str(json.loads(RELEASE_INFO.read_text())["tag"])


def llama_cpp_source() -> Path:
    """The source of that release, cloned from the bundle that node-llama-cpp ships.

    Raises:
        FileNotFoundError: node_modules is not installed.
    """
    if not BUNDLE.exists():
        raise FileNotFoundError(f"{BUNDLE} is missing; run npm ci first")
    folder = CACHE / f"llama.cpp-{llama_cpp_release()}"
    if not (folder / "convert_hf_to_gguf.py").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "clone", "--quiet", str(BUNDLE), str(folder)], check=True, capture_output=True)
    return folder


def convert(model: Path, out: Path, outtype: str = "f16") -> None:
    """Convert a transformers folder to a GGUF with llama.cpp's own script.

    Raises:
        subprocess.CalledProcessError: the script does not know the model; its output says why.
    """
    source = llama_cpp_source()
    command = [sys.executable, "convert_hf_to_gguf.py", str(model.resolve()), "--outtype", outtype]
    command += ["--outfile", str(out.resolve())]
    environment = {"PYTHONPATH": str(source / "gguf-py"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        done.check_returncode()


def quantize_gguf(source: Path, out: Path, quantization: str, embeddings: str) -> None:
    """Write a GGUF anew with its matrices quantized, its metadata kept and its vectors left in 32 bits."""
    reader = GGUFReader(source)
    architecture = str(reader.fields["general.architecture"].contents())
    writer = GGUFWriter(out, architecture)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        item = field.types[-1] if kind == GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), kind, sub_type=item)
    writer.add_file_type(FILE_TYPES[quantization])
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type)
        if values.ndim < 2:
            writer.add_tensor(tensor.name, values.astype(np.float32))
            continue
        wanted = embeddings if tensor.name in EMBEDDING_TENSORS else quantization
        kind = GGMLQuantizationType[wanted]
        if kind == GGMLQuantizationType.F16:
            writer.add_tensor(tensor.name, values.astype(np.float16))
        else:
            writer.add_tensor(tensor.name, quantize(values.astype(np.float32), kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
