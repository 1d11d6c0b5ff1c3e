import type { Cache } from "../cache/open-cache.ts";
import type { HttpRequest } from "../cache/remote/http-exchange.ts";
import { HttpObjects } from "../cache/remote/http-objects.ts";
import { RemoteCache } from "../cache/remote/remote-cache.ts";
import type { RemoteObjects } from "../cache/remote/remote-objects.ts";
import { s3Objects } from "../cache/remote/s3-objects.ts";
import { parseTree } from "../engine/build/artifact-tree.ts";
import type { CliContext } from "./context.ts";
import type { RemoteSettings } from "./remote-settings.ts";

/** The remote cache of these settings over an open local one; `undefined` where there are none. */
export function openRemote(
  { environment }: Pick<CliContext, "environment">,
  cache: Cache,
  settings: RemoteSettings | undefined,
  onProblem: (message: string) => void,
): RemoteCache | undefined {
  if (settings === undefined) return undefined;
  const { trusted, signingKey } = settings;
  return new RemoteCache({
    cache,
    objects: objectsOf(settings, settings.isOwn ? environment : {}),
    trusted,
    ...(signingKey && { signingKey }),
    filesOfTree(bytes) {
      const tree = parseTree(bytes);
      return tree && Object.values(tree.files);
    },
    onProblem,
  });
}

function objectsOf({ url }: RemoteSettings, environment: CliContext["environment"]): RemoteObjects {
  if (url.protocol === "s3:") return bucketOf(url, environment);
  const token = environment.TUNESMITH_REMOTE_TOKEN ?? "";
  const authorize = (request: HttpRequest) => ({
    ...request,
    headers: { ...request.headers, authorization: `Bearer ${token}` },
  });
  return new HttpObjects({ base: url, ...(token !== "" && { authorize }) });
}

/** `s3://bucket/prefix`, with Amazon's usual variables; AWS_ENDPOINT_URL names another server. */
function bucketOf(url: URL, environment: CliContext["environment"]): RemoteObjects {
  const region = environment.AWS_REGION || environment.AWS_DEFAULT_REGION || "us-east-1";
  const endpoint = environment.AWS_ENDPOINT_URL || `https://s3.${region}.amazonaws.com`;
  const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "", AWS_SESSION_TOKEN } = environment;
  return s3Objects({
    endpoint: new URL(endpoint),
    bucket: url.host,
    prefix: url.pathname,
    region,
    credentials: {
      accessKeyId: AWS_ACCESS_KEY_ID,
      secretAccessKey: AWS_SECRET_ACCESS_KEY,
      ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
    },
  });
}
