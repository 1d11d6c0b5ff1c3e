/** training/kernels.wat, assembled, in base64. */
export const kernelBytes =
  "AGFzbQEAAAABJQRgDH9/f39/fX19fX19fQBgAXsBe2ADe39/AXtgBn9/f39/fwADBQQAAQIDBQMBAAQHHwMGbWVtb3J5AgAEYWRhbQAAC2Ryb3BvdXRNYXNrAAMKnAME0QECAX8DeyAAIARBAnRqIQwDQCAB/QAEACAF/RP95gEhDSAC/QAEACAG/RP95gEgDUMAAIA/IAaT/RP95gH95AEhDiAD/QAEACAH/RP95gEgDSAN/eYBQwAAgD8gB5P9E/3mAf3kASEPIAIgDv0LBAAgAyAP/QsEACAAIAD9AAQAIAv9E/3mASAOIAj9E/3mASAP/eMBIAn9E/3mASAK/RP95AH95wH95QH9CwQAIABBEGohACABQRBqIQEgAkEQaiECIANBEGohAyAAIAxJDQALC0UAIAAgAEEQ/a0B/VEhACAAQa3Vwo8C/RH9tQEhACAAIABBD/2tAf1RIQAgAEGX2+iaff0R/bUBIQAgACAAQQ/9rQH9UQsUACAAEAEgAf0R/VEQASAC/RD9NgtsAgF/AXsgACABaiEGIAIgA2r9Ef0MAAAAAAEAAAACAAAAAwAAAP2uASEHA0AgACAHIAQgBRACIAdBBP0R/a4BIAQgBRAC/WVBAf0P/U79CwQAIAdBCP0R/a4BIQcgAEEQaiEAIAAgBkkNAAsL";

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
