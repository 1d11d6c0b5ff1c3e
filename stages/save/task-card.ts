import type { Learning } from "../trained-tasks.ts";

/** What a model card says in another way for each task. */
export interface TaskCard {
  /** Of the Hub, and of the pipelines of transformers and transformers.js. */
  readonly pipelineTag: string;
  readonly title: string;
  /** After "A … model that". */
  gives(labels: number): string;
  /** What `name` metrics the Hub's leaderboards read: type, name there, name here. */
  readonly scores: readonly (readonly [type: string, name: string, metric: string])[];
  /** What a model is given in the examples of its use: on the command line, in JavaScript, in Python. */
  readonly asked?: readonly [shell: string, js: string, python: string];
  readonly data: string;
  /** What training made smaller; absent: the mean cross-entropy. */
  readonly loss?: string;
  readonly classTitle: string;
  /** What `support` counts. */
  readonly classUnit: string;
  readonly limits: readonly string[];
  readonly caution: string;
}

const languageModel = {
  scores: [
    ["perplexity", "Perplexity", "perplexity"],
    ["loss", "Loss", "loss"],
  ],
  data: "texts",
  classTitle: "",
  classUnit: "",
  limits: ["What it says is likely after its training data, which need not be true."],
  caution: "A language model repeats",
} as const;

/** The cards of the tasks that can be saved. */
export const taskCards: Readonly<Record<Learning, TaskCard>> = {
  "sequence-classification": {
    pipelineTag: "text-classification",
    title: "Text classifier",
    gives: (labels) => `gives a text one of ${labels} labels`,
    scores: [
      ["accuracy", "Accuracy", "accuracy"],
      ["f1", "Macro F1", "macro_f1"],
      ["f1", "Weighted F1", "weighted_f1"],
      ["loss", "Loss", "loss"],
    ],
    data: "labelled texts",
    classTitle: "Label",
    classUnit: "rows",
    limits: [
      "The model always gives one of its labels, also to a text that none of them fits.",
      "Scores are softmax outputs and were not calibrated: 0.9 does not mean right nine times in ten.",
    ],
    caution: "A classifier repeats",
  },
  multi_label_classification: {
    pipelineTag: "text-classification",
    title: "Text classifier of several labels",
    gives: (labels) => `gives a text any of ${labels} labels`,
    scores: [
      ["f1", "Micro F1", "micro_f1"],
      ["f1", "Macro F1", "macro_f1"],
      ["f1", "Weighted F1", "weighted_f1"],
      ["accuracy", "Subset accuracy", "subset_accuracy"],
      ["loss", "Loss", "loss"],
    ],
    data: "texts with any number of labels",
    loss: "mean binary cross-entropy of all labels",
    classTitle: "Label",
    classUnit: "rows",
    limits: [
      "Each label is given or not by itself: a text may get none, or labels that exclude each other.",
      "Scores are sigmoid outputs and were not calibrated; a threshold for each label may serve better than one for all.",
    ],
    caution: "A classifier repeats",
  },
  regression: {
    pipelineTag: "text-classification",
    title: "Text rater",
    gives: (numbers) =>
      numbers === 1 ? "gives a text a number" : `gives a text ${numbers} numbers`,
    scores: [
      ["mse", "Mean squared error", "mse"],
      ["mae", "Mean absolute error", "mae"],
      ["r_squared", "R2", "r2"],
      ["pearsonr", "Pearson correlation", "pearson"],
      ["spearmanr", "Spearman correlation", "spearmanr"],
    ],
    data: "texts with numbers",
    loss: "mean squared error",
    classTitle: "",
    classUnit: "",
    limits: [
      "Numbers are not held to the range of the training data.",
      "The model says nothing of how sure it is of a number.",
    ],
    caution: "A model of numbers repeats",
  },
  "token-classification": {
    pipelineTag: "token-classification",
    title: "Word tagger",
    gives: (labels) => `gives each word of a text one of ${labels} tags`,
    scores: [
      ["precision", "Precision", "precision"],
      ["recall", "Recall", "recall"],
      ["f1", "F1", "f1"],
      ["accuracy", "Accuracy", "accuracy"],
      ["loss", "Loss", "loss"],
    ],
    data: "texts whose words have tags",
    classTitle: "Type",
    classUnit: "times",
    limits: [
      "A word is tagged by its first token; the training data says where words begin and end.",
      "Where tags mark entities, precision, recall and F1 count whole entities, right only where both ends and the type are.",
    ],
    caution: "A tagger repeats",
  },
  "question-answering": {
    pipelineTag: "question-answering",
    title: "Answerer of questions",
    gives: () => "finds the answer to a question in a text",
    scores: [
      ["exact_match", "Exact match", "exact_match"],
      ["f1", "F1", "f1"],
      ["loss", "Loss", "loss"],
    ],
    asked: [
      '"Who wrote it?" --context "Ada Lovelace wrote it."',
      '"Who wrote it?", "Ada Lovelace wrote it."',
      'question="Who wrote it?", context="Ada Lovelace wrote it."',
    ],
    data: "questions with answers that are stretches of texts",
    loss: "mean cross-entropy of the answer's first and last token",
    classTitle: "",
    classUnit: "",
    limits: [
      "An answer is always a stretch of the text, also where the text does not hold it or where several stretches are needed.",
      "Python transformers 5 has no pipeline for questions: the one shown is of version 4; AutoModelForQuestionAnswering opens the model in both.",
      "Exact match and F1 are in percent and forgive case, punctuation and English articles, as SQuAD's script does.",
    ],
    caution: "A model of answers repeats",
  },
  "masked-lm": {
    ...languageModel,
    pipelineTag: "fill-mask",
    title: "Masked language model",
    gives: () => "finds hidden words",
  },
  "causal-lm": {
    ...languageModel,
    pipelineTag: "text-generation",
    title: "Language model",
    gives: () => "goes on with a text",
  },
  "sequence-to-sequence": {
    ...languageModel,
    pipelineTag: "text2text-generation",
    title: "Text-to-text model",
    gives: () => "turns a text into another one",
    scores: [
      ["bleu", "BLEU", "bleu"],
      ["chrf", "chrF", "chrf"],
      ["exact_match", "Exact match", "exact_match"],
      ...languageModel.scores,
    ],
    data: "texts with what they are to become",
    limits: ["What it writes can be wrong, or leave out parts of the text, and still read well."],
    caution: "A text-to-text model repeats",
  },
};
