import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "@/api/client";
import type { DeliveryState } from "@/components/status-badge";

export interface DeliveryFilter {
  state?: DeliveryState | undefined;
  type?: string | undefined;
  cursor?: string | undefined;
}

/** New deliveries arrive all the time; the newest page keeps up by itself. */
const REFRESH_MS = 15_000;

export const deliveriesQuery = (filter: DeliveryFilter) =>
  queryOptions({
    queryKey: [
      "admin",
      "deliveries",
      filter.state ?? null,
      filter.type ?? null,
      filter.cursor ?? null,
    ],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/api/v1/admin/deliveries", {
          signal,
          params: {
            query: {
              ...(filter.state ? { state: filter.state } : {}),
              ...(filter.type ? { type: filter.type } : {}),
              ...(filter.cursor ? { cursor: filter.cursor } : {}),
            },
          },
        }),
      ),
    refetchInterval: filter.cursor ? false : REFRESH_MS,
  });

/** A delivery in work is done soon; whoever looks at it sees that happen. */
const WORK_MS = 1_000;

/** Waiting or in work: it will be done anyway, so there is nothing to replay. */
export function isUnfinished(state: string | undefined): boolean {
  return state === "pending" || state === "claimed";
}

export const deliveryQuery = (id: string) =>
  queryOptions({
    queryKey: ["admin", "delivery", id],
    queryFn: ({ signal }) =>
      answer(api.GET("/api/v1/admin/deliveries/{id}", { signal, params: { path: { id } } })),
    refetchInterval: (query) => (isUnfinished(query.state.data?.state) ? WORK_MS : false),
  });

export const webhooksQuery = queryOptions({
  queryKey: ["admin", "webhooks"],
  queryFn: ({ signal }) => answer(api.GET("/api/v1/admin/webhooks", { signal })),
  refetchInterval: REFRESH_MS,
});

export function useReplay(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      answer(api.POST("/api/v1/admin/deliveries/{id}/replay", { params: { path: { id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["admin"] }),
  });
}

export function useResync() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answer(api.POST("/api/v1/admin/organizations/{id}/resync", { params: { path: { id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["admin"] }),
  });
}

export function usePauseWebhooks() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (reason: string) =>
      answer(api.POST("/api/v1/admin/webhooks/pause", { body: reason ? { reason } : {} })),
    onSuccess: (webhooks) => client.setQueryData(webhooksQuery.queryKey, webhooks),
  });
}

export function useResumeWebhooks() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => answer(api.POST("/api/v1/admin/webhooks/resume")),
    onSuccess: (webhooks) => client.setQueryData(webhooksQuery.queryKey, webhooks),
  });
}
