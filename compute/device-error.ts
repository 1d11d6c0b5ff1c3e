/** Thrown when a device is missing or is run with inputs that do not fit its graph. */
export class DeviceError extends Error {
  override readonly name = "DeviceError";
  readonly code: "device-missing" | "device-input";
  readonly hint: string;

  constructor(code: DeviceError["code"], message: string, hint: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.hint = hint;
  }
}
