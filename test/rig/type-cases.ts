import { type Graph, graphOf, type HostType, input, type Value } from "../../compute/graph.ts";
import * as ops from "../../compute/ops.ts";
import type { CaseInput } from "./operation-cases.ts";

/** Operations on elements other than floats, of which there are no gradients. */
export interface TypeCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, CaseInput>>;
  readonly graph: Graph;
}

const numbers: Readonly<Record<HostType, readonly number[]>> = {
  float32: [-2.5, -1, 0, 0.5, 1.5, 300],
  int32: [-70000, -1, 0, 1, 2, 70000],
  int64: [-70000, -1, 0, 1, 2, 70000],
  uint8: [0, 1, 2, 3, 128, 255],
  bool: [0, 1, 1, 0, 1, 0],
};
const dtypes = Object.keys(numbers) as HostType[];
const integers = ["int32", "int64"] as const;

function typeCase(
  name: string,
  inputs: Readonly<Record<string, CaseInput>>,
  build: (given: Readonly<Record<string, Value>>) => Readonly<Record<string, Value>>,
): TypeCase {
  const values = Object.entries(inputs).map(
    ([key, { shape, dtype }]) => [key, input(key, shape, dtype)] as const,
  );
  return { name, inputs, graph: graphOf(build(Object.fromEntries(values))) };
}

const given = (dtype: HostType, values = numbers[dtype]): CaseInput => ({
  shape: [2, 3],
  dtype,
  values,
});

/** What graphs do with the types of tokens, masks and conditions; outputs of each type. */
export const typeCases: readonly TypeCase[] = [
  ...dtypes.map((dtype) =>
    typeCase(`${dtype} as it is`, { x: given(dtype) }, ({ x }) => ({ same: x! })),
  ),
  // A negative number has no place in uint8: what becomes of it is nobody's promise.
  ...dtypes.flatMap((from) =>
    dtypes
      .filter((to) => to !== from && to !== "uint8")
      .map((to) =>
        typeCase(`cast, ${from} to ${to}`, { x: given(from) }, ({ x }) => ({
          y: ops.cast(x!, to),
        })),
      ),
  ),
  typeCase("cast, bool to uint8", { x: given("bool") }, ({ x }) => ({ y: ops.cast(x!, "uint8") })),
  ...integers.flatMap((dtype) => [
    typeCase(`equal, greater and where of ${dtype}`, { x: given(dtype) }, ({ x }) => ({
      equal: ops.equal(x!, -1),
      greater: ops.greater(x!, 0),
      where: ops.where(ops.equal(x!, -1), 0, x!),
    })),
    typeCase(`layout of ${dtype}`, { x: given(dtype) }, ({ x }) => ({
      transposed: ops.transpose(x!, [1, 0]),
      reshaped: ops.reshape(x!, [3, 1, 2]),
      sliced: ops.slice(x!, { axes: [1], starts: [1], ends: [3] }),
      joined: ops.concat([x!, x!], 0),
      expanded: ops.expand(ops.reshape(x!, [2, 3, 1]), [2, 3, 2]),
    })),
    typeCase(
      `gather by ${dtype} ids`,
      {
        table: { shape: [5, 2], dtype, values: [1, 2, 3, 4, 5, 6, 7, 8, 9, 70001] },
        ids: { shape: [2, 2], dtype, values: [4, 0, 3, 4] },
      },
      ({ table, ids }) => ({ rows: ops.gather(table!, ids!) }),
    ),
  ]),
  typeCase("conditions that broadcast", { x: given("bool"), y: given("float32") }, ({ x, y }) => ({
    chosen: ops.where(ops.reshape(x!, [2, 3, 1]), ops.reshape(y!, [6]), 7),
    layout: ops.transpose(ops.reshape(x!, [3, 2]), [1, 0]),
  })),
];
