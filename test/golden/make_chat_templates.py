"""Writes what transformers makes of conversations by the templates in chat-templates/, with the characters that the
assistant says by {% generation %} tags, into chat-templates/expected.json.

Usage: python make_chat_templates.py        Needs: transformers 5.23, jinja2.

The templates were written for this test. They use what those of well-known models use: namespaces, loops with
conditions, white space control, defaults, filters, methods of strings, and tests.
"""
import json
import pathlib

from transformers.utils.chat_template_utils import render_jinja_template

folder = pathlib.Path(__file__).parent / "chat-templates"
cases = json.loads((folder / "conversations.json").read_text(encoding="utf-8"))
expected = {}
for path in sorted(folder.glob("*.jinja")):
    template = path.read_text(encoding="utf-8")
    found = []
    for messages in cases:
        rendered = {}
        for prompt in [False, True]:
            given = messages[:-1] if prompt else messages
            texts, parts = render_jinja_template(
                conversations=[given],
                chat_template=template,
                add_generation_prompt=prompt,
                return_assistant_tokens_mask="generation %}" in template or "generation -%}" in template,
                bos_token="<s>",
                eos_token="</s>",
            )
            rendered["prompt" if prompt else "text"] = texts[0]
            if not prompt and parts:
                rendered["parts"] = parts[0]
        found.append(rendered)
    expected[path.stem] = found
(folder / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
