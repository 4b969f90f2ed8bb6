import { makeMock } from "./api.mjs";

/** Answers the API from memory while `npm run dev` runs without a server. */
export function mockApi() {
  return {
    name: "billhook-mock-api",
    apply: "serve",
    configureServer(server) {
      server.middlewares.use(makeMock());
    },
  };
}
