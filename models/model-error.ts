/**
 * A model, checkpoint or configuration that cannot be used as it is. `code` is stable and
 * searchable, `message` says what is wrong with every value needed, `hint` what to do.
 */
export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
