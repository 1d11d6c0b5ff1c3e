import { StageFailure } from "../../engine/diagnostic.ts";
import type { Message } from "../artifacts/dataset.ts";
import { CHAT_TEMPLATE_FILE, type TokenizerFiles } from "../artifacts/tokenizer.ts";
import type { MarkedText } from "./encode-written.ts";
import { type Rendered, TemplateRenderer } from "./template-renderer.ts";

/** Around what a template's {% generation %} holds, in characters that nobody uses. */
const [BEGIN, END] = ["\u{f0000}\u{f0001}", "\u{f0001}\u{f0000}"];

/** Templates may ask for the date, on which no result may depend: then there is none, as in older transformers. */
const WITHOUT_CLOCK = "{% set strftime_now = there_is_no_clock %}";

const NAMED_TOKENS = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"].map((n) => `${n}_token`);

/** Writes conversations out as a tokenizer's chat template says. https://huggingface.co/docs/transformers/chat_templating */
export class ChatTemplate {
  readonly #renderer: TemplateRenderer;
  readonly #constants: object;
  readonly #marks: boolean;

  /** A StageFailure where the tokenizer has no template. */
  constructor(files: TokenizerFiles) {
    const config = configOf(files);
    const source = files.get(CHAT_TEMPLATE_FILE);
    const template = source ? Buffer.from(source).toString() : templateIn(config);
    if (template === undefined) throw noTemplate();
    const marked = withMarks(template);
    this.#marks = marked !== template;
    this.#renderer = new TemplateRenderer(WITHOUT_CLOCK + marked);
    this.#constants = Object.fromEntries(
      NAMED_TOKENS.flatMap((name) => {
        const token = config[name] as { content?: unknown } | string | null | undefined;
        const content = typeof token === "object" ? token?.content : token;
        return typeof content === "string" ? [[name, content]] : [];
      }),
    );
  }

  /** Messages up to the place where the assistant is to answer. `name` is what messages call the conversation. */
  async prompt(messages: readonly Message[], name: string): Promise<string> {
    const [rendered] = await this.#renderer.render([
      this.#context(messages, { add_generation_prompt: true }),
    ]);
    return withoutMarks(textOf(rendered!, name)).text;
  }

  /**
   * A whole conversation, and what in it the assistant says: what the template's {% generation %} holds; without such
   * tags, what each of its messages adds to the conversation before it with the beginning of an answer. Where that
   * is no part of the whole, since the template writes earlier messages otherwise, nobody knows.
   */
  async write(messages: readonly Message[], name: string): Promise<MarkedText> {
    const answers = this.#marks ? [] : [...messages.keys()].filter((i) => isAnswer(messages[i]!));
    const [whole, ...pieces] = await this.#renderer.render([
      this.#context(messages),
      ...answers.flatMap((i) => [
        this.#context(messages.slice(0, i), { add_generation_prompt: true }),
        this.#context(messages.slice(0, i + 1)),
      ]),
    ]);
    const text = textOf(whole!, name);
    if (this.#marks) return withoutMarks(text);
    return { text, parts: partsOf(text, pieces) };
  }

  async close(): Promise<void> {
    await this.#renderer.close();
  }

  #context(messages: readonly Message[], more: object = { add_generation_prompt: false }): object {
    return { ...this.#constants, messages, ...more };
  }
}

function isAnswer({ role }: Message): boolean {
  return role === "assistant";
}

/** The parts between texts that come in pairs: a conversation before an answer, and with it. */
function partsOf(whole: string, pieces: readonly Rendered[]): MarkedText["parts"] {
  const parts: (readonly [number, number])[] = [];
  for (let i = 0; i < pieces.length; i += 2) {
    const [before, after] = [pieces[i]!, pieces[i + 1]!];
    if ("error" in before || "error" in after) return undefined;
    if (!whole.startsWith(after.text) || !after.text.startsWith(before.text)) return undefined;
    parts.push([before.text.length, after.text.length]);
  }
  return parts;
}

/** The template with its {% generation %} tags as marks, white space and line breaks around them treated as theirs. */
function withMarks(template: string): string {
  return template.replace(
    /\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}/g,
    (_, left: string, ends: string | undefined, right: string) =>
      ends
        ? `{%${left} endif %}${END}{% if true %}{% endif ${right}%}`
        : `{%${left} if true %}${BEGIN}{% endif %}{% if true ${right}%}`,
  );
}

function withoutMarks(marked: string): MarkedText {
  const parts: (readonly [number, number])[] = [];
  let text = "";
  for (const [i, piece] of marked.split(BEGIN).entries()) {
    const [own, ...others] = i === 0 ? ["", piece] : piece.split(END);
    if (others.length !== 1)
      return { text: marked.replaceAll(BEGIN, "").replaceAll(END, ""), parts: undefined };
    if (i > 0) parts.push([text.length, text.length + own!.length]);
    text += own! + others[0]!;
  }
  return { text, parts };
}

function textOf(rendered: Rendered, name: string): string {
  if ("text" in rendered) return rendered.text;
  throw new StageFailure({
    code: "chat-template-failed",
    message: `The chat template cannot write ${name}: ${rendered.error.slice(0, 300)}.`,
    hint: "look at what it asks of messages, such as which roles follow each other; a part of Jinja that it needs may be missing, too",
  });
}

function configOf(files: TokenizerFiles): Readonly<Record<string, unknown>> {
  const all = ["special_tokens_map.json", "tokenizer_config.json"].map((name) => {
    const bytes = files.get(name);
    return bytes ? JSON.parse(Buffer.from(bytes).toString()) : {};
  });
  return Object.assign({}, ...all);
}

/** A template, or the one called "default" of several. */
function templateIn({ chat_template }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof chat_template === "string") return chat_template;
  if (!Array.isArray(chat_template)) return undefined;
  const named = chat_template as readonly { name?: unknown; template?: unknown }[];
  const template = named.find(({ name }) => name === "default")?.template;
  return typeof template === "string" ? template : undefined;
}

function noTemplate(): StageFailure {
  return new StageFailure({
    code: "no-chat-template",
    message: "The tokenizer has no chat template, which says how conversations are written out.",
    hint: "set chat_template in the tokenize stage to a file with a Jinja template",
  });
}
