import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";
import * as z from "zod/mini";

z.config({ jitless: true });

// jsdom has no layout and no media; the pages only ask.
window.matchMedia ??= (query: string) =>
  ({
    matches: false,
    media: query,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  }) as unknown as MediaQueryList;
window.scrollTo = () => undefined;
Element.prototype.scrollIntoView ??= () => undefined;
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};

afterEach(cleanup);
