"""Let a saved model write in Python transformers; prints one JSON object.

Usage: python write.py FOLDER CLASS < PROMPTS     one prompt a line; CLASS is AutoModelForCausalLM or another

Output: the class, what loading complained of, and for each prompt the ids it becomes and those that greedy search and
four beams write, as generation_config.json says where they begin and end.
"""
import json, sys
import torch, transformers as hf

folder, kind = sys.argv[1:]
torch.set_num_threads(1)
model, loading = getattr(hf, kind).from_pretrained(folder, output_loading_info=True)
tokenizer = hf.AutoTokenizer.from_pretrained(folder)
written = []
for line in sys.stdin:
    ids = torch.tensor([tokenizer(line.rstrip("\n"))["input_ids"]])
    write = lambda **more: model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False, **more)[0].tolist()
    written.append({"ids": ids[0].tolist(), "greedy": write(), "beams": write(num_beams=4)})
print(json.dumps({
    "class": type(model).__name__,
    "loading": {name: sorted(map(str, keys)) for name, keys in loading.items() if keys},
    "written": written,
}))
