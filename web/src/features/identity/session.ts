// Who is signed in. Every page asks this one query; nothing else keeps a copy.
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "@/api/client";
import { ApiError } from "@/api/problem";
import type { Me } from "@/api/types";

/** The signed-in user, or null for a visitor. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }): Promise<Me | null> => {
    try {
      return await answer(api.GET("/api/v1/auth/me", { signal }));
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: 5 * 60_000,
});

export interface LoginInput {
  email: string;
  password: string;
}

export interface SignupInput extends LoginInput {
  name: string;
  organization_name: string;
}

function useSignIn<I>(call: (input: I) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: call,
    onSuccess: async () => {
      // What an earlier visitor of this tab saw is not this user's business.
      client.clear();
      await client.fetchQuery(sessionQuery);
    },
  });
}

export const useLogin = () =>
  useSignIn((body: LoginInput) => answer(api.POST("/api/v1/auth/login", { body })));

export const useSignup = () =>
  useSignIn((body: SignupInput) => answer(api.POST("/api/v1/auth/signup", { body })));

export function useLogout() {
  return useMutation({
    mutationFn: () => answer(api.POST("/api/v1/auth/logout")),
    // A full load drops every cached answer with the page.
    onSuccess: () => window.location.assign("/login"),
  });
}

/** Where to go after signing in. A link of a mail is the server's to answer, not a page of ours. */
export function afterSignIn(next: string | undefined, otherwise: string) {
  const href = safeNext(next) ?? otherwise;
  return { href, replace: true, reloadDocument: href.startsWith("/api/") };
}

/** Only a path of this site may be the place to go after signing in. */
export function safeNext(next: string | undefined): string | null {
  if (!next?.startsWith("/") || /^\/[/\\]/.test(next)) return null;
  try {
    const url = new URL(next, window.location.origin);
    return url.origin === window.location.origin ? url.pathname + url.search + url.hash : null;
  } catch {
    return null;
  }
}
