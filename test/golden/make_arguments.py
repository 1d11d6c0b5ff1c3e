"""Writes training-arguments.json beside this file: the fields of transformers' TrainingArguments and their defaults."""
import dataclasses, enum, json, pathlib
import transformers
from transformers import TrainingArguments


def default(field):
    value = field.default if field.default is not dataclasses.MISSING else field.default_factory()
    return value.value if isinstance(value, enum.Enum) else value


fields = {f.name: default(f) for f in dataclasses.fields(TrainingArguments)}
path = pathlib.Path(__file__).parent / "training-arguments.json"
path.write_text(json.dumps({"transformers": transformers.__version__, "fields": fields}, indent=1, default=str) + "\n")
