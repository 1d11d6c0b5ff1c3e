"""The example's work with Hugging Face Trainer in float32, for trainer.ts beside this file.

Reads settings as JSON on stdin: rows that are split already, then a WordPiece tokenizer is learnt, texts
are tokenized, a BERT with random weights is trained, evaluated and saved. Prints its results as JSON.
"""
import dataclasses, json, os, resource, sys, time

settings = json.load(sys.stdin)
os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = str(settings["threads"])

import numpy, torch
from sklearn.metrics import accuracy_score, f1_score
from tokenizers import BertWordPieceTokenizer
from tokenizers.processors import BertProcessing
from transformers import BertConfig, BertForSequenceClassification, DataCollatorWithPadding
from transformers import PreTrainedTokenizerFast, Trainer, TrainingArguments, set_seed

torch.set_num_threads(settings["threads"])
arguments = settings["arguments"]
set_seed(arguments["seed"])


def rows_of(split):
    with open(os.path.join(settings["splits"], split, "rows.jsonl"), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def learn_tokenizer(texts):
    learner = BertWordPieceTokenizer(
        lowercase=settings["tokenizer"]["lowercase"], strip_accents=settings["tokenizer"]["strip_accents"])
    learner.train_from_iterator(
        texts, show_progress=False,
        vocab_size=settings["tokenizer"]["vocab_size"], min_frequency=settings["tokenizer"]["min_frequency"])
    tokenizer = learner._tokenizer
    tokenizer.post_processor = BertProcessing(
        ("[SEP]", tokenizer.token_to_id("[SEP]")), ("[CLS]", tokenizer.token_to_id("[CLS]")))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=settings["max_length"], unk_token="[UNK]",
        pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")


def encode(rows):
    ids = tokenizer([row["text"] for row in rows], truncation=True)["input_ids"]
    return [{"input_ids": each, "labels": labels.index(row["label"])} for each, row in zip(ids, rows)]


def measure(prediction):
    predicted = numpy.argmax(prediction.predictions, axis=-1)
    present = sorted({*prediction.label_ids.tolist(), *predicted.tolist()})
    return {
        "accuracy": accuracy_score(prediction.label_ids, predicted),
        "macro_f1": f1_score(prediction.label_ids, predicted, labels=present, average="macro"),
    }


def training_arguments():
    """Arguments by their names; what this version calls otherwise is said in its words."""
    known = {field.name for field in dataclasses.fields(TrainingArguments)}
    given = {name: value for name, value in arguments.items() if name in known and value is not None}
    if arguments["group_by_length"] and "group_by_length" not in known:
        given["train_sampling_strategy"] = "group_by_length"
    keep = {"save_strategy": given["eval_strategy"], "save_only_model": True, "save_total_limit": 1}
    saving = keep if given.get("load_best_model_at_end") else {"save_strategy": "no"}
    return TrainingArguments(
        output_dir=os.path.join(settings["out"], "checkpoints"), use_cpu=True, report_to="none",
        disable_tqdm=True, dataloader_pin_memory=False, **saving, **given)


splits = {name: rows_of(name) for name in ("train", "validation", "test")}
labels = sorted({row["label"] for row in splits["train"]})
tokenizer = learn_tokenizer(row["text"] for row in splits["train"])
encoded = {name: encode(rows) for name, rows in splits.items()}
model = BertForSequenceClassification(BertConfig(
    **settings["config"], vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id,
    id2label=dict(enumerate(labels)), label2id={label: id for id, label in enumerate(labels)}))
trainer = Trainer(
    model, training_arguments(), data_collator=DataCollatorWithPadding(tokenizer),
    train_dataset=encoded["train"], eval_dataset=encoded["validation"], compute_metrics=measure)
began = time.perf_counter()
trainer.train()
trained = time.perf_counter() - began
results = {name: trainer.evaluate(encoded[name]) for name in ("validation", "test")}
trainer.save_model(os.path.join(settings["out"], "model"))
tokenizer.save_pretrained(os.path.join(settings["out"], "model"))
print(json.dumps({
    "torch": torch.__version__,
    "train_seconds": trained,
    "steps": trainer.state.global_step,
    "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    **{name: {key: found[f"eval_{key}"] for key in ("loss", "accuracy", "macro_f1")} for name, found in results.items()},
}))
