import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import {
  type Features,
  featuresOfCard,
  featuresOfJson,
  withNames,
} from "../../stages/load/dataset-features.ts";

// Both as datasets 5 writes the same features; Sequence is what older releases wrote for List.
const json = `{"text": {"dtype": "string", "_type": "Value"}, "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
  "tags": {"feature": {"names": ["O", "B-X"], "_type": "ClassLabel"}, "_type": "Sequence"},
  "nested": {"feature": {"feature": {"names": ["no", "yes"], "_type": "ClassLabel"}, "_type": "List"}, "_type": "List"},
  "ids": {"feature": {"dtype": "int32", "_type": "Value"}, "_type": "List"}}`;
const card = `
- name: text
  dtype: string
- name: label
  dtype:
    class_label:
      names:
        '0': neg
        '1': pos
- name: tags
  sequence:
    class_label:
      names:
        '0': O
        '1': B-X
- name: nested
  list:
    list:
      class_label:
        names:
          '0': 'no'
          '1': 'yes'
- name: ids
  list: int32
`;

const expected: Features = new Map([
  ["label", { names: ["neg", "pos"] }],
  ["tags", { items: { names: ["O", "B-X"] } }],
  ["nested", { items: { items: { names: ["no", "yes"] } } }],
]);

test("labels and lists of labels, as JSON and as YAML", () => {
  assert.deepEqual(featuresOfJson(JSON.parse(json)), expected);
  assert.deepEqual(featuresOfCard(parse(card)), expected);
});

test("numbers get their names; -1 and numbers without one are no label", () => {
  const named = (column: string, value: unknown) => withNames(value, expected.get(column));
  assert.equal(named("label", 1), "pos");
  assert.equal(named("label", 0n), "neg");
  assert.deepEqual(
    [named("label", -1), named("label", 7), named("label", null)],
    [null, null, null],
  );
  assert.deepEqual(named("nested", [[0, 1], []]), [["no", "yes"], []]);
  assert.equal(named("text", 3), 3);
  assert.equal(named("label", "pos"), "pos");
});

test("what is no features at all says nothing", () => {
  for (const value of [undefined, null, 3, "x", [], { label: null }, { label: { names: [1] } }])
    assert.deepEqual([featuresOfJson(value).size, featuresOfCard(value).size], [0, 0]);
});
