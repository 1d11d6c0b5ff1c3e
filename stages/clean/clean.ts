import { createRequire } from "node:module";
import type { FromSchema } from "json-schema-to-ts";
import { defineStage, type ParamsProblem, type ParamsSchema } from "../../engine/stage.ts";
import { dataset } from "../artifacts/dataset.ts";
import { report } from "../artifacts/report.ts";

const count = { type: "integer", minimum: 0 } as const;

const params = {
  type: "object",
  properties: {
    rules: {
      description:
        "What is done to each row's text, in this order. A rule is a name, or a map of one name to its setting.",
      examples: [
        ["unicode_nfc", "strip_html", "collapse_whitespace", { min_characters: 12 }],
        [{ replace: { pattern: "https?://\\S+", with: "<url>" } }, "drop_duplicates"],
      ],
      type: "array",
      items: {
        anyOf: [
          {
            description:
              "unicode_nfc: composed form. strip_html: markup away, entities decoded, scripts and styles dropped. collapse_whitespace: runs of white space become one space, none at the ends. strip_control: control characters, zero-width spaces and byte order marks away, line breaks and tabs kept. lowercase. drop_empty: drops rows of white space only. drop_duplicates: drops rows whose text came before.",
            type: "string",
            enum: [
              "unicode_nfc",
              "strip_html",
              "collapse_whitespace",
              "strip_control",
              "lowercase",
              "drop_empty",
              "drop_duplicates",
            ],
          },
          {
            type: "object",
            minProperties: 1,
            maxProperties: 1,
            properties: {
              min_characters: {
                ...count,
                description: "Drops rows with fewer characters (Unicode code points).",
              },
              max_characters: {
                ...count,
                description: "Drops rows with more characters (Unicode code points).",
              },
              truncate_characters: {
                ...count,
                description: "Cuts texts after this many characters (Unicode code points).",
              },
              drop_duplicates: {
                description:
                  "What makes two rows equal. The first is kept, across splits too; the split `train` comes last, so that it loses what held-out splits have.",
                type: "string",
                enum: ["text", "text_and_label"],
              },
              replace: {
                description:
                  "Replaces every match of a regular expression (RE2 syntax: linear time, no look-around, no backreferences); $1 in `with` stands for the first group.",
                type: "object",
                properties: {
                  pattern: { type: "string", minLength: 1 },
                  with: { type: "string" },
                },
                required: ["pattern", "with"],
                additionalProperties: false,
              },
            },
            additionalProperties: false,
          },
        ],
      },
    },
  },
  required: ["rules"],
  additionalProperties: false,
} as const satisfies ParamsSchema;

/** `with` of the clean stage. */
export type CleanParams = FromSchema<typeof params>;

/** A rule as the user wrote it. */
export type RuleParams = CleanParams["rules"][number];

/** Changes texts and drops rows by a list of named rules. */
export const clean = defineStage({
  kind: "clean",
  version: 1,
  description: "Changes texts and drops rows by a list of named rules.",
  params,
  inputs: { dataset: { type: dataset, description: "The rows to clean." } },
  outputs: {
    dataset: { type: dataset, description: "The rows that are left, in their order." },
    report: { type: report, description: "What each rule changed and dropped, with examples." },
  },
  seeded: false,
  deterministic: true,
  environment: [],
  parts: (_: CleanParams, inputs) => (inputs.dataset ? { dataset: inputs.dataset } : {}),
  check: ({ rules }: CleanParams) => rules.flatMap(patternProblems),
  async run(context) {
    const { cleanDataset } = await import("./clean-dataset.ts");
    return cleanDataset(context);
  },
});

/** The engine for regular expressions is loaded only for pipelines that have one. */
function patternProblems(rule: RuleParams, index: number): ParamsProblem[] {
  if (typeof rule === "string" || rule.replace === undefined) return [];
  const require = createRequire(import.meta.url);
  const { RE2JS } = require("re2js") as typeof import("re2js");
  try {
    RE2JS.compile(rule.replace.pattern);
    return [];
  } catch (error) {
    return [
      {
        at: ["rules", index, "replace", "pattern"],
        code: "invalid-pattern",
        message: `This is not a regular expression of the RE2 syntax: ${(error as Error).message.replace("error parsing regexp: ", "")}.`,
        hint: "look-around and backreferences do not exist in RE2: they cannot be matched in linear time",
      },
    ];
  }
}
