/**
 * How good is the example's model? Prints accuracy and macro F1 on its test split: always the most frequent label,
 * TF-IDF with multinomial logistic regression (regularised as is best on the validation split), and the model.
 *
 *     node --import tsx bench/bag-of-words.ts
 *
 * The pipeline runs first; what is in its cache is not computed again.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { classificationMetrics } from "../training/metrics.ts";

const PIPELINE = "pipelines/package-sections.tune.yaml";
const SAVED = "pipelines/out/package-sections";
const ITERATIONS = 300;

interface Row {
  readonly text: string;
  readonly label: string;
}

/** Weights of the words that a text has: TF-IDF with 1 + log(tf), of length 1. */
type Bag = readonly (readonly [word: number, weight: number])[];

const splits = exportSplits();
const labels = [...new Set(splits.train.map(({ label }) => label))].sort();
const found = {
  "majority class": majority(),
  "bag of words": bagOfWords(),
  model: modelResults(),
};
console.log(`test split: ${splits.test.length} rows, ${labels.length} labels`);
for (const [name, { accuracy, macro_f1 }] of Object.entries(found))
  console.log(
    `${name.padEnd(16)} accuracy ${accuracy.toFixed(4)}  macro F1 ${macro_f1.toFixed(4)}`,
  );
const ratio = found.model.accuracy / found["bag of words"].accuracy;
console.log(`model / bag of words: ${ratio.toFixed(3)} (accuracy)`);

function exportSplits(): Readonly<Record<"train" | "validation" | "test", readonly Row[]>> {
  const folder = mkdtempSync(join(tmpdir(), "bag-of-words-"));
  try {
    tunesmith("run", PIPELINE);
    tunesmith("export", PIPELINE, "split", folder);
    const rowsOf = (split: string) =>
      readFileSync(join(folder, split, "rows.jsonl"), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Row);
    return { train: rowsOf("train"), validation: rowsOf("validation"), test: rowsOf("test") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tunesmith(...args: readonly string[]): void {
  const main = fileURLToPath(new URL("../cli/main.ts", import.meta.url));
  execFileSync(process.execPath, ["--import", "tsx", main, ...args], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: ["ignore", "ignore", "inherit"],
  });
}

function modelResults(): { readonly accuracy: number; readonly macro_f1: number } {
  const path = new URL(`../${SAVED}/eval_results.json`, import.meta.url);
  const { eval_accuracy, eval_macro_f1 } = JSON.parse(readFileSync(path, "utf8"));
  return { accuracy: eval_accuracy, macro_f1: eval_macro_f1 };
}

function majority() {
  const counts = labels.map((label) => splits.train.filter((row) => row.label === label).length);
  const most = counts.indexOf(Math.max(...counts));
  return measured(splits.test, () => Float32Array.from(labels, (_, id) => (id === most ? 1 : 0)));
}

function bagOfWords() {
  const vectorize = tfidf(splits.train);
  const bags = splits.train.map(({ text }) => vectorize(text));
  const ids = splits.train.map(({ label }) => labels.indexOf(label));
  const candidates = [3, 10, 30].map((strength) => {
    const scores = logisticRegression(bags, ids, 1 / strength);
    const logits = ({ text }: Row) => scores(vectorize(text));
    return { logits, validation: measured(splits.validation, logits).accuracy };
  });
  candidates.sort((a, b) => b.validation - a.validation);
  return measured(splits.test, candidates[0]!.logits);
}

function measured(rows: readonly Row[], logitsOf: (row: Row) => Float32Array) {
  const logits = Float32Array.from(rows.flatMap((row) => [...logitsOf(row)]));
  const truth = Int32Array.from(rows, ({ label }) => labels.indexOf(label));
  return classificationMetrics(logits, truth, labels);
}

/** Words as scikit-learn's TfidfVectorizer finds them: two word characters or more, lowercased. */
function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) ?? [];
}

function tfidf(rows: readonly Row[]): (text: string) => Bag {
  const ids = new Map<string, number>();
  const documents: number[] = [];
  for (const { text } of rows)
    for (const word of new Set(wordsOf(text))) {
      const id = ids.get(word) ?? ids.size;
      ids.set(word, id);
      documents[id] = (documents[id] ?? 0) + 1;
    }
  return (text) => {
    const counts = new Map<number, number>();
    for (const word of wordsOf(text)) {
      const id = ids.get(word);
      if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    const bag = [...counts].map(([id, tf]) => {
      const idf = Math.log((1 + rows.length) / (1 + documents[id]!)) + 1;
      return [id, (1 + Math.log(tf)) * idf] as const;
    });
    const length = Math.hypot(...bag.map(([, weight]) => weight));
    return bag.map(([id, weight]) => [id, weight / length] as const);
  };
}

/**
 * Minimises the sum of the rows' cross entropies and penalty / 2 times the squared weights (not those of the bias),
 * as scikit-learn's LogisticRegression with C = 1 / penalty does, by Nesterov's accelerated gradient
 * with a step size for each word.
 */
function logisticRegression(
  bags: readonly Bag[],
  ids: readonly number[],
  penalty: number,
): (bag: Bag) => Float32Array {
  const classes = labels.length;
  const words = 1 + Math.max(...bags.flatMap((bag) => bag.map(([word]) => word)));
  const withBias = bags.map((bag): Bag => [...bag, [words, 1]]);
  const weights = new Float64Array((words + 1) * classes);
  const ahead = weights.slice();
  const gradient = weights.slice();
  const rates = stepSizes(withBias, words + 1, penalty);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    for (let at = 0; at < gradient.length; at++)
      gradient[at] = at < words * classes ? penalty * ahead[at]! : 0;
    for (const [row, bag] of withBias.entries()) addGradient(gradient, ahead, bag, ids[row]!);
    const momentum = iteration / (iteration + 3);
    for (let at = 0; at < weights.length; at++) {
      const next = ahead[at]! - rates[Math.floor(at / classes)]! * gradient[at]!;
      ahead[at] = next + momentum * (next - weights[at]!);
      weights[at] = next;
    }
  }
  return (bag) => Float32Array.from(logitsOf([...bag, [words, 1]], weights));
}

/** Adds the gradient of a row's cross entropy. */
function addGradient(gradient: Float64Array, weights: Float64Array, bag: Bag, id: number): void {
  const classes = labels.length;
  const errors = logitsOf(bag, weights);
  const highest = Math.max(...errors);
  let total = 0;
  for (let c = 0; c < classes; c++) total += errors[c] = Math.exp(errors[c]! - highest);
  for (let c = 0; c < classes; c++) errors[c] = errors[c]! / total - (c === id ? 1 : 0);
  for (const [word, value] of bag)
    for (let c = 0; c < classes; c++) gradient[word * classes + c]! += value * errors[c]!;
}

function logitsOf(bag: Bag, weights: Float64Array): Float64Array {
  const classes = labels.length;
  const logits = new Float64Array(classes);
  for (const [word, value] of bag)
    for (let c = 0; c < classes; c++) logits[c]! += value * weights[word * classes + c]!;
  return logits;
}

/**
 * The longest step of each word's weights that is sure to go down: softmax's curvature is at most 1/2, and x xᵀ is
 * at most the diagonal of |x_j| times the sum of |x|. Rare words, which are most, may so take long steps.
 */
function stepSizes(bags: readonly Bag[], words: number, penalty: number): Float64Array {
  const curvature = new Float64Array(words).fill(penalty);
  for (const bag of bags) {
    const sum = bag.reduce((total, [, value]) => total + value, 0);
    for (const [word, value] of bag) curvature[word]! += (value * sum) / 2;
  }
  return curvature.map((value) => 1 / value);
}
