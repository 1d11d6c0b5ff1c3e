/** What the starter pipeline names. */
export interface StarterNames {
  readonly name: string;
  /** Path of the JSON Schema, from the pipeline file. */
  readonly schema: string;
  /** Path of the data, from the pipeline file. */
  readonly data: string;
}

/** A commented pipeline that trains a small text classifier from random weights. */
export function starterPipeline({ name, schema, data }: StarterNames): string {
  return `# yaml-language-server: $schema=${schema}
# $schema: ${schema}
name: ${name}
seed: 42

stages:
  # Rows with a text and a label. Also: tsv, jsonl, txt; a list of files; a map from split to files.
  rows:
    uses: load
    with: { files: ${data}, text: text, label: label }

  # What is done to each text, in this order. What no rule does, a stage of your own can: "uses: ./my-stage.ts".
  clean:
    uses: clean
    in: rows
    with:
      rules: [unicode_nfc, collapse_whitespace, drop_empty, drop_duplicates]

  # Which row goes where depends on its content: adding rows moves no others.
  split:
    uses: split
    in: clean
    with: { train: 0.7, validation: 0.15, test: 0.15, stratify: label }

  # A vocabulary of your own texts. With a checkpoint, leave this stage out and
  # write "tokenizer: models/bert-base-uncased" under "with" of the stage "tokens".
  tokenizer:
    uses: train-tokenizer
    in: split.train
    with: { vocab_size: 500, min_frequency: 1 }

  tokens:
    uses: tokenize
    in: { dataset: split, tokenizer: tokenizer }
    with: { max_length: 32 }

  # Parameters are called as in Hugging Face TrainingArguments.
  # To start from a checkpoint, write "model: models/bert-base-uncased".
  train:
    uses: fine-tune
    in: tokens
    with:
      model:
        config:
          model_type: bert
          hidden_size: 64
          num_hidden_layers: 2
          num_attention_heads: 2
          intermediate_size: 128
      learning_rate: 1e-3
      num_train_epochs: 10
      per_device_train_batch_size: 8

  evaluate:
    uses: evaluate
    in: { model: train, dataset: tokens.test }
    # The run fails below this:
    # require: { accuracy: ">= 0.8" }

  # A folder that Python transformers and transformers.js open.
  save:
    uses: save
    in: { model: train, metrics: evaluate }
    with: { to: out/${name} }
`;
}

const TEXTS = {
  billing: [
    "I was charged twice for the same month",
    "My invoice shows the wrong company name",
    "How do I change the credit card on file",
    "Please refund the payment from last week",
    "The receipt for my order never arrived by mail",
    "Why did the price of my plan go up",
    "I want to cancel my subscription and get my money back",
    "The discount code was not applied to the bill",
    "Can I pay by bank transfer instead of card",
    "There is a fee on the invoice that I do not know",
    "My payment was declined although the card is valid",
    "Please send the invoice for the last quarter again",
  ],
  delivery: [
    "The parcel has not arrived after two weeks",
    "The box was open and one item is missing",
    "Can you deliver to another address tomorrow",
    "Tracking says delivered but nothing is at the door",
    "The courier left my package in the rain",
    "How long does shipping to Norway take",
    "I received the wrong colour and size",
    "Please hold the parcel until I am back home",
    "The order was sent to my old address",
    "Half of the delivery is broken glass",
    "When will the missing package be shipped again",
    "The driver did not ring and took the parcel back",
  ],
  technical: [
    "The app crashes when I open the settings",
    "I cannot log in after the last update",
    "The page stays white in my browser",
    "Uploading a photo ends with an error message",
    "The password reset link does not work",
    "Search finds nothing although the file exists",
    "The program is very slow on my new laptop",
    "After the update all buttons are gone",
    "The export button does nothing at all",
    "My account is locked and the login page loops",
    "Sync between phone and computer has stopped",
    "The installer fails with an unknown error code",
  ],
} as const;

/** Rows for the starter pipeline: messages to a shop, labelled with who should answer them. */
export function starterData(): string {
  const longest = Math.max(...Object.values(TEXTS).map((texts) => texts.length));
  const rows = Array.from({ length: longest }, (_, i) =>
    Object.entries(TEXTS).flatMap(([label, texts]) => {
      const text: string | undefined = texts[i];
      return text === undefined ? [] : [`${text},${label}\n`];
    }),
  );
  return `text,label\n${rows.flat().join("")}`;
}
