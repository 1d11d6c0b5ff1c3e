"""Classify the lines of stdin with Python transformers; prints one JSON object.

Usage: python classify.py FOLDER < texts

Output: versions, what loading complained of, labels in the order of their ids, ids of each text, and its logits.
"""
import json, sys
import torch, transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer

folder = sys.argv[1]
texts = [line.rstrip("\n") for line in sys.stdin]
tokenizer = AutoTokenizer.from_pretrained(folder)
model, loading = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
model.eval()
batch = tokenizer(texts, padding=True, truncation=True, max_length=model.config.max_position_embeddings,
                  return_tensors="pt")
with torch.no_grad():
    logits = model(**batch).logits
print(json.dumps({
    "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    "loading": {name: sorted(map(str, keys)) for name, keys in loading.items() if keys},
    "labels": [model.config.id2label[i] for i in range(model.config.num_labels)],
    "ids": [[i for i, m in zip(ids, mask) if m] for ids, mask in
            zip(batch["input_ids"].tolist(), batch["attention_mask"].tolist())],
    "logits": logits.tolist(),
}))
