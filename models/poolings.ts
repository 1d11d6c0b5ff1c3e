/** Ways to make one vector of a row's last hidden states, by sentence-transformers' names. Apart from what does it: these names are read at each start. */
export const poolings = ["mean", "cls", "max", "lasttoken"] as const;
/** One of them. */
export type Pooling = (typeof poolings)[number];
