import { once } from "node:events";
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { StageFailure } from "../../engine/diagnostic.ts";

/** How long one conversation may take: a thousand times what honest templates need. */
const DEADLINE_SECONDS = 2;
const MEMORY_MEBIBYTES = 256;
const LONGEST_CHARACTERS = 16 * 1024 * 1024;

/** What a template was rendered with gave: its text, or what it complained of. */
export type Rendered = { readonly text: string } | { readonly error: string };

// In JavaScript, since a worker's file would be named otherwise in a built package.
const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
const { Template } = require(workerData.jinja);
let template;
parentPort.postMessage("ready");
parentPort.on("message", (contexts) => parentPort.postMessage(contexts.map(render)));
function render(context) {
  try {
    template ??= new Template(workerData.source);
    const text = template.render(context);
    return text.length <= workerData.longest ? { text } : { error: "the text becomes too long" };
  } catch (error) {
    return { error: String(error.message) };
  }
}`;

/**
 * Renders a Jinja template, which may come from a stranger, in a thread of its own: beyond a deadline, or its memory,
 * it is ended, which is a StageFailure.
 */
export class TemplateRenderer {
  readonly #source: string;
  #worker: Worker | undefined;
  #isReady = false;

  constructor(source: string) {
    this.#source = source;
  }

  /** The texts of several contexts, for which there is one deadline. One call at a time. */
  async render(contexts: readonly object[]): Promise<readonly Rendered[]> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    if (!this.#isReady) await answerOf<"ready">(worker);
    this.#isReady = true;
    const answer = answerOf<readonly Rendered[]>(worker);
    worker.postMessage(contexts);
    const timer = setTimeout(() => worker.terminate(), DEADLINE_SECONDS * 1000);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const jinja = createRequire(import.meta.url).resolve("@huggingface/jinja");
    const worker = new Worker(PROGRAM, {
      eval: true,
      env: {},
      execArgv: [],
      workerData: { jinja, source: this.#source, longest: LONGEST_CHARACTERS },
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MEBIBYTES },
    });
    worker.unref();
    return worker;
  }
}

/** The next message of a worker; a StageFailure where it ends before. */
async function answerOf<T>(worker: Worker): Promise<T> {
  const listening = new AbortController();
  const { signal } = listening;
  worker.ref(); // what is waited for keeps the process alive, an idle worker does not
  try {
    return await Promise.race([
      once(worker, "message", { signal }).then(([answer]) => answer as T),
      once(worker, "exit", { signal }).then(() => Promise.reject(tooSlow())),
    ]);
  } catch (error) {
    throw outOfMemory(error);
  } finally {
    listening.abort();
    worker.unref();
  }
}

function tooSlow(): StageFailure {
  return new StageFailure({
    code: "chat-template-too-slow",
    message: `The chat template took more than ${DEADLINE_SECONDS} s for one conversation.`,
    hint: "if you did not write it, do not trust it",
  });
}

function outOfMemory(error: unknown): unknown {
  if ((error as { code?: unknown } | undefined)?.code !== "ERR_WORKER_OUT_OF_MEMORY") return error;
  return new StageFailure({
    code: "chat-template-too-large",
    message: `The chat template took more than ${MEMORY_MEBIBYTES} MiB of memory for one conversation.`,
    hint: "if you did not write it, do not trust it",
  });
}
