import type { DType, Graph, NarrowType, Shape, TypedArray } from "./graph.ts";

/** What a device is, as far as it can change results: recorded in lockfiles. */
export interface DeviceFacts {
  /** What computes: `cpu`, `webgpu`, … */
  readonly kind: string;
  /** What runs the graph, with its version: `onnxruntime 1.30.0`. */
  readonly runtime: string;
  /** Operating system and processor family: `linux-x64`. */
  readonly platform: string;
  /** The widest vector instructions that the runtime finds: `avx512`, `avx2`, `neon`, … */
  readonly instructionSet: string;
  /** Threads that one operation may use. */
  readonly threads: number;
}

/** A tensor on the host: elements in row-major order. */
export interface TensorData {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: TypedArray;
}

export type Tensors = Readonly<Record<string, TensorData>>;

/** A graph made ready for a device; runs many times, one run at a time. */
export interface Executable {
  /** The outputs by name, in memory of their own. Throws when an input is missing or of another shape. */
  run(inputs: ReadonlyMap<string, TensorData> | Tensors): Promise<Record<string, TensorData>>;
  /** Frees the memory; the executable runs no more. */
  release(): Promise<void>;
}

export interface CompileOptions {
  /**
   * Whether each operation computes by itself, and as often as the graph says: so that a part which the graph has twice
   * gives equal bits in both places, and is not computed once and kept.
   */
  readonly repeats?: boolean;
}

/** Bytes that went between the host's memory and a device's. */
export interface Traffic {
  readonly toDevice: number;
  readonly toHost: number;
}

export interface HeldCompileOptions extends CompileOptions {
  /** Output name -> held name. */
  readonly next?: ReadonlyMap<string, string>;
}

/** Tensors of float32 that stay in a device's memory between runs, by name. */
export interface HeldTensors {
  /** Copies tensors there; those of the same names are replaced. */
  write(tensors: Iterable<readonly [string, TensorData]>): Promise<void>;
  /** Copies of held tensors on the host, in memory of their own. */
  read(names: Iterable<string>): Promise<Map<string, TensorData>>;
  /**
   * A graph whose inputs of held names are held tensors: a run is given the others only. Each output that `next`
   * names replaces, after a run, the held tensor that it stands for, and is not returned.
   */
  compile(graph: Graph, options?: HeldCompileOptions): Promise<Executable>;
  /** The tensors that the last run replaced are again as they were before it. Once for a run, before anything else is written. */
  revert(): void;
  /** Of all that was written, read and run so far. */
  readonly traffic: Traffic;
  /** Frees the tensors; executables that read them are to be released before. */
  release(): Promise<void>;
}

/** Something that computes graphs. */
export interface Device {
  readonly facts: DeviceFacts;
  compile(graph: Graph, options?: CompileOptions): Promise<Executable>;
  /** About the most bytes that a run of the graph will hold at once, beside its inputs; absent: it cannot tell. */
  peakBytes?(graph: Graph, options?: CompileOptions): number;
  /** Why it cannot compute products in this type; undefined where it can. Absent: it computes in float32 alone. */
  lacksPrecision?(type: NarrowType): Promise<string | undefined>;
  /**
   * Memory for tensors that are to stay; absent where a device computes in the host's memory. Graphs of devices that have
   * it also rely on sums and products of int32 that wrap around.
   */
  hold?(): HeldTensors;
}
