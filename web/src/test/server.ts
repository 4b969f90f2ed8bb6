// A server for tests: answers by method and path, and remembers what was asked.
import { vi } from "vitest";

type Answer = { status?: number; body?: unknown; headers?: Record<string, string> };
interface Asked {
  method: string;
  path: string;
  query: Record<string, string>;
  body: unknown;
}
type Handler = Answer | ((asked: Asked) => Answer);

/** Stands in for fetch until the test ends. A call nobody foresaw fails loudly. */
export function stubServer(handlers: Record<string, Handler>) {
  const asked: Asked[] = [];
  const answers = new Map(Object.entries(handlers));
  vi.stubGlobal("fetch", async (request: Request) => {
    const url = new URL(request.url);
    const text = await request.text();
    const one: Asked = {
      method: request.method,
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      body: text ? JSON.parse(text) : undefined,
    };
    asked.push(one);
    const handler = answers.get(`${one.method} ${one.path}`);
    if (!handler) throw new Error(`no answer for ${one.method} ${one.path}`);
    const { status = 200, body, headers } = typeof handler === "function" ? handler(one) : handler;
    return new Response(body === undefined ? null : JSON.stringify(body), {
      status,
      headers: {
        "Content-Type": status >= 400 ? "application/problem+json" : "application/json",
        ...headers,
      },
    });
  });
  return {
    asked,
    /** The calls of one route, in order. */
    calls: (route: string) => asked.filter((one) => `${one.method} ${one.path}` === route),
    answer: (route: string, handler: Handler) => answers.set(route, handler),
  };
}

export function problem(status: number, code: string, detail: string, extra: object = {}): Answer {
  return {
    status,
    body: {
      type: `https://billhook.dev/problems/${code}`,
      title: code,
      status,
      code,
      detail,
      request_id: "req_test1",
      ...extra,
    },
  };
}
