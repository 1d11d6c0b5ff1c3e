/** training/kernels.wat, assembled, in base64. */
export const kernelBytes =
  "AGFzbQEAAAABKQRgDn9/f39/fX19fX19fX19AGABfwF/YAN/f38Bf2AIf39/f39/f38AAwUEAAECAwUDAQAEBx8DBm1lbW9yeQIABGFkYW0AAAtkcm9wb3V0TWFzawADCp8EBMUBAgF/A3sgACAEQQJ0aiEOA0AgAf0ABAAgBf0T/eYBIQ8gAv0ABAAgBv0T/eYBIA8gB/0T/eYB/eQBIRAgA/0ABAAgCP0T/eYBIA8gD/3mASAJ/RP95gH95AEhESACIBD9CwQAIAMgEf0LBAAgACAA/QAEACAN/RP95gEgECAK/RP95gEgEf3jASAL/RP95gEgDP0T/eQB/ecB/eUB/QsEACAAQRBqIQAgAUEQaiEBIAJBEGohAiADQRBqIQMgACAOSQ0ACws0ACAAIABBEHZzIQAgAEGt1cKPAmwhACAAIABBD3ZzIQAgAEGX2+iafWwhACAAIABBD3ZzCy4BAX8gAEEBahABQRV0IABBAXRBAWpqIQMgAyABbCACaiEDIAMgAyADbGxBAWoL8QECA38GeyAH/REhDCAEIAJqIQggACEJA0AgBCAFIAYQAv0RIQsgCSEAIAAgA2ohCgNAIAH9AAQAIAv9rgEhDSAB/QAEECAL/a4BIQ4gAf0ABCAgC/2uASEPIAH9AAQwIAv9rgEhECAJIA0gDSAN/bUB/bUBIAz9OyAOIA4gDv21Af21ASAM/Tv9hQEgDyAPIA/9tQH9tQEgDP07IBAgECAQ/bUB/bUBIAz9O/2FAf1lQQH9D/1O/QsEACABQcAAaiEBIAlBEGohCSAJIApJDQALIAEgCSAAa0ECdGshASAKIQkgBEEBaiEEIAQgCEkNAAsL";

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
