import { StageFailure } from "../../engine/diagnostic.ts";
import type { InputPort, Json, StageContext } from "../../engine/stage.ts";
import type { Dataset, dataset, Row } from "../artifacts/dataset.ts";
import { byCodeUnit } from "../by-code-unit.ts";
import { codePointsOf } from "../code-points.ts";
import type { CleanParams } from "./clean.ts";
import { type Rule, ruleOf } from "./rule.ts";

type Context = StageContext<CleanParams, { dataset: InputPort<typeof dataset> }>;

const EXAMPLES = 3;
const EXAMPLE_CHARACTERS = 200;
const PROGRESS_ROWS = 10_000;

/** Takes every row through the rules, with a report of what each rule did. */
export async function cleanDataset(context: Context): Promise<{ dataset: Dataset; report: Json }> {
  const { splits } = await context.inputs.dataset.read();
  const tallies = context.params.rules.map((rule) => new Tally(ruleOf(rule)));
  const total = [...splits.values()].reduce((sum, rows) => sum + rows.length, 0);
  const cleaned = new Map<string, Row[]>();
  let done = 0;
  for (const split of inOrder([...splits.keys()])) {
    const kept: Row[] = [];
    for (const row of splits.get(split)!) {
      const clean = cleanRow(row, tallies);
      if (clean) kept.push(clean);
      if (++done % PROGRESS_ROWS > 0) continue;
      context.signal.throwIfAborted();
      context.progress({ done, total, unit: "rows" });
    }
    cleaned.set(split, kept);
  }
  const rows = [...cleaned.values()].reduce((sum, kept) => sum + kept.length, 0);
  if (rows === 0) throw nothingLeft(total, tallies);
  context.metric("rows", rows);
  context.metric("dropped", total - rows);
  return {
    dataset: { splits: cleaned },
    report: { rows_before: total, rows_after: rows, rules: tallies.map((tally) => tally.report()) },
  };
}

/** By name, `train` last: a text in it that a held-out split also has is the duplicate. */
function inOrder(splits: readonly string[]): string[] {
  const rank = (split: string) => (split === "train" ? 1 : 0);
  return [...splits].sort((a, b) => rank(a) - rank(b) || byCodeUnit(a, b));
}

function cleanRow(row: Row, tallies: readonly Tally[]): Row | undefined {
  let clean = row;
  for (const tally of tallies) {
    const text = tally.rule.apply(clean);
    if (text !== clean.text) tally.add(clean, text);
    if (text === undefined) return undefined;
    if (text !== clean.text && clean.tags) throw changesTaggedText(clean, tally.rule.name);
    clean = changedRow(clean, text, tally.rule);
    if (tally.rule.change) requireAnswers(clean, tally.rule.name);
  }
  return clean;
}

/** The row with its new text, and its other texts changed alike. */
function changedRow(row: Row, text: string, { change }: Rule): Row {
  const { completion, target, messages, question } = row;
  if (change && messages) {
    const changed = messages.map((one) => ({ ...one, content: change(one.content) }));
    return { ...row, text: changed.map(({ content }) => content).join("\n"), messages: changed };
  }
  return {
    ...row,
    text,
    ...(change && completion !== undefined && { completion: change(completion) }),
    ...(change && target !== undefined && { target: change(target) }),
    ...(change && question !== undefined && { question: change(question) }),
  };
}

/** Counts what one rule did and keeps the first examples. */
class Tally {
  readonly rule: Rule;
  dropped = 0;
  #changed = 0;
  readonly #changes: Json[] = [];
  readonly #drops: Json[] = [];

  constructor(rule: Rule) {
    this.rule = rule;
  }

  add({ id, text: before }: Row, after: string | undefined): void {
    if (after === undefined) {
      this.dropped++;
      if (this.#drops.length < EXAMPLES) this.#drops.push({ id, text: shown(before) });
    } else {
      this.#changed++;
      if (this.#changes.length < EXAMPLES)
        this.#changes.push({ id, before: shown(before), after: shown(after) });
    }
  }

  report(): Json {
    return {
      rule: this.rule.name,
      changed: this.#changed,
      dropped: this.dropped,
      ...this.rule.facts?.(),
      examples: [...this.#changes, ...this.#drops],
    };
  }
}

function shown(text: string): string {
  if (text.length <= EXAMPLE_CHARACTERS) return text;
  return `${Array.from(text.slice(0, 2 * EXAMPLE_CHARACTERS))
    .slice(0, EXAMPLE_CHARACTERS)
    .join("")}…`;
}

/** A changed text could have other words than there are tags. */
function changesTaggedText({ id }: Row, rule: string): StageFailure {
  return new StageFailure({
    code: "tagged-text-changed",
    message: `The rule ${rule} changes the text of the row "${id}", whose words have tags.`,
    hint: "rules that only drop rows are fine here; clean words before they get their tags",
  });
}

/** Answers must still stand in a changed context. */
function requireAnswers({ id, text, answers }: Row, rule: string): void {
  if (answers === undefined) return;
  const { toCodeUnit } = codePointsOf(text);
  const moved = answers.text.find((answer, i) => {
    const begin = toCodeUnit(answers.answer_start[i]!);
    return begin === undefined || !text.startsWith(answer, begin);
  });
  if (moved === undefined) return;
  throw new StageFailure({
    code: "answered-text-changed",
    message: `The rule ${rule} changes the context of the row "${id}", and the answer "${moved}" does not stand there any more.`,
    hint: "rules that only drop rows are fine here; change contexts before their answers are marked",
  });
}

function nothingLeft(total: number, tallies: readonly Tally[]): StageFailure {
  const drops = tallies
    .filter(({ dropped }) => dropped > 0)
    .map(({ rule, dropped }) => `${rule.name} dropped ${dropped}`);
  return new StageFailure({
    code: "no-rows-left",
    message: `No row is left of ${total}.`,
    hint: drops.length > 0 ? drops.join(", ") : "the dataset was empty before",
  });
}
