/** A stretch of words, from `begin` to before `end`, that is one thing of a type. */
export interface Entity {
  readonly type: string;
  readonly begin: number;
  readonly end: number;
}

const TAG = /^([BIESLU])-(.+)$/;

/** Whether tags mark entities: B-PER, I-PER and the like, or O, and not O alone. */
export function isEntityScheme(tags: readonly string[]): boolean {
  return tags.every((tag) => tag === "O" || TAG.test(tag)) && tags.some((tag) => tag !== "O");
}

/**
 * The entities that the tags of one text mark, read as forgivingly as seqeval and conlleval do: B, S and U begin
 * one, E, L, S and U end one, and a tag of another type than the one before begins one even as I. So IOB1, IOB2,
 * IOE and IOBES are all understood. https://www.clips.uantwerpen.be/conll2000/chunking/conlleval.txt
 */
export function entitiesOf(tags: readonly string[]): readonly Entity[] {
  const entities: Entity[] = [];
  let open: { type: string; begin: number } | undefined;
  const close = (end: number) => {
    if (open) entities.push({ ...open, end });
    open = undefined;
  };
  for (const [at, tag] of tags.entries()) {
    const [, prefix = "O", type = ""] = TAG.exec(tag) ?? [];
    if (open && (prefix === "O" || "BSU".includes(prefix) || type !== open.type)) close(at);
    if (prefix === "O") continue;
    open ??= { type, begin: at };
    if ("ESLU".includes(prefix)) close(at + 1);
  }
  close(tags.length);
  return entities;
}
