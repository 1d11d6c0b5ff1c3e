"""Writes generation.json beside this file: tokens that transformers generates with the checkpoints of gpt2-generate,
llama-generate and t5-translate in float64, and the probabilities that its warpers leave. Needs torch and transformers."""
import json, pathlib
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM
from transformers.generation.logits_process import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

here = pathlib.Path(__file__).parent
PROMPT = [51, 52, 47, 46, 41]
SETTINGS = [
    {"repetition_penalty": 1.4}, {"repetition_penalty": 1.4, "eos_token_ids": [324, 7]}, {"num_beams": 4},
    {"num_beams": 3, "repetition_penalty": 1.3}, {"num_beams": 3, "repetition_penalty": 1.3, "length_penalty": 0.2, "ends": True},
    {"num_beams": 4, "repetition_penalty": 1.3, "length_penalty": 2.0, "ends": True}, {"num_beams": 2, "repetition_penalty": 1.5, "length_penalty": -1.0, "ends": True},
]
cases = []
for name in ("gpt2-generate", "llama-generate"):
    model = AutoModelForCausalLM.from_pretrained(here / name / "model", dtype=torch.float64).eval()
    for setting in SETTINGS:
        setting = dict(setting)
        ids = torch.tensor([PROMPT])
        run = lambda eos, **more: model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=14, pad_token_id=0, eos_token_id=eos, **more)[0].tolist()[len(PROMPT):]
        eos = setting.pop("eos_token_ids", [])
        if setting.pop("ends", False): eos = sorted(set(run(None, **setting)[4:8]))  # tokens that beams come upon
        cases.append({"model": name, "prompt": PROMPT, "options": {**setting, "eos_token_ids": eos, "max_new_tokens": 14}, "tokens": run(eos or None, **setting)})
model = AutoModelForSeq2SeqLM.from_pretrained(here / "t5-translate" / "model", dtype=torch.float64).eval()
for source in ([2, 46, 494, 118, 462, 3], [2, 468, 104, 210, 756, 153, 351, 508, 3], [7]):
    for setting in [{}, *SETTINGS]:
        setting = dict(setting)
        ids = torch.tensor([source])
        run = lambda eos, **more: model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=14, pad_token_id=0, eos_token_id=eos, **more)[0].tolist()[1:]
        eos = setting.pop("eos_token_ids", [3])
        if setting.pop("ends", False): eos = sorted(set(run([3], **setting)[4:8]))
        cases.append({"model": "t5-translate", "prompt": source, "options": {**setting, "eos_token_ids": eos, "max_new_tokens": 14}, "tokens": run(eos, **setting)})
torch.manual_seed(0)
logits = (3 * torch.randn(40)).float()
warped = []
for temperature, top_k, top_p in ((0.7, 0, 1.0), (1.0, 5, 1.0), (1.3, 0, 0.6), (0.9, 12, 0.8), (1.0, 0, 0.01)):
    warpers = LogitsProcessorList([TemperatureLogitsWarper(temperature)] + ([TopKLogitsWarper(top_k)] if top_k else []) + ([TopPLogitsWarper(top_p)] if top_p < 1 else []))
    probabilities = warpers(None, logits.double()[None])[0].softmax(-1)
    warped.append({"temperature": temperature, "top_k": top_k, "top_p": top_p, "probabilities": probabilities.tolist()})
(here / "generation.json").write_text(json.dumps({"cases": cases, "logits": logits.tolist(), "warped": warped}) + "\n")
