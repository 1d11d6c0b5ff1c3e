/** A node to draw, and the earlier nodes that it is connected with. */
export interface RailNode {
  readonly name: string;
  readonly upstream: readonly string[];
}

/**
 * One line of box-drawing characters for each node, in the given topological order: a node is `●`, a line runs down
 * from each node to the last that is connected with it. All lines have the same width.
 */
export function drawRails(nodes: readonly RailNode[]): string[] {
  const lastReader = new Map<string, number>();
  nodes.forEach(({ upstream }, i) => {
    for (const name of upstream) lastReader.set(name, i);
  });
  let lanes: (string | undefined)[] = [];
  const rows: string[] = [];
  for (const [i, { name, upstream }] of nodes.entries()) {
    const isDone = (lane: string | undefined) => lane === undefined || lastReader.get(lane) === i;
    const ending = lanes.findIndex(
      (lane) => lane !== undefined && upstream.includes(lane) && isDone(lane),
    );
    const free = ending >= 0 ? ending : lanes.indexOf(undefined);
    const own = free >= 0 ? free : lanes.length;
    rows.push(drawRow(lanes, { own, upstream, isDone }));
    lanes = lanes.map((lane) => (isDone(lane) ? undefined : lane));
    lanes[own] = lastReader.has(name) ? name : undefined;
    while (lanes.length > 0 && lanes.at(-1) === undefined) lanes.pop();
  }
  const width = Math.max(0, ...rows.map((row) => row.length));
  return rows.map((row) => row.padEnd(width));
}

interface Row {
  /** The lane that the node stands in. */
  readonly own: number;
  readonly upstream: readonly string[];
  isDone(lane: string | undefined): boolean;
}

function drawRow(lanes: readonly (string | undefined)[], { own, upstream, isDone }: Row): string {
  const joined = lanes.flatMap((lane, i) =>
    lane !== undefined && upstream.includes(lane) ? [i] : [],
  );
  const first = Math.min(own, ...joined);
  const last = Math.max(own, ...joined);
  let row = "";
  for (let i = 0; i < Math.max(lanes.length, own + 1); i++) {
    const isInside = i >= first && i <= last;
    if (i === own) row += "●";
    else if (joined.includes(i))
      row += corner(isDone(lanes[i]), { left: i > first, right: i < last });
    else row += lanes[i] !== undefined ? "│" : isInside ? "─" : " ";
    row += isInside && i < last ? "─" : " ";
  }
  return row.trimEnd();
}

/** Where a lane meets the line to the node: it ends there or goes on, and the line comes from one side or both. */
function corner(
  ends: boolean,
  { left, right }: { readonly left: boolean; readonly right: boolean },
): string {
  if (left && right) return ends ? "┴" : "┼";
  if (left) return ends ? "╯" : "┤";
  return ends ? "╰" : "├";
}
