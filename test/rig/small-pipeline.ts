/** A small labelled data set: two topics told apart by their words. */
export const smallData = `text,label,source\n${Array.from({ length: 120 }, (_, n) => {
  const topic = n % 2 === 0 ? "game" : "tool";
  const words = topic === "game" ? ["play", "level", "score"] : ["file", "build", "parse"];
  return `${words[n % 3]} ${words[(n + 1) % 3]} item ${n},${topic},s${n % 40}`;
}).join("\n")}\n`;

/** The whole way from a CSV file to a saved model, in seconds: every built-in kind of stage once. */
export const smallPipeline = `name: small
seed: 7
stages:
  rows:
    uses: load
    with: { files: data.csv, text: text, label: label }
  clean:
    uses: clean
    in: rows
    with:
      rules: [unicode_nfc, collapse_whitespace, lowercase]
  split:
    uses: split
    in: clean
    with: { train: 0.6, validation: 0.2, test: 0.2, group: source }
  tokenizer:
    uses: train-tokenizer
    in: split
    with: { vocab_size: 120 }
  tokens:
    uses: tokenize
    in: { dataset: split, tokenizer: tokenizer }
    with: { max_length: 16 }
  train:
    uses: fine-tune
    in: tokens
    with:
      model:
        config: { model_type: bert, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32, max_position_embeddings: 16 }
      task: sequence-classification
      learning_rate: 0.0001
      num_train_epochs: 1
      per_device_train_batch_size: 16
  evaluate:
    uses: evaluate
    in: { model: train, dataset: tokens.test }
  save:
    uses: save
    in: { model: train, metrics: evaluate }
    with: { to: out/small }
`;
