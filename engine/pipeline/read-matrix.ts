import { didYouMean } from "./did-you-mean.ts";
import { listNames, quote } from "./report.ts";
import type { Entry, ListNode, MapNode, Place, SourceNode } from "./source-node.ts";

/** The values of one member, by axis. */
export type Combination = ReadonlyMap<string, Entry>;

/** Reports a mistake in a matrix, which then has no members. */
export type Fail = (place: Place, message: string, hint: string) => never[];

/** More members than these are a mistake, or too much for one file. */
export const MOST_MEMBERS = 1000;

const AXIS = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const AXES_HINT = "write lists of values by name: { learning_rate: [3e-5, 5e-5], seed: [1, 2] }";
const MEMBERS_HINT = "write [{ learning_rate: 3e-5, seed: 1 }]";

/** The members that stand under `matrix`: of lists by name, every combination; a list of maps is the members themselves. */
export function readMatrix(node: SourceNode, fail: Fail): readonly Combination[] {
  if (node.kind === "list") return explicitMembers(node, fail);
  if (node.kind === "map") return readProduct(node, fail);
  return fail(node.place, '"matrix" holds no lists of values.', AXES_HINT);
}

/** Every combination of the axes' values, the first axis changing slowest, without `exclude`; then what `include` adds. */
function readProduct(matrix: MapNode, fail: Fail): Combination[] {
  const axes = [...matrix.entries.values()].filter(({ key }) => !isListOfMembers(key));
  const names = axes.map(({ key }) => key);
  const lists = axes.map((axis) => readAxis(axis, fail));
  const size = lists.reduce((product, { length }) => product * length, 1);
  if (size === 0) return [];
  if (size > MOST_MEMBERS * 10) {
    return fail(
      matrix.place,
      `the matrix has ${size} members, more than ${MOST_MEMBERS}.`,
      "use fewer values",
    );
  }
  let product: Combination[] = axes.length === 0 ? [] : [new Map()];
  for (const list of lists)
    product = product.flatMap((one) => list.map((entry) => new Map(one).set(entry.key, entry)));
  const excluded = rulesOf(matrix, "exclude", { names, fail });
  for (const rule of excluded) {
    const [first] = rule.values();
    if (first === undefined || product.some((one) => agrees(one, rule))) continue;
    fail(
      first.keyPlace,
      "this member to exclude is not in the matrix.",
      "compare its values with the lists",
    );
  }
  const included = rulesOf(matrix, "include", { names, fail }).filter((rule) =>
    hasAll(rule, names, fail),
  );
  const kept = product.filter((one) => !excluded.some((rule) => agrees(one, rule)));
  const all = [...kept, ...included.map((one) => inOrderOf(one, names))];
  return all.length > 0 ? all : fail(matrix.place, "the matrix has no members.", AXES_HINT);
}

/** The values of one axis; none after an error was reported. */
function readAxis({ key, keyPlace, value }: Entry, fail: Fail): Entry[] {
  if (value.kind === "unknown") return [];
  if (!AXIS.test(key))
    return fail(keyPlace, `${quote(key)} cannot be the name of an axis.`, AXES_HINT);
  if (value.kind !== "list" || value.items.length === 0)
    return fail(value.place, `the axis ${quote(key)} must be a list of values.`, AXES_HINT);
  const wrong = value.items.find((item) => !isValue(item));
  if (wrong !== undefined) return failValue(wrong, key, fail);
  return value.items.map((item) => ({ key, keyPlace, value: item }));
}

interface RuleOptions {
  readonly names: readonly string[];
  readonly fail: Fail;
}

function rulesOf(
  matrix: MapNode,
  name: "include" | "exclude",
  { names, fail }: RuleOptions,
): Combination[] {
  const list = matrix.entries.get(name)?.value;
  return membersIn(list, name, fail).filter((rule) => {
    const unknown = [...rule.values()].find(({ key }) => !names.includes(key));
    if (unknown === undefined) return true;
    const axes = `axes: ${listNames(names)}`;
    const hint = didYouMean(unknown.key, names, axes) ?? axes;
    fail(unknown.keyPlace, `${quote(unknown.key)} is no axis of the matrix.`, hint);
    return false;
  });
}

function hasAll(rule: Combination, names: readonly string[], fail: Fail): boolean {
  const [first] = rule.values();
  const missing = names.filter((name) => !rule.has(name));
  if (first === undefined || missing.length === 0) return true;
  const message = `this member to include has no ${listNames(missing)}.`;
  fail(first.keyPlace, message, "give each axis a value");
  return false;
}

function isListOfMembers(key: string): boolean {
  return key === "include" || key === "exclude";
}

/** Values have a name of their own, so they are single ones. */
function isValue(node: SourceNode): boolean {
  return (
    node.kind === "unknown" || (node.kind === "scalar" && node.value !== null && node.text !== "")
  );
}

function failValue(node: SourceNode, axis: string, fail: Fail): never[] {
  const message = `a value of ${quote(axis)} must be a text, a number, true or false.`;
  const hint =
    'keep lists and maps under "vars", and let the matrix name them: "${vars.configs.small}"';
  return fail(node.place, message, hint);
}

function explicitMembers(list: ListNode, fail: Fail): Combination[] {
  const members = membersIn(list, "matrix", fail);
  if (members.length === 0) return members;
  const names = [...(members[0]?.keys() ?? [])];
  for (const member of members) {
    const [first] = member.values();
    if (first === undefined) continue;
    if (member.size === names.length && names.every((name) => member.has(name))) continue;
    return fail(
      first.keyPlace,
      "all members must have the same keys.",
      `as the first: ${listNames(names)}`,
    );
  }
  return members.map((one) => inOrderOf(one, names));
}

/** The maps in a list, single values by name; an empty list is an error, too. */
function membersIn(node: SourceNode | undefined, name: string, fail: Fail): Combination[] {
  if (node === undefined || node.kind === "unknown") return [];
  const items = node.kind === "list" ? node.items : [];
  const isMap = (item: SourceNode) =>
    item.kind === "unknown" || (item.kind === "map" && item.entries.size > 0);
  const odd = items.length === 0 ? node : items.find((item) => !isMap(item));
  if (odd !== undefined) return fail(odd.place, `"${name}" must be a list of maps.`, MEMBERS_HINT);
  return items.flatMap((item) => {
    if (item.kind !== "map") return [];
    const wrong = [...item.entries.values()].find(({ value }) => !isValue(value));
    return wrong === undefined ? [item.entries] : failValue(wrong.value, wrong.key, fail);
  });
}

function agrees(one: Combination, rule: Combination): boolean {
  return [...rule].every(([axis, { value }]) => {
    const own = one.get(axis)?.value;
    return own?.kind === "scalar" && value.kind === "scalar" && own.value === value.value;
  });
}

function inOrderOf(one: Combination, names: readonly string[]): Combination {
  return new Map(names.flatMap((name) => (one.has(name) ? [[name, one.get(name)!] as const] : [])));
}
