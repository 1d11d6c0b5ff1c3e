/** What is wrong with a device: it is not there, was given what its graph does not read, or gave up. */
export type DeviceErrorCode = "device-missing" | "device-input" | "device-memory" | "device-lost";

/** Thrown when a device is missing, is run with inputs that do not fit its graph, or fails at work. */
export class DeviceError extends Error {
  override readonly name = "DeviceError";
  readonly code: DeviceErrorCode;
  readonly hint: string;

  constructor(code: DeviceErrorCode, message: string, hint: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.hint = hint;
  }
}
