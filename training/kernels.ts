/** training/kernels.wat, assembled, in base64. */
export const kernelBytes =
  "AGFzbQEAAAABJwRgDn9/f39/fX19fX19fX19AGABewF7YAN7f38Be2AGf39/f39/AAMFBAABAgMFAwEABAcfAwZtZW1vcnkCAARhZGFtAAALZHJvcG91dE1hc2sAAwqQAwTFAQIBfwN7IAAgBEECdGohDgNAIAH9AAQAIAX9E/3mASEPIAL9AAQAIAb9E/3mASAPIAf9E/3mAf3kASEQIAP9AAQAIAj9E/3mASAPIA/95gEgCf0T/eYB/eQBIREgAiAQ/QsEACADIBH9CwQAIAAgAP0ABAAgDf0T/eYBIBAgCv0T/eYBIBH94wEgC/0T/eYBIAz9E/3kAf3nAf3lAf0LBAAgAEEQaiEAIAFBEGohASACQRBqIQIgA0EQaiEDIAAgDkkNAAsLRQAgACAAQRD9rQH9USEAIABBrdXCjwL9Ef21ASEAIAAgAEEP/a0B/VEhACAAQZfb6Jp9/RH9tQEhACAAIABBD/2tAf1RCxQAIAAQASAB/RH9URABIAL9EP02C2wCAX8BeyAAIAFqIQYgAiADav0R/QwAAAAAAQAAAAIAAAADAAAA/a4BIQcDQCAAIAcgBCAFEAIgB0EE/RH9rgEgBCAFEAL9ZUEB/Q/9Tv0LBAAgB0EI/RH9rgEhByAAQRBqIQAgACAGSQ0ACws=";

// What is used of WebAssembly's API: its types come with those of the DOM, which is not here.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface Kernels {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Parameter, gradient, both moments (pointers), count, then the coefficients. */
  adam(...numbers: number[]): void;
  /** Mask (pointer), count, index, both words of the key, threshold. */
  dropoutMask(...numbers: number[]): void;
}

const { exports } = new WebAssembly.Instance(
  new WebAssembly.Module(Buffer.from(kernelBytes, "base64")),
);

/** The functions of kernels.wat, and the memory through which elements pass in pieces. */
export const kernels = exports as Kernels;
