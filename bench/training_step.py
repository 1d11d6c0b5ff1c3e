"""Training steps of BERT in eager PyTorch, for bench/torch-steps.ts.

Reads the settings as one line of JSON, then for each line with a number runs that many steps on
random rows of full length and answers with their seconds as a JSON list.
"""
import json, sys, time
import torch
from torch import nn

try:
    from transformers import BertConfig, BertForSequenceClassification
except ImportError:
    BertConfig = None

s = json.loads(sys.stdin.readline())
torch.set_num_threads(s["threads"])
torch.manual_seed(0)
device = s["device"]
if device == "cuda" and not torch.cuda.is_available():
    sys.exit(0)


class Bert(nn.Module):
    """The same of PyTorch's own parts, for machines without transformers."""

    def __init__(self, vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size,
                 max_position_embeddings, hidden_dropout_prob, attention_probs_dropout_prob, num_labels):
        super().__init__()
        self.words = nn.Embedding(vocab_size, hidden_size)
        self.places = nn.Embedding(max_position_embeddings, hidden_size)
        self.LayerNorm = nn.LayerNorm(hidden_size)
        self.dropout = nn.Dropout(hidden_dropout_prob)
        layer = nn.TransformerEncoderLayer(hidden_size, num_attention_heads, intermediate_size, hidden_dropout_prob,
                                           "gelu", batch_first=True)
        self.layers = nn.TransformerEncoder(layer, num_hidden_layers)
        self.head = nn.Sequential(nn.Linear(hidden_size, hidden_size), nn.Tanh(), nn.Dropout(hidden_dropout_prob),
                                  nn.Linear(hidden_size, num_labels))

    def loss(self, ids, labels):
        places = torch.arange(ids.shape[1], device=ids.device)
        hidden = self.dropout(self.LayerNorm(self.words(ids) + self.places(places)))
        return nn.functional.cross_entropy(self.head(self.layers(hidden)[:, 0]), labels)


if BertConfig is None:
    model = Bert(**s["config"], num_labels=s["labels"])
    loss_of = model.loss
else:
    model = BertForSequenceClassification(BertConfig(**s["config"], num_labels=s["labels"]))
    loss_of = lambda ids, labels: model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels).loss
model.train().to(device)
decay = [p for n, p in model.named_parameters() if "bias" not in n and "LayerNorm" not in n]
rest = [p for n, p in model.named_parameters() if "bias" in n or "LayerNorm" in n]
optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}], lr=5e-5)
vocabulary = s["config"]["vocab_size"]
narrow = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(s["precision"])
scaler = torch.amp.GradScaler(device, enabled=s["precision"] == "fp16")


def step():
    ids = torch.randint(5, vocabulary, (s["rows"], s["length"]), device=device)
    labels = torch.randint(0, s["labels"], (s["rows"],), device=device)
    begin = time.perf_counter()
    optimizer.zero_grad()
    with torch.autocast(device, dtype=narrow, enabled=narrow is not None):
        loss = loss_of(ids, labels)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    loss.item()
    return time.perf_counter() - begin


print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    print(json.dumps([step() for _ in range(int(line))]), flush=True)
