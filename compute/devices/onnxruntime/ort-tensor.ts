import type { TensorData } from "../../device.ts";
import type { Shape } from "../../graph.ts";
import { ELEMENT_TYPES } from "../../onnx/model-proto.ts";
import type { Handle, OrtApi } from "./ort-api.ts";

/** A tensor of ONNX Runtime's, to be released. */
export class OrtTensor {
  readonly handle: Handle;
  readonly shape: Shape;
  readonly #api: OrtApi;
  /** Keeps the host's memory from being collected while ONNX Runtime knows its address. */
  readonly data: TensorData["data"] | undefined;

  private constructor(
    api: OrtApi,
    { handle, shape, data }: Pick<OrtTensor, "handle" | "shape" | "data">,
  ) {
    this.#api = api;
    this.handle = handle;
    this.shape = shape;
    this.data = data;
  }

  /** The elements where they lie on the host: sessions read and write them there. `memory` is the host's. */
  static onHost(api: OrtApi, memory: Handle, { dtype, shape, data }: TensorData): OrtTensor {
    const handle = api.make(
      "CreateTensorWithDataAsOrtValue",
      memory,
      data,
      data.byteLength,
      sizes(shape),
      shape.length,
      ELEMENT_TYPES[dtype],
    );
    return new OrtTensor(api, { handle, shape, data });
  }

  /** Room for elements of float32 that an allocator gives. */
  static allocated(api: OrtApi, allocator: Handle, shape: Shape): OrtTensor {
    const type = ELEMENT_TYPES.float32;
    const [dimensions, rank] = [sizes(shape), shape.length];
    const handle = api.make("CreateTensorAsOrtValue", allocator, dimensions, rank, type);
    return new OrtTensor(api, { handle, shape, data: undefined });
  }

  release(): void {
    this.#api.release("ReleaseValue", this.handle);
  }
}

const sizes = (shape: Shape) => BigInt64Array.from(shape, BigInt);
