import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { mockApi } from "./mock/vite-plugin.mjs";

// `npm run dev` talks to the mock; with BILLHOOK_URL it talks to a running server.
const server = process.env.BILLHOOK_URL;

export default defineConfig({
  plugins: [react(), tailwindcss(), ...(server ? [] : [mockApi()])],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: {
    host: "127.0.0.1",
    ...(server ? { proxy: { "/api": { target: server, changeOrigin: true } } } : {}),
  },
  build: {
    target: "es2023",
    // Everything is a file of its own, so that the policy needs no `data:` for scripts or styles.
    assetsInlineLimit: 0,
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test/setup.ts"],
    restoreMocks: true,
    unstubGlobals: true,
  },
});
