import { createHash } from "node:crypto";
import { byCodeUnit } from "../by-code-unit.ts";

/** Rows that must not be parted: those with one text, or of one group. */
export interface Unit {
  /** What all its rows share; unique. */
  readonly key: string;
  /** Where its hash lies, in [0, 1): uniform, and the same whatever other units there are. */
  readonly position: number;
  /** Values of the stratify column that its rows have. */
  readonly strata: ReadonlySet<string>;
}

/** Splits in their order, each with its share; the shares sum to 1. */
export type Shares = readonly (readonly [split: string, share: number])[];

/** A number in [0, 1) from 48 bits of sha256 over the seed and the key. */
export function positionOf(seed: number, key: string): number {
  const digest = createHash("sha256").update(`${seed}\n${key}`).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48;
}

/** Gives each unit, by its key, the split in whose stretch of [0, 1) its position lies. */
export function assignUnits(units: readonly Unit[], shares: Shares): Map<string, string> {
  const stretches = stretchesOf(shares);
  return new Map(
    units.map(({ key, position }) => [key, stretches.find(({ end }) => position < end)!.split]),
  );
}

interface Stretch {
  readonly split: string;
  readonly begin: number;
  readonly end: number;
}

function stretchesOf(shares: Shares): readonly Stretch[] {
  let begin = 0;
  return shares.map(([split, share], i) => {
    const end = i === shares.length - 1 ? 1 : begin + share; // shares may sum to 1 - 1e-9
    const stretch = { split, begin, end };
    begin = end;
    return stretch;
  });
}

/**
 * Moves units so that each stratum is in every split, as far as it has units enough: first of all in the first split
 * (train), elsewhere only from a split that keeps another of it. The unit whose position is nearest moves. Strata that
 * the hash put in every split are left as they are. Returns the keys of the units that moved.
 */
export function fillStrata(
  units: readonly Unit[],
  shares: Shares,
  assigned: Map<string, string>,
): ReadonlySet<string> {
  const moved = new Set<string>();
  const unitsOf = byStratum(units);
  const countIn = (stratum: string, split: string) =>
    unitsOf.get(stratum)!.filter(({ key }) => assigned.get(key) === split).length;
  for (const [at, stretch] of stretchesOf(shares).entries())
    for (const [stratum, candidates] of unitsOf) {
      if (countIn(stratum, stretch.split) > 0) continue;
      const spare = ({ key, strata }: Unit) =>
        at === 0 || [...strata].every((other) => countIn(other, assigned.get(key)!) > 1);
      const nearest = candidates.filter(spare).sort(byDistanceTo(stretch))[0];
      if (nearest === undefined) continue;
      assigned.set(nearest.key, stretch.split);
      moved.add(nearest.key);
    }
  return moved;
}

function byStratum(units: readonly Unit[]): ReadonlyMap<string, readonly Unit[]> {
  const strata = new Map<string, Unit[]>();
  for (const unit of units)
    for (const stratum of unit.strata) {
      const members = strata.get(stratum) ?? [];
      strata.set(stratum, members);
      members.push(unit);
    }
  return new Map([...strata].sort(([a], [b]) => byCodeUnit(a, b)));
}

function byDistanceTo({ begin, end }: Stretch): (a: Unit, b: Unit) => number {
  const distance = ({ position }: Unit) => (position < begin ? begin - position : position - end);
  return (a, b) => distance(a) - distance(b) || byCodeUnit(a.key, b.key);
}
