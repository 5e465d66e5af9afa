"""Quantization keeps the metadata and the values, as near as its bits allow."""

from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter
from gguf.quants import dequantize, quantize

from domain_training.export import Floats, quantize_gguf, quantize_matrix, sha256
from domain_training.parity import agreement


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "f16.gguf"
    rng = np.random.default_rng(1)
    writer = GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(64)
    writer.add_token_list(["a", "b", "é"])
    writer.add_token_scores([0.5, -1.0, 2.0])
    writer.add_tensor("token_embd.weight", rng.normal(size=(8, 64)).astype(np.float16))
    writer.add_tensor("blk.0.attn_q.weight", rng.normal(size=(32, 64)).astype(np.float16))
    writer.add_tensor("output_norm.weight", rng.normal(size=64).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_matrices_are_quantized_and_vectors_are_not(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "q.gguf"
    quantize_gguf(source, out, "Q4_0", "Q8_0")
    kinds = {tensor.name: tensor.tensor_type for tensor in GGUFReader(out).tensors}
    assert kinds == {
        "token_embd.weight": GGMLQuantizationType.Q8_0,
        "blk.0.attn_q.weight": GGMLQuantizationType.Q4_0,
        "output_norm.weight": GGMLQuantizationType.F32,
    }


def test_metadata_is_kept(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "q.gguf"
    quantize_gguf(source, out, "Q8_0", "Q8_0")
    fields = GGUFReader(out).fields
    assert fields["general.name"].contents() == "tiny"
    assert fields["llama.context_length"].contents() == 64
    assert fields["tokenizer.ggml.tokens"].contents() == ["a", "b", "é"]
    assert fields["tokenizer.ggml.scores"].contents() == pytest.approx([0.5, -1.0, 2.0])


def test_values_survive_within_a_step_of_the_scale(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "q.gguf"
    quantize_gguf(source, out, "Q8_0", "Q8_0")
    before = {t.name: dequantize(t.data, t.tensor_type) for t in GGUFReader(source).tensors}
    after = {t.name: dequantize(t.data, t.tensor_type) for t in GGUFReader(out).tensors}
    for name, values in before.items():
        assert np.abs(values - after[name]).max() < 0.03, name


def test_the_quantizer_is_the_reference_where_nothing_matters_more() -> None:
    values = np.random.default_rng(2).normal(size=(16, 64)).astype(np.float32)
    for kind in (GGMLQuantizationType.Q4_0, GGMLQuantizationType.Q8_0):
        assert np.array_equal(quantize_matrix(values, kind, None), quantize(values, kind))


def test_columns_that_matter_are_spared() -> None:
    values = np.random.default_rng(3).normal(size=(64, 64)).astype(np.float32)
    importance = np.ones(64, dtype=np.float32)
    importance[:8] = 100

    def error(weights: Floats | None) -> float:
        kind = GGMLQuantizationType.Q4_0
        after = dequantize(quantize_matrix(values, kind, weights), kind)
        return float((importance * np.square(values - after)).mean())

    assert error(importance) < 0.8 * error(None)


def test_an_importance_of_another_width_is_refused() -> None:
    values = np.zeros((2, 64), dtype=np.float32)
    with pytest.raises(ValueError, match="32 columns"):
        quantize_matrix(values, GGMLQuantizationType.Q4_0, np.ones(32, dtype=np.float32))


def test_sha256_is_the_digest_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256(tmp_path / "x").startswith("ba7816bf")


def test_agreement_counts_up_to_the_first_difference() -> None:
    assert agreement([[1, 2, 3, 4]], [[1, 2, 9, 4]]) == 0.5
    assert agreement([[1, 2], [3]], [[1, 2], [3]]) == 1
    assert agreement([], []) == 0
