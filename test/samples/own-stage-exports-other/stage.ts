interface Context {
  readonly rows: readonly string[];
}

export default { outputs: {}, run: ({ rows }: Context) => rows };
