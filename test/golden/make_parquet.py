"""Parquet files as pyarrow and datasets write them, and what is in them: writes parquet/ and parquet.json.

Usage: python make_parquet.py parquet parquet.json

A file for each codec and page format, with dictionaries, nulls, nested lists and structs, long strings, several row
groups; one with the features of datasets, whose labels have names. The json has each file's cells as texts: what is no
text as JSON, times in ISO 8601, null where there is nothing.
"""
import datetime, decimal, json, pathlib, sys
import pyarrow as pa, pyarrow.parquet as pq
from datasets import ClassLabel, Dataset, Features, List, Value

folder, target = map(pathlib.Path, sys.argv[1:])
ROWS = 20

def cell(value):
    if value is None: return None
    if isinstance(value, bool): return "true" if value else "false"
    if isinstance(value, str): return value
    if isinstance(value, bytes): return value.decode()
    if isinstance(value, datetime.datetime): return value.isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, datetime.date): return value.isoformat()
    if isinstance(value, (list, dict)): return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    number = float(value)
    return str(int(number)) if number.is_integer() else str(number)

table = pa.table({
    "text": pa.array([f"row {i}: naïve – 日本 🎉" * (1 + i % 3) for i in range(ROWS)]),
    "label": pa.array([["good", "bad", "so-so"][i % 3] for i in range(ROWS)]).dictionary_encode(),
    "large": pa.array([f"large {i}" for i in range(ROWS)], pa.large_string()),
    "maybe": pa.array([None if i % 4 == 0 else f"there {i}" for i in range(ROWS)]),
    "nothing": pa.array([None] * ROWS, pa.string()),
    "count": pa.array([i - 5 for i in range(ROWS)], pa.int64()),
    "small": pa.array([None if i % 5 == 0 else i for i in range(ROWS)], pa.int8()),
    "huge": pa.array([2**53 + i for i in range(ROWS)], pa.uint64()).cast(pa.int64()),
    "score": pa.array([i / 8 for i in range(ROWS)], pa.float32()),
    "exact": pa.array([decimal.Decimal(i) / 4 for i in range(ROWS)], pa.decimal128(10, 2)),
    "is_even": pa.array([i % 2 == 0 for i in range(ROWS)]),
    "day": pa.array([datetime.date(2024, 1, 1 + i) for i in range(ROWS)]),
    "time": pa.array([datetime.datetime(2024, 2, 3, 4, 5, i, 678000) for i in range(ROWS)], pa.timestamp("us")),
    "words": pa.array([None if i == 3 else [f"w{k}" for k in range(i % 4)] for i in range(ROWS)]),
    "nested": pa.array([[[1, 2], [], [i]] if i % 2 else None for i in range(ROWS)], pa.list_(pa.list_(pa.int32()))),
    "answers": pa.array([{"text": [f"a{i}"], "start": [i, 7]} for i in range(ROWS)]),
    "plain_bytes": pa.array([f"bytes {i}".encode() for i in range(ROWS)], pa.binary()),
})
expected = {name: [cell(value) for value in table[name].to_pylist()] for name in table.column_names}
expected["huge"] = [str(2**53 + i) for i in range(ROWS)]

files = {}
def write(name, **options):
    pq.write_table(table, folder / f"{name}.parquet", **options)
    files[name] = expected

folder.mkdir(exist_ok=True)
write("snappy", compression="snappy", row_group_size=7)
write("zstd-pages-v2", compression="zstd", data_page_version="2.0")
write("gzip-without-dictionaries", compression="gzip", use_dictionary=False)
write("brotli-and-lz4", compression={name: "brotli" if i % 2 else "lz4" for i, name in enumerate(
    ["text", "label", "large", "maybe"])} | {"words.list.element": "lz4"})
write("deltas", compression="none", use_dictionary=False, column_encoding={
    "count": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY", "large": "DELTA_LENGTH_BYTE_ARRAY",
    "score": "BYTE_STREAM_SPLIT"})

names = ClassLabel(names=["O", "B-PER", "I-PER"])
features = Features({
    "sentence": Value("string"), "label": ClassLabel(names=["neg", "pos"]),
    "tokens": List(Value("string")), "ner_tags": List(names),
})
rows = {
    "sentence": ["fine", "bad", "unknown"], "label": [1, 0, -1],
    "tokens": [["Ada", "Byron", "wrote"], ["so"], []], "ner_tags": [[1, 2, 0], [0], []],
}
Dataset.from_dict(rows, features=features).to_parquet(folder / "features.parquet")
files["features"] = {
    "sentence": rows["sentence"], "label": ["pos", "neg", None],
    "tokens": [cell(tokens) for tokens in rows["tokens"]],
    "ner_tags": [cell([names.int2str(tag) for tag in tags]) for tags in rows["ner_tags"]],
}
target.write_text(json.dumps({"pyarrow": pa.__version__, "files": files}, ensure_ascii=False) + "\n")
