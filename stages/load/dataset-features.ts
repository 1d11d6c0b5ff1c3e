/** What a column of a Hugging Face dataset holds, as far as it changes how values are shown. */
export interface Feature {
  /** Names of numbers 0, 1, 2, …: a ClassLabel's. */
  readonly names?: readonly string[];
  /** Of the items of a list. */
  readonly items?: Feature;
}

/** The features of a dataset's columns by name. */
export type Features = ReadonlyMap<string, Feature>;

/**
 * The features that datasets writes as JSON: `info.features` in the metadata of a Parquet file, `features` in
 * dataset_info.json. https://huggingface.co/docs/datasets/about_dataset_features
 */
export function featuresOfJson(json: unknown): Features {
  return featuresOf(Object.entries(objectOf(json) ?? {}), featureOfJson);
}

/** The features in the front matter of a dataset's README.md, a list of `{ name, dtype, … }`. */
export function featuresOfCard(list: unknown): Features {
  const given = Array.isArray(list) ? list.map((item) => objectOf(item) ?? {}) : [];
  return featuresOf(
    given.map((item) => [String(item.name), item]),
    featureOfCard,
  );
}

/** A value with the names of its labels: a number that has none stands for no label, as -1 does. */
export function withNames(value: unknown, feature: Feature | undefined): unknown {
  const { names, items } = feature ?? {};
  if (Array.isArray(value) && items) return value.map((item) => withNames(item, items));
  const isNumber = typeof value === "number" || typeof value === "bigint";
  return names && isNumber ? (names[Number(value)] ?? null) : value;
}

function featuresOf(
  given: readonly (readonly [string, unknown])[],
  read: (value: unknown) => Feature | undefined,
): Features {
  const features = new Map<string, Feature>();
  for (const [name, value] of given) {
    const feature = read(value);
    if (feature) features.set(name, feature);
  }
  return features;
}

/** `{ _type: "ClassLabel", names }`; lists are `{ _type: "List" or "Sequence", feature }` or a list of one. */
function featureOfJson(json: unknown): Feature | undefined {
  if (Array.isArray(json)) return listOf(featureOfJson(json[0]));
  const { _type: type, names, feature } = objectOf(json) ?? {};
  if (type === "ClassLabel") return namesOf(names);
  return feature === undefined ? undefined : listOf(featureOfJson(feature));
}

/** `dtype: { class_label: { names: { "0": … } } }`; lists have `list` or `sequence` instead of `dtype`. */
function featureOfCard(card: unknown): Feature | undefined {
  const { dtype, list, sequence } = objectOf(card) ?? {};
  const items = list ?? sequence;
  if (items !== undefined) return listOf(featureOfCard(items));
  const label = objectOf(objectOf(dtype)?.class_label ?? objectOf(card)?.class_label);
  return namesOf(Object.values(objectOf(label?.names) ?? {}));
}

function listOf(items: Feature | undefined): Feature | undefined {
  return items && { items };
}

function namesOf(names: unknown): Feature | undefined {
  const isList = Array.isArray(names) && names.every((name) => typeof name === "string");
  return isList && names.length > 0 ? { names } : undefined;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
}
