import assert from "node:assert/strict";

/** Fails where an element differs by more than `tolerance` · (1 + |expected|), naming the worst one. */
export function assertClose(
  actual: ArrayLike<number | bigint>,
  expected: ArrayLike<number | bigint>,
  tolerance: number,
  what: string,
): void {
  assert.equal(actual.length, expected.length, `${what}: number of elements`);
  let worst = { excess: 0, text: "" };
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [Number(actual[i]), Number(expected[i])];
    const excess =
      Object.is(a, e) || a === e ? 0 : Math.abs(a - e) / (tolerance * (1 + Math.abs(e)));
    if (!(excess <= worst.excess)) worst = { excess, text: `${what}[${i}] is ${a}, not ${e}` };
  }
  assert.ok(worst.excess <= 1, `${worst.text}: ${worst.excess.toFixed(1)} times the tolerance`);
}
