// The only place that calls fetch. Everything else goes through `api` and `answer`.
import createClient from "openapi-fetch";
import { noteServerTime } from "@/lib/time";
import { ApiError, problemFrom, unreachable } from "./problem";
import type { paths } from "./schema";

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: "same-origin",
  // Looked up at each call: openapi-fetch would otherwise keep the first one,
  // and tests could not stand in for the server.
  fetch: async (request) => {
    const response = await globalThis.fetch(request);
    noteServerTime(response.headers.get("Date"));
    return response;
  },
});

/** Awaits a call of `api` and gives its body, or throws an `ApiError`. */
export async function answer<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  let result: { data?: T; error?: unknown; response: Response };
  try {
    result = await call;
  } catch (cause) {
    if (cause instanceof ApiError || isAbort(cause)) throw cause;
    throw unreachable();
  }
  if (!result.response.ok) throw problemFrom(result.response, result.error);
  return result.data as T;
}

function isAbort(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === "AbortError";
}
