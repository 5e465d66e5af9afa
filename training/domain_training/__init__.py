"""The workshop that makes the served model: data, fine-tune, merge, GGUF, card."""
