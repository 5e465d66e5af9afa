"""Where things stand in the repository."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TRAINING = ROOT / "training"
CONFIGS = TRAINING / "configs"
RUNS = TRAINING / "runs"
CACHE = TRAINING / ".cache"
MODELS = ROOT / "models"
DATA = ROOT / "data"
