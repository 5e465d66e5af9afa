"""Turn a merged model into a GGUF, and quantize it."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType
from gguf.quants import dequantize, quant_shape_to_byte_shape
from numpy.typing import NDArray

from domain_training.paths import CACHE, ROOT

Floats = NDArray[np.float32]

#: The file that says which llama.cpp release node-llama-cpp serves with.
RELEASE_INFO = ROOT / "node_modules" / "node-llama-cpp" / "llama" / "llama.cpp.info.json"
BUNDLE = ROOT / "node_modules" / "node-llama-cpp" / "llama" / "gitRelease.bundle"
BUILDS = ROOT / "node_modules" / "@node-llama-cpp"
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


@functools.cache
def quantizer() -> ctypes.CDLL:
    """The ggml library of the llama.cpp release that serves, as node-llama-cpp carries it built.

    Raises:
        FileNotFoundError: node_modules is not installed, or has no build for this machine.
    """
    for path in sorted(BUILDS.glob("*/bins/*/*ggml-base.*")):
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        library.ggml_quantize_chunk.restype = ctypes.c_size_t
        floats = ctypes.POINTER(ctypes.c_float)
        whole = ctypes.c_int64
        library.ggml_quantize_chunk.argtypes = [ctypes.c_int, floats, ctypes.c_void_p, whole, whole, whole, floats]
        return library
    raise FileNotFoundError(f"{BUILDS} has no ggml library that this machine can load; run npm ci first")


def quantize_matrix(values: Floats, kind: GGMLQuantizationType, importance: Floats | None) -> NDArray[np.uint8]:
    """Quantize a matrix as llama.cpp does.

    Args:
        values: rows x columns, in 32 bits.
        importance: mean squared input of each column; the rounding then keeps what is used most (llama.cpp's imatrix).
    """
    rows, columns = values.shape
    out = np.empty(quant_shape_to_byte_shape(values.shape, kind), dtype=np.uint8)
    pointer = ctypes.POINTER(ctypes.c_float)
    values = np.ascontiguousarray(values, dtype=np.float32)
    weights = None if importance is None else np.ascontiguousarray(importance, dtype=np.float32)
    if weights is not None and weights.shape != (columns,):
        raise ValueError(f"the importance has {weights.shape[0]} columns and the matrix {columns}")
    written = quantizer().ggml_quantize_chunk(
        int(kind),
        values.ctypes.data_as(pointer),
        out.ctypes.data_as(ctypes.c_void_p),
        0,
        rows,
        columns,
        None if weights is None else weights.ctypes.data_as(pointer),
    )
    if written != out.nbytes:
        raise RuntimeError(f"llama.cpp wrote {written} bytes of {kind.name} where {out.nbytes} were expected")
    return out


def quantize_gguf(
    source: Path, out: Path, quantization: str, embeddings: str, importance: Mapping[str, Floats] | None = None
) -> None:
    """Write a GGUF anew with its matrices quantized, its metadata kept and its vectors left in 32 bits.

    Args:
        importance: for every matrix by name, the mean squared input of each column.

    Raises:
        KeyError: there is an importance, and a matrix has none.
    """
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
            weights = importance[tensor.name] if importance else None
            writer.add_tensor(tensor.name, quantize_matrix(values, kind, weights), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
