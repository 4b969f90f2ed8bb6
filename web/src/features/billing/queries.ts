// What the billing pages read and do. Each key holds every input of its answer.
import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { answer, api } from "@/api/client";
import type { ChangeWhen, Interval, PlanChangePreview, Subscription } from "@/api/types";
import { leaveTo } from "@/lib/leave";
import { rememberPortal } from "./portal-return";

export const plansQuery = queryOptions({
  queryKey: ["plans"],
  queryFn: ({ signal }) => answer(api.GET("/api/v1/plans", { signal })),
  select: (list) => [...list.data].sort((a, b) => a.rank - b.rank),
  staleTime: 5 * 60_000,
});

export const subscriptionQuery = queryOptions({
  queryKey: ["billing", "subscription"],
  queryFn: ({ signal }) => answer(api.GET("/api/v1/billing/subscription", { signal })),
  // Much happens on Stripe's pages in other tabs: whoever comes back sees what is true now.
  staleTime: 0,
});

export const invoicesQuery = infiniteQueryOptions({
  queryKey: ["billing", "invoices"],
  queryFn: ({ signal, pageParam }) =>
    answer(
      api.GET("/api/v1/billing/invoices", {
        signal,
        params: { query: pageParam ? { cursor: pageParam } : {} },
      }),
    ),
  initialPageParam: null as string | null,
  getNextPageParam: (page) => page.next ?? null,
});

interface PlanChoice {
  plan: string;
  interval: Interval;
}

export const previewQuery = (choice: PlanChoice) =>
  queryOptions({
    queryKey: ["billing", "preview", choice.plan, choice.interval],
    queryFn: ({ signal }) =>
      answer(api.POST("/api/v1/billing/plan-change/preview", { body: choice, signal })),
    // An amount is promised for the moment it was asked at; never show an old one.
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
    retry: false,
  });

/** Keeps the mirror's answer and has everything that depends on the plan read again. */
export function useSettle() {
  const client = useQueryClient();
  return async (subscription?: Subscription) => {
    if (subscription) client.setQueryData(subscriptionQuery.queryKey, subscription);
    await Promise.all([
      client.invalidateQueries({ queryKey: ["billing", "invoices"] }),
      client.invalidateQueries({ queryKey: ["entitlements"] }),
      subscription
        ? Promise.resolve()
        : client.invalidateQueries({ queryKey: subscriptionQuery.queryKey }),
    ]);
  };
}

export const useCheckout = () =>
  useMutation({
    mutationFn: (body: PlanChoice) => answer(api.POST("/api/v1/billing/checkout", { body })),
    onSuccess: ({ url }) => leaveTo(url),
  });

export const usePortal = () =>
  useMutation({
    mutationFn: () => answer(api.POST("/api/v1/billing/portal", { body: {} })),
    onSuccess: ({ url }) => {
      rememberPortal();
      leaveTo(url);
    },
  });

export function useChangePlan() {
  const settle = useSettle();
  return useMutation({
    mutationFn: (preview: PlanChangePreview) =>
      answer(
        api.POST("/api/v1/billing/plan-change", {
          body: {
            plan: preview.plan.id,
            interval: preview.interval as Interval,
            when: preview.when as ChangeWhen,
            proration_date: preview.proration_date ?? null,
            expected_amount_due: preview.amount_due.amount,
          },
        }),
      ),
    onSuccess: settle,
  });
}

export function useWithdraw() {
  const settle = useSettle();
  return useMutation({
    mutationFn: () => answer(api.POST("/api/v1/billing/plan-change/withdraw")),
    onSuccess: settle,
  });
}

export function useCancel() {
  const settle = useSettle();
  return useMutation({
    mutationFn: (when: ChangeWhen) =>
      answer(api.POST("/api/v1/billing/cancel", { body: { when } })),
    onSuccess: settle,
  });
}

export function useResume() {
  const settle = useSettle();
  return useMutation({
    mutationFn: () => answer(api.POST("/api/v1/billing/resume")),
    onSuccess: settle,
  });
}
