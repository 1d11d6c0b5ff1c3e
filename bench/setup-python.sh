#!/bin/sh
# Makes bench/.venv with the Python peers that the scripts here measure beside. Needs python3 and pip.
set -eu
cd "$(dirname "$0")"
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/pip install --quiet torch==2.13.0 transformers accelerate scikit-learn dvc
.venv/bin/python -c 'import torch, transformers; print("torch", torch.__version__, "transformers", transformers.__version__)'
