// Joins react-hook-form, zod/mini and the server's field faults.
import type { FieldPath, FieldValues, Resolver, UseFormSetError } from "react-hook-form";
import type * as z from "zod/mini";
import { ApiError } from "@/api/problem";

/** A resolver for flat forms. */
export function resolve<T extends FieldValues>(schema: z.ZodMiniType<T, T>): Resolver<T> {
  return (values) => {
    const parsed = schema.safeParse(values);
    if (parsed.success) return { values: parsed.data, errors: {} };
    const errors: Record<string, { type: string; message: string }> = {};
    for (const issue of parsed.error.issues) {
      const field = issue.path.join(".");
      errors[field] ??= { type: issue.code ?? "invalid", message: issue.message };
    }
    // The library's error type follows T's shape, which a flat record satisfies.
    return { values: {}, errors: errors as never };
  };
}

/** Puts the server's faults beside their inputs; false when there were none to place. */
export function placeFaults<T extends FieldValues>(
  error: unknown,
  known: readonly FieldPath<T>[],
  setError: UseFormSetError<T>,
): boolean {
  if (!(error instanceof ApiError)) return false;
  let placed = false;
  for (const field of known) {
    const message = error.fields[field];
    if (message === undefined) continue;
    setError(field, { type: "server", message }, { shouldFocus: !placed });
    placed = true;
  }
  return placed;
}
