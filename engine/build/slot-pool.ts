import PQueue from "p-queue";
import type { PipelineStage } from "../pipeline/pipeline.ts";

/** What the machine lends to stages while they run. */
export interface Slots {
  /** Ids of the graphics devices; none: stages that ask for one run without. */
  readonly gpus: readonly string[];
  readonly cpu: number;
  readonly memory_gb: number;
}

/** What one stage was lent. */
export interface Granted {
  /** Ids of the graphics devices that are the stage's own until it ends. */
  readonly gpus: readonly string[];
  /** What the stage asks for that this machine will never have: it must not run. */
  readonly lacking?: string;
}

/** Of a machine that nothing is known of: no devices, and no limit but the number of jobs. */
const UNLIMITED: Slots = {
  gpus: [],
  cpu: Number.POSITIVE_INFINITY,
  memory_gb: Number.POSITIVE_INFINITY,
};

interface Waiting {
  readonly stage: PipelineStage;
  start(): void;
}

/**
 * Lends a run's slots: a stage starts when its devices, processors, memory and mutexes are free, and then one of the jobs
 * is. In the order of asking, but a stage that fits passes one that still waits for what it needs.
 */
export class SlotPool {
  readonly #jobs: PQueue;
  readonly #slots: Slots;
  readonly #waiting: Waiting[] = [];
  readonly #running = new Set<PipelineStage>();
  readonly #freeGpus: string[];

  /** `jobs`: stages that work at once. */
  constructor(jobs: number, slots: Slots = UNLIMITED) {
    this.#jobs = new PQueue({ concurrency: jobs });
    this.#slots = slots;
    this.#freeGpus = [...slots.gpus];
  }

  /** Runs work once the stage has what it asks for, and takes it back when the work ends. */
  async run<R>(stage: PipelineStage, work: (granted: Granted) => Promise<R>): Promise<R> {
    const lacking = this.#lackingFor(stage);
    if (lacking !== undefined) return work({ gpus: [], lacking });
    if (!this.#fits(stage))
      await new Promise<void>((start) => this.#waiting.push({ stage, start }));
    else this.#running.add(stage);
    const gpus = this.#freeGpus.splice(0, this.#gpusFor(stage));
    try {
      return await this.#jobs.add(() => work({ gpus }));
    } finally {
      this.#running.delete(stage);
      this.#freeGpus.push(...gpus);
      this.#freeGpus.sort((a, b) => this.#slots.gpus.indexOf(a) - this.#slots.gpus.indexOf(b));
      this.#startNext();
    }
  }

  #startNext(): void {
    for (const waiting of [...this.#waiting]) {
      if (!this.#fits(waiting.stage)) continue;
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      this.#running.add(waiting.stage);
      waiting.start();
    }
  }

  #fits(stage: PipelineStage): boolean {
    const { gpus, cpu, memory_gb } = this.#slots;
    const used = (of: (stage: PipelineStage) => number) =>
      [...this.#running].reduce((sum, other) => sum + of(other), of(stage));
    const names = stage.mutex ?? [];
    return (
      used((one) => this.#gpusFor(one)) <= gpus.length &&
      used((one) => this.#cpuFor(one)) <= cpu &&
      used(memoryFor) <= memory_gb &&
      ![...this.#running].some(({ mutex = [] }) => mutex.some((name) => names.includes(name)))
    );
  }

  #gpusFor({ resources }: PipelineStage): number {
    return this.#slots.gpus.length === 0 ? 0 : resources.gpu;
  }

  /** A stage that asks for more processors than there are gets all of them. */
  #cpuFor({ resources }: PipelineStage): number {
    return Math.min(resources.cpu ?? 0, this.#slots.cpu);
  }

  #lackingFor(stage: PipelineStage): string | undefined {
    const { gpus, memory_gb } = this.#slots;
    const asked = this.#gpusFor(stage);
    if (asked > gpus.length) return `gpu: ${asked} (there are ${gpus.length})`;
    return memoryFor(stage) > memory_gb
      ? `memory_gb: ${memoryFor(stage)} (there are ${Number(memory_gb.toFixed(1))})`
      : undefined;
  }
}

function memoryFor({ resources }: PipelineStage): number {
  return resources.memory_gb ?? 0;
}
