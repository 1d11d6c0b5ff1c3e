/**
 * Training that cannot start or go on with what it was given. `code` is stable and searchable,
 * `message` says what is wrong with every value needed, `hint` what to do.
 */
export class TrainingError extends Error {
  override readonly name = "TrainingError";
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
