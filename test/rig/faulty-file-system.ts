import {
  type FileSystem,
  nodeFileSystem,
  type OpenFile,
  systemError,
} from "../../cache/file-system.ts";

/** A real file system that counts calls and, from a chosen call on, fails. */
export interface FaultyFileSystem {
  readonly fileSystem: FileSystem;
  /** How many calls were made so far. */
  readonly calls: number;
  /** The names of the calls, in order. */
  readonly names: readonly string[];
}

/**
 * Fails call number `at` (counted from 1) with a system error. `once`: only that call, as a disk in
 * trouble does. `dead`: that call and all after it, as a process killed at that point makes none. `killed`: this process is.
 */
export function faultyFileSystem({
  at = Number.POSITIVE_INFINITY,
  code = "EIO",
  how = "once",
  over = nodeFileSystem,
}: {
  over?: FileSystem;
  at?: number;
  code?: string;
  how?: "once" | "dead" | "killed";
} = {}): FaultyFileSystem {
  const names: string[] = [];
  const enter = (name: string, path: string) => {
    names.push(name);
    if (how === "killed" && names.length === at) process.kill(process.pid, "SIGKILL");
    if (how === "dead" ? names.length >= at : names.length === at)
      throw systemError(code, name, path);
  };
  const counted = <T extends object>(target: T, path: string): T =>
    new Proxy(target, {
      get(object, name) {
        const method: unknown = Reflect.get(object, name);
        // A dead process's descriptors are closed by the kernel, and a close that fails has closed.
        if (name === "close" || typeof method !== "function") return method;
        return (...given: unknown[]) => {
          const isSync = String(name).endsWith("Sync");
          const act = () => {
            enter(String(name), path || String(given[0]));
            return method(...given);
          };
          if (isSync) return act();
          return (async () => {
            const result = await act();
            return String(name).startsWith("open")
              ? counted(result as OpenFile, String(given[0]))
              : result;
          })();
        };
      },
    });
  return {
    fileSystem: counted(over, ""),
    names,
    get calls() {
      return names.length;
    },
  };
}
