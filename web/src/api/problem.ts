// A failed call, as one error type: what the server's problem document said, or
// that no answer came at all.

/** Why a call failed, in words fit for the reader. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** HTTP status; 0 when no answer arrived. */
  readonly status: number;
  /** The server's stable code, `network` when no answer arrived. */
  readonly code: string;
  readonly title: string;
  readonly requestId: string | null;
  /** Faults per input field, for forms. */
  readonly fields: Readonly<Record<string, string>>;
  readonly retryAfterSeconds: number | null;
  /** The problem document as received, for fields that belong to one code. */
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(init: {
    status: number;
    code: string;
    title: string;
    detail: string;
    requestId?: string | null;
    fields?: Record<string, string>;
    retryAfterSeconds?: number | null;
    extra?: Record<string, unknown>;
  }) {
    super(init.detail);
    this.status = init.status;
    this.code = init.code;
    this.title = init.title;
    this.requestId = init.requestId ?? null;
    this.fields = init.fields ?? {};
    this.retryAfterSeconds = init.retryAfterSeconds ?? null;
    this.extra = init.extra ?? {};
  }
}

/** Reads an `application/problem+json` body; anything else becomes a plain failure. */
export function problemFrom(response: Response, body: unknown): ApiError {
  const problem = isRecord(body) ? body : {};
  const retry = Number(problem.retry_after_seconds ?? response.headers.get("Retry-After"));
  return new ApiError({
    status: response.status,
    code: text(problem.code) ?? `http_${response.status}`,
    title: text(problem.title) ?? "The server could not do this",
    detail: text(problem.detail) ?? fallbackDetail(response.status),
    requestId: text(problem.request_id) ?? response.headers.get("Request-Id"),
    fields: isRecord(problem.fields) ? onlyText(problem.fields) : {},
    retryAfterSeconds: Number.isFinite(retry) && retry > 0 ? retry : null,
    extra: problem,
  });
}

/** No answer: offline, refused, or cut off. */
export function unreachable(): ApiError {
  return new ApiError({
    status: 0,
    code: "network",
    title: "No connection",
    detail: "The server did not answer. Check your connection and try again.",
  });
}

function fallbackDetail(status: number): string {
  return status >= 500
    ? "Something went wrong on our side. Nothing was changed unless a page says so."
    : "The request was refused.";
}

function onlyText(record: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record).filter((entry): entry is [string, string] => text(entry[1]) !== null),
  );
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
