/** An order in which everything comes after what it depends on, and the cycles that prevent it. */
export interface Order {
  /** Names that are in no cycle and depend on none; of those that could come next, the earliest given. */
  readonly sorted: readonly string[];
  /** Each cycle once, from its earliest given name on, without that name at the end. */
  readonly cycles: readonly (readonly string[])[];
}

/** Sorts names by their dependencies. Names that are depended on but not given count as done. */
export function topologicalOrder(dependencies: ReadonlyMap<string, readonly string[]>): Order {
  const names = [...dependencies.keys()];
  const position = new Map(names.map((name, i) => [name, i]));
  const readers = new Map<string, string[]>(names.map((name) => [name, []]));
  const waiting = new Map<string, number>();
  for (const name of names) {
    const upstream = new Set((dependencies.get(name) ?? []).filter((other) => position.has(other)));
    waiting.set(name, upstream.size);
    for (const other of upstream) readers.get(other)?.push(name);
  }
  const ready = names.filter((name) => waiting.get(name) === 0);
  const sorted: string[] = [];
  for (let next = ready.shift(); next !== undefined; next = ready.shift()) {
    sorted.push(next);
    waiting.delete(next);
    for (const reader of readers.get(next) ?? []) {
      const left = (waiting.get(reader) ?? 0) - 1;
      waiting.set(reader, left);
      if (left === 0) insertByPosition(ready, reader, position);
    }
  }
  return { sorted, cycles: findCycles(dependencies, [...waiting.keys()], position) };
}

function insertByPosition(
  ready: string[],
  name: string,
  position: ReadonlyMap<string, number>,
): void {
  const own = position.get(name) ?? 0;
  const at = ready.findIndex((other) => (position.get(other) ?? 0) > own);
  ready.splice(at < 0 ? ready.length : at, 0, name);
}

/** Everything that is left depends on something that is left: going on so must end in a cycle. */
function findCycles(
  dependencies: ReadonlyMap<string, readonly string[]>,
  left: readonly string[],
  position: ReadonlyMap<string, number>,
): string[][] {
  const remaining = new Set(left);
  const seen = new Set<string>();
  const cycles: string[][] = [];
  for (const start of left) {
    const path: string[] = [];
    let name: string | undefined = start;
    while (name !== undefined && !seen.has(name)) {
      seen.add(name);
      path.push(name);
      name = dependencies.get(name)?.find((other) => remaining.has(other));
    }
    const from = name === undefined ? -1 : path.indexOf(name);
    if (from >= 0) cycles.push(fromEarliest(path.slice(from), position));
  }
  return cycles;
}

function fromEarliest(cycle: readonly string[], position: ReadonlyMap<string, number>): string[] {
  const positions = cycle.map((name) => position.get(name) ?? 0);
  const first = positions.indexOf(Math.min(...positions));
  return [...cycle.slice(first), ...cycle.slice(0, first)];
}
