"""Writes events.json beside this file: an event file as TensorBoard's own writer writes it, in base64, and the log it is of.
With a path: prints the scalars that TensorBoard reads from that file or folder, as JSON.

pip install tensorboard && python test/golden/make_events.py [FILE]
"""
import base64, io, json, pathlib, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


def written(log):
    file = io.BytesIO()
    file.flush = lambda: None
    writer = RecordWriter(file)
    writer.write(Event(wall_time=0, file_version="brain.Event:2").SerializeToString())
    for entry in log:
        for name, value in entry.items():
            if name in ("step", "epoch"): continue
            tag = f"eval/{name[5:]}" if name.startswith("eval_") else f"train/{name}"
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            writer.write(Event(wall_time=entry["step"], step=entry["step"], summary=summary).SerializeToString())
    return file.getvalue()


def read(path):
    events = EventAccumulator(path, size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


if len(sys.argv) > 1:
    print(json.dumps(read(sys.argv[1])))
else:
    log = [{"epoch": 0.5, "grad_norm": 1.25, "learning_rate": 5e-5, "loss": 0.7, "step": 5},
           {"epoch": 1.0, "eval_accuracy": 0.0, "eval_loss": 0.6931, "step": 150},
           {"epoch": 9.0, "step": 70000, "train_loss": 0.3}]
    value = {"log": log, "bytes": base64.b64encode(written(log)).decode()}
    (pathlib.Path(__file__).parent / "events.json").write_text(json.dumps(value, indent=1) + "\n")
