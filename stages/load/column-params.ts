const column = { type: "string", minLength: 1 } as const;

/** The part of load's params that names the columns of a row's content. */
export const columnParams = {
  label: {
    description: "The column that holds the label. Without it rows have no label.",
    type: "string",
    minLength: 1,
    examples: ["section"],
  },
  labels: {
    ...column,
    description:
      "The column that holds any number of labels: a JSON list, or labels with `label_separator` between. For problem_type multi_label_classification.",
    examples: ["topics"],
  },
  label_separator: {
    type: "string",
    minLength: 1,
    description: "What stands between labels in a cell that is no JSON list. Without it a comma.",
    examples: [";", "|"],
  },
  numbers: {
    description:
      "The column, or the columns, of numbers that a model is to give. For problem_type regression.",
    examples: ["score", ["valence", "arousal"]],
    anyOf: [column, { type: "array", items: column, minItems: 1, uniqueItems: true }],
  },
  words: {
    description:
      "The column that holds the words of a text, where words have tags: a JSON list of strings, or words with spaces between. The text is then made of them, and `text` is not read.",
    type: "string",
    minLength: 1,
    examples: ["tokens"],
  },
  tags: {
    description:
      "The column that holds the tag of each word: a JSON list as long as the words', or tags with spaces between.",
    type: "string",
    minLength: 1,
    examples: ["ner_tags"],
  },
  tag_names: {
    description: "The names of tags that the column holds as numbers 0, 1, 2, …, in this order.",
    type: "array",
    minItems: 1,
    uniqueItems: true,
    items: { type: "string", minLength: 1 },
    examples: [["O", "B-PER", "I-PER"]],
  },
  prompt: {
    ...column,
    description:
      "The column that holds a prompt, which `completion` then goes on with, for causal-lm.",
    examples: ["question"],
  },
  completion: {
    ...column,
    description: "The column that holds what comes after the prompt.",
    examples: ["reply"],
  },
  source: {
    ...column,
    description:
      "The column that holds a text to be turned into another one, for sequence-to-sequence.",
    examples: ["en"],
  },
  target: {
    ...column,
    description: "The column that holds what the source is to become, such as its translation.",
    examples: ["fr"],
  },
  messages: {
    ...column,
    description:
      "The column that holds a conversation: a JSON list of messages, each with a role (system, user, assistant, …) and a content. The tokenize stage writes it out by a chat template.",
    examples: ["messages"],
  },
  question: {
    ...column,
    description:
      "The column that holds a question about the text in `context`, for question-answering.",
    examples: ["question"],
  },
  context: {
    ...column,
    description: "The column that holds the text in which the answer to the question stands.",
    examples: ["context"],
  },
  answers: {
    description:
      "The column that holds the answers to the question: JSON with text and answer_start, each one or a list; or two columns, of texts and of starts. A start counts characters (code points) of the context from 0. Without a text the question has no answer.",
    examples: ["answers", ["answer_text", "answer_start"]],
    anyOf: [column, { type: "array", items: column, minItems: 2, maxItems: 2 }],
  },
} as const;
