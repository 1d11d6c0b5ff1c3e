import type { StageDraft } from "./check-stage.ts";

type Drafts = ReadonlyMap<string, StageDraft>;

/** The stages of one name in the file: one, or all members of a matrix. */
export function membersCalled(name: string, drafts: Drafts): readonly StageDraft[] {
  const one = drafts.get(name);
  if (one !== undefined) return [one];
  return [...drafts.values()].filter(({ member }) => member?.of === name);
}

/** Names of stages as they stand in the file. */
export function namesOf(drafts: Drafts): readonly string[] {
  return [...new Set([...drafts.values()].map(({ name, member }) => member?.of ?? name))];
}

/**
 * The members that a reference means: those with the values it names; else, for a reader that is itself a member of a
 * matrix, those that agree with it on every axis that both have.
 */
export function chooseMembers(
  reader: StageDraft,
  members: readonly StageDraft[],
  values: ReadonlyMap<string, string>,
): readonly StageDraft[] {
  return members.filter(({ member }) => {
    const isNamed = [...values].every(([axis, value]) => member?.values.get(axis) === value);
    const isShared = [...(reader.member?.values ?? [])].every(
      ([axis, value]) =>
        values.has(axis) || !member?.values.has(axis) || member.values.get(axis) === value,
    );
    return isNamed && isShared;
  });
}
