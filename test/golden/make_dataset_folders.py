"""What datasets.load_dataset finds in folders of many layouts: writes dataset-folders.json.

Usage: python make_dataset_folders.py dataset-folders.json

Each layout has its files by path; a csv or jsonl file has one row, whose text is its path. `splits` are the texts of
each split as load_dataset gives them; `error` is the kind of its error where it gives none.
"""
import json, os, pathlib, sys, tempfile
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["HF_HOME"] = tempfile.mkdtemp()
import datasets
datasets.disable_progress_bars()

CONFIGS = "---\nconfigs:\n- config_name: %s\n  data_files:\n  - split: train\n    path: a/*.csv\n  - split: held_out\n    path: [b/*.csv, c.csv]\n---\n# Data\n"
layouts = {
    "one file": ["rows.csv"],
    "several files without a word for a split": ["b.csv", "a.csv", "deep/c.csv"],
    "file names": ["train.csv", "test.csv", "validation.csv"],
    "other words in file names": ["my_training-1.csv", "dev.csv", "x-eval.csv"],
    "a word inside another is none": ["trainer.csv", "latest.csv"],
    "words need a separator": ["train1.csv", "test 2.csv", "valid.part.csv"],
    "keyword at the end of a name without an extension's dot": ["a-train.csv", "b_test.csv"],
    "folders": ["train/a.csv", "train/b.csv", "test/c.csv"],
    "folders before files": ["train/test.csv", "other.csv"],
    "words in folders": ["my-train-data/a.csv", "validation_set/b.csv"],
    "shards": ["data/train-00000-of-00002.csv", "data/train-00001-of-00002.csv", "data/extra-00000-of-00001.csv"],
    "shards with a digest": ["data/test-00000-of-00001-0a1b2c.csv"],
    "shards outside of data": ["train-00000-of-00001.csv", "test-00000-of-00001.csv"],
    "only a test file": ["test.csv"],
    "hidden files and special folders": ["train.csv", ".hidden.csv", ".git/train.csv", "__cache__/test.csv"],
    "the most frequent format": ["train/a.csv", "train/b.csv", "test/c.csv", "test/d.csv", "test/e.jsonl"],
    "a card without configs": ["README.md", "train.csv"],
    "the card's configs": {"README.md": CONFIGS % "default", "a/1.csv": None, "a/2.csv": None, "b/3.csv": None, "c.csv": None, "test.csv": None},
    "one config of any name": {"README.md": CONFIGS % "first", "a/1.csv": None, "b/3.csv": None, "c.csv": None},
    "data_files without splits": {"README.md": "---\nconfigs:\n- config_name: default\n  data_files: '*.csv'\n---\n", "x.csv": None, "test.csv": None},
    "jsonl": ["train.jsonl", "test.jsonl"],
}
found = []
for name, files in layouts.items():
    files = files if isinstance(files, dict) else {path: None for path in files}
    with tempfile.TemporaryDirectory() as folder:
        for path, content in files.items():
            content = content or {".csv": f"text\n{path}\n", ".jsonl": json.dumps({"text": path}) + "\n"}.get(pathlib.Path(path).suffix, "# Data\n")
            files[path] = content
            at = pathlib.Path(folder, path)
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_text(content)
        try:
            splits = datasets.load_dataset(folder, cache_dir=tempfile.mkdtemp())
            result = {"splits": {split: rows["text"][:] for split, rows in splits.items()}}
        except Exception as error:
            result = {"error": type(error).__name__}
    found.append({"name": name, "files": files, **result})
pathlib.Path(sys.argv[1]).write_text(json.dumps({"datasets": datasets.__version__, "layouts": found}, indent=1) + "\n")
