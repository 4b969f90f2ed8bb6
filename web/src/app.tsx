// Joins the query cache and the router: retries, and what happens when a session ends.
import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import type { RouterHistory } from "@tanstack/react-router";
import { ApiError } from "./api/problem";
import { sessionQuery } from "./features/identity/session";
import { makeRouter } from "./routes/router";

export function makeApp(history?: RouterHistory) {
  const signedOut = (error: unknown) => {
    if (!(error instanceof ApiError) || error.status !== 401) return;
    // A wrong password is also a 401; only the end of a session sends to log-in.
    if (!queryClient.getQueryData(sessionQuery.queryKey)) return;
    const { pathname, searchStr } = router.state.location;
    queryClient.clear();
    queryClient.setQueryData(sessionQuery.queryKey, null);
    void router.navigate({ to: "/login", search: { next: pathname + searchStr } });
  };

  const queryClient = new QueryClient({
    queryCache: new QueryCache({ onError: signedOut }),
    mutationCache: new MutationCache({ onError: signedOut }),
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        // What the server refused it will refuse again; only absence is worth a second try.
        retry: (count, error) =>
          count < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 502),
      },
      mutations: { retry: false },
    },
  });
  const router = makeRouter(queryClient, history);
  return { queryClient, router };
}
