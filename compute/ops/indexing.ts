import { makeValue, ShapeError, show, type Value } from "../graph.ts";

/** Rows of a table [V, ...] by ids [...] (int32 or int64, from 0 to V-1): [...ids, ...row]. */
export function gather(table: Value, ids: Value): Value {
  requireIndices("gather", ids);
  if (table.shape.length < 1) throw new ShapeError("gather: the table is a scalar.");
  const shape = [...ids.shape, ...table.shape.slice(1)];
  return makeValue("Gather", [table, ids], { axis: 0 }, shape, table.dtype);
}

/** One element of each row by its index: x [N, C], ids [N] -> [N]. */
export function pick(x: Value, ids: Value): Value {
  requireIndices("pick", ids);
  if (x.shape.length !== 2 || ids.shape.length !== 1 || x.shape[0] !== ids.shape[0])
    throw new ShapeError(`pick: ids ${show(ids.shape)} do not pick from ${show(x.shape)}.`);
  return makeValue("Pick", [x, ids], {}, ids.shape, x.dtype);
}

/** A table [V, ...] of zeros with rows [...ids, ...row] added up at their ids: the gradient of gather. */
export function scatterRows(rows: Value, ids: Value, count: number): Value {
  requireIndices("scatterRows", ids);
  const row = rows.shape.slice(ids.shape.length);
  if (ids.shape.some((size, i) => size !== rows.shape[i]))
    throw new ShapeError(`scatterRows: ids ${show(ids.shape)} do not place ${show(rows.shape)}.`);
  return makeValue("ScatterRows", [rows, ids], {}, [count, ...row], rows.dtype);
}

function requireIndices(operation: string, ids: Value): void {
  if (ids.dtype !== "int32" && ids.dtype !== "int64")
    throw new ShapeError(`${operation}: ids are ${ids.dtype}, not int32 or int64.`);
}
