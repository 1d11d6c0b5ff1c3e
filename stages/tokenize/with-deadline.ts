import { createContext, Script } from "node:vm";

/** Thrown when synchronous work was ended because it took too long. */
export class DeadlinePassed extends Error {}

const context: { work?: () => unknown } = createContext({});
const script = new Script("work()");

/**
 * The result of synchronous work, which V8 ends after `seconds`, even inside a regular expression. What the work was
 * changing when it was ended must not be used again.
 */
export function withDeadline<T>(seconds: number, work: () => T): T {
  context.work = work;
  try {
    return script.runInContext(context, { timeout: Math.ceil(seconds * 1000) }) as T;
  } catch (error) {
    if ((error as { code?: unknown } | undefined)?.code !== "ERR_SCRIPT_EXECUTION_TIMEOUT")
      throw error;
    throw new DeadlinePassed(`took more than ${seconds} s`, { cause: error });
  } finally {
    delete context.work;
  }
}
