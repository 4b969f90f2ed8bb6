// One polite live region for the whole app: results of things the reader
// started are said here as well as shown.
import { useSyncExternalStore } from "react";

let current = "";
const listeners = new Set<() => void>();

export function announce(message: string): void {
  // A zero-width space makes the same sentence twice in a row two changes.
  current = message === current ? `${message}\u200b` : message;
  for (const listener of listeners) listener();
}

export function useAnnouncement(): string {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
