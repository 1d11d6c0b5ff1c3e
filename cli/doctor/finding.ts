/** One thing that the doctor looked at. */
export interface Finding {
  readonly name: string;
  /** `ok`: works. `note`: works, but worth knowing. `absent`: not there, and not needed. `failed`: needed, and does not work. */
  readonly state: "ok" | "note" | "absent" | "failed";
  readonly detail: string;
  readonly hint?: string;
}
