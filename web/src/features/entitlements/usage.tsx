import { queryOptions, useQuery } from "@tanstack/react-query";
import { Check, Gauge, Minus } from "lucide-react";
import { answer, api } from "@/api/client";
import type { EntitledFeature } from "@/api/types";
import { LimitText, Quantity } from "@/components/quantity";
import { StatusBadge } from "@/components/status-badge";
import { Card, CardHead } from "@/components/ui/card";
import { EmptyState, ErrorState, Skeleton, Waiting } from "@/components/ui/feedback";
import { When } from "@/components/when";
import { cn } from "@/lib/cn";
import { limitFrom } from "@/lib/quantity";

const entitlementsQuery = (organization: string) =>
  queryOptions({
    queryKey: ["entitlements", organization],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/entitlements", { signal })),
  });

export function UsagePanel({
  organization,
  upgrade,
}: {
  organization: string;
  upgrade: React.ReactNode;
}) {
  const entitlements = useQuery(entitlementsQuery(organization));
  if (entitlements.isPending) {
    return (
      <Waiting what="usage">
        <Card className="grid gap-6 p-5 sm:p-6">
          <Skeleton className="h-6 w-40" />
          <Skeleton className="h-10" />
          <Skeleton className="h-10" />
          <Skeleton className="h-10" />
        </Card>
      </Waiting>
    );
  }
  if (entitlements.isError) {
    return (
      <Card>
        <ErrorState
          error={entitlements.error}
          what="usage"
          onRetry={() => entitlements.refetch()}
        />
      </Card>
    );
  }
  const { features, plan, status, because } = entitlements.data;
  const quantities = features.filter((feature) => feature.kind !== "switch");
  const switches = features.filter((feature) => feature.kind === "switch");
  const close = quantities.some((feature) => (shareBp(feature) ?? 0) >= 8_000);

  return (
    <div className="grid gap-6">
      <Card aria-labelledby="usage-title" data-testid="usage">
        <CardHead
          id="usage-title"
          title="Usage"
          actions={close ? upgrade : <StatusBadge kind="subscription" value={status} />}
        >
          What {plan.name} allows and how much of it is used. {because.detail}
        </CardHead>
        {quantities.length === 0 ? (
          <EmptyState icon={Gauge} title="This plan counts nothing" />
        ) : (
          <ul className="grid gap-6 p-5 sm:p-6">
            {quantities.map((feature) => (
              <li key={feature.id}>
                <UsageBar feature={feature} />
              </li>
            ))}
          </ul>
        )}
      </Card>
      {switches.length > 0 ? (
        <Card aria-labelledby="features-title">
          <CardHead id="features-title" title="Features" />
          <ul className="grid gap-x-12 gap-y-3 p-5 text-sm sm:grid-cols-2 sm:p-6">
            {switches.map((feature) => (
              <li key={feature.id} className="flex items-center gap-2.5">
                {feature.enabled ? (
                  <Check aria-hidden="true" className="size-4.5 text-accent" strokeWidth={2.5} />
                ) : (
                  <Minus aria-hidden="true" className="size-4.5 text-ink-faint" />
                )}
                <span className={feature.enabled ? "" : "text-ink-soft"}>{feature.name}</span>
                <span className="ml-auto text-ink-faint">
                  {feature.enabled ? "Included" : "Not included"}
                </span>
              </li>
            ))}
          </ul>
        </Card>
      ) : null}
    </div>
  );
}

/** Used of allowed, in basis points; null where nothing limits. A limit of 0 is full. */
function shareBp(feature: EntitledFeature): number | null {
  const limit = limitFrom(feature.limit);
  if (limit === "unlimited" || limit === "disabled") return null;
  if (limit === 0) return 10_000;
  return Math.floor(((feature.used ?? 0) * 10_000) / limit);
}

function UsageBar({ feature }: { feature: EntitledFeature }) {
  const limit = limitFrom(feature.limit);
  const used = feature.used ?? 0;
  const share = shareBp(feature);
  return (
    <>
      <div className="flex flex-wrap items-baseline justify-between gap-x-4 gap-y-0.5">
        <h3 className="font-medium text-sm">{feature.name}</h3>
        <p className="text-sm">
          {limit === "disabled" ? (
            <span className="text-ink-faint">Not included</span>
          ) : (
            <>
              <Quantity value={used} unit={feature.unit} />{" "}
              <span className="text-ink-soft">
                {limit === "unlimited" ? (
                  "used, unlimited"
                ) : (
                  <>
                    of <LimitText limit={limit} unit={feature.unit} />
                  </>
                )}
              </span>
            </>
          )}
        </p>
      </div>
      {share === null ? null : <Bar name={feature.name} share={share} />}
      <p className="mt-1.5 text-[0.8125rem] text-ink-faint">
        {share !== null && share >= 10_000 ? (
          <span className="font-medium text-bad">Limit reached. </span>
        ) : share !== null && share >= 8_000 ? (
          <span className="font-medium text-warn">{Math.floor(share / 100)} % used. </span>
        ) : null}
        {feature.resets_at ? (
          <>
            Starts again on <When at={feature.resets_at} />
          </>
        ) : share !== null && share >= 8_000 ? (
          "Remove something, or choose a larger plan."
        ) : null}
      </p>
    </>
  );
}

function Bar({ name, share }: { name: string; share: number }) {
  const percent = Math.min(100, Math.floor(share / 100));
  return (
    <svg
      role="progressbar"
      aria-label={`${name} used`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      viewBox="0 0 100 4"
      preserveAspectRatio="none"
      className="mt-2 h-2 w-full overflow-hidden rounded-full"
    >
      <rect width="100" height="4" className="fill-sunken" />
      <rect
        width={percent === 0 && share > 0 ? 0.6 : percent}
        height="4"
        className={cn(share >= 10_000 ? "fill-bad" : share >= 8_000 ? "fill-warn" : "fill-accent")}
      />
    </svg>
  );
}
