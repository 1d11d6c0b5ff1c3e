import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RunOutcome } from "../../engine/build/run-pipeline.ts";
import type { PipelineStage } from "../../engine/pipeline/pipeline.ts";
import { BuildRig, type MixParams, mixed, mixKind, stageOf } from "../rig/build-rig.ts";

/** One stage of a random DAG: its params, and inputs among the stages before it. */
interface Vertex {
  readonly params: MixParams;
  readonly reads: readonly number[];
}

/** One run after an edit: a stage's new params, words that fail, and how the run is scheduled. */
interface Round {
  readonly edit: { readonly at: number; readonly params: MixParams };
  readonly failing: readonly string[];
  readonly jobs: number;
  readonly keepGoing: boolean;
}

const words = ["ash", "elm", "oak", "yew"];
const paramsArbitrary = fc.record({
  word: fc.constantFrom(...words),
  keep: fc.constantFrom(1, 2, 6),
});
const vertices = fc
  .array(fc.record({ params: paramsArbitrary, reads: fc.array(fc.nat(), { maxLength: 3 }) }), {
    minLength: 1,
    maxLength: 9,
  })
  .map((list): readonly Vertex[] =>
    list.map(({ params, reads }, index) => ({
      params,
      reads: index === 0 ? [] : [...new Set(reads.map((read) => read % index))],
    })),
  );
const rounds = fc.array(
  fc.record({
    edit: fc.record({ at: fc.nat(), params: paramsArbitrary }),
    failing: fc.subarray(words, { maxLength: 1 }),
    jobs: fc.integer({ min: 1, max: 8 }),
    keepGoing: fc.boolean(),
  }),
  { minLength: 1, maxLength: 5 },
);

function stagesOf(graph: readonly Vertex[], failing: readonly string[]): readonly PipelineStage[] {
  const kind = mixKind(new Set(failing));
  return graph.map(({ params, reads }, index) => {
    const inputs = Object.fromEntries(
      reads.map((read, at) => ["abc"[at]!, { stage: `s${read}`, port: "text" }]),
    );
    return stageOf(kind, `s${index}`, { ...params }, inputs);
  });
}

/**
 * Clean recomputation: each stage's text, `undefined` where it or something above it fails, and what identifies its
 * inputs. A stage that is told to fail does so only when it must run: what is known already stays available.
 */
function recompute(
  graph: readonly Vertex[],
  failing: readonly string[],
  known: ReadonlySet<string>,
) {
  const texts: (string | undefined)[] = [];
  const keys: (string | undefined)[] = [];
  for (const { params, reads } of graph) {
    const inputs = reads.map((read) => texts[read]);
    const isBlocked = inputs.includes(undefined);
    const key = isBlocked ? undefined : JSON.stringify([params, inputs]);
    const fails = failing.includes(params.word) && !known.has(key ?? "");
    keys.push(key);
    texts.push(isBlocked || fails ? undefined : mixed(params, inputs as string[]));
  }
  return { texts, keys };
}

async function checkRound(
  rig: BuildRig,
  graph: readonly Vertex[],
  round: Round,
  known: Set<string>,
) {
  const outcome: RunOutcome = await rig.run(stagesOf(graph, round.failing), round);
  const { texts, keys } = recompute(graph, round.failing, known);
  const executed = new Set(outcome.summary.executed);
  for (const [index, vertex] of graph.entries()) {
    const name = `s${index}`;
    const text = outcome.built.has(name) ? await rig.text(outcome, name) : undefined;
    if (text !== undefined)
      assert.equal(text, texts[index], `${name} is not what a clean build gives`);
    if (executed.has(name))
      assert.ok(!known.has(keys[index]!), `${name} was executed again for the same inputs`);
    if (round.failing.length === 0 || round.keepGoing) {
      assert.equal(
        text !== undefined,
        texts[index] !== undefined,
        `${name} (${vertex.params.word})`,
      );
    }
  }
  for (const name of executed) known.add(keys[Number(name.slice(1))]!);
}

test("incremental builds equal clean ones and never repeat work: random DAGs, edits, failures and jobs", async (t) => {
  const seed = Number(process.env.TUNESMITH_TEST_SEED ?? Date.now() % 2 ** 31);
  const numRuns = 60 * Number(process.env.TUNESMITH_TEST_RUNS ?? 1);
  t.diagnostic(`seed ${seed}, ${numRuns} DAGs`);
  await fc.assert(
    fc.asyncProperty(vertices, rounds, async (start, edits) => {
      await using rig = await BuildRig.create();
      const known = new Set<string>();
      let graph = start;
      const first: Round = {
        edit: { at: 0, params: start[0]!.params },
        failing: [],
        jobs: 4,
        keepGoing: false,
      };
      for (const round of [first, ...edits]) {
        const at = round.edit.at % graph.length;
        graph = graph.map((vertex, index) =>
          index === at ? { ...vertex, params: round.edit.params } : vertex,
        );
        await checkRound(rig, graph, round, known);
        if (round.failing.length > 0) continue;
        const again = await rig.run(stagesOf(graph, []), round);
        assert.deepEqual(again.summary.executed, [], "a second run executes nothing");
      }
    }),
    { seed, numRuns },
  );
});
