import { Check, Minus } from "lucide-react";
import type { Plan, PlanFeature } from "@/api/types";
import { LimitText } from "@/components/quantity";
import { Card } from "@/components/ui/card";
import { limitFrom } from "@/lib/quantity";

/** Every feature of every plan; scrolls sideways by itself on a phone. */
export function CompareTable({
  plans,
  currentPlan,
}: {
  plans: Plan[];
  currentPlan: string | null;
}) {
  const features = allFeatures(plans);
  return (
    <Card className="overflow-hidden" aria-labelledby="compare-title">
      <h2 id="compare-title" className="px-5 pt-5 font-semibold text-lg sm:px-6">
        Compare all features
      </h2>
      {/* A scrolling region must be reachable by keyboard. */}
      <section
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must get in
        tabIndex={0}
        aria-label="Feature comparison, scrolls sideways"
        className="relative mt-3 overflow-x-auto outline-offset-[-2px]"
      >
        <table className="w-full min-w-[32rem] text-sm">
          <thead>
            <tr className="border-line border-b text-left">
              <th
                scope="col"
                className="sticky left-0 bg-surface px-5 py-3 font-medium text-ink-faint sm:px-6"
              >
                Feature
              </th>
              {plans.map((plan) => (
                <th key={plan.id} scope="col" className="px-4 py-3 font-semibold">
                  {plan.name}
                  {plan.id === currentPlan ? (
                    <span className="block font-normal text-[0.8125rem] text-accent-ink">
                      Your plan
                    </span>
                  ) : null}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {features.map((feature) => (
              <tr key={feature.id}>
                <th
                  scope="row"
                  className="sticky left-0 bg-surface px-5 py-3 text-left font-normal text-ink-soft max-sm:max-w-40 sm:px-6"
                >
                  {feature.name}
                  {feature.kind === "metered" ? (
                    <span className="text-ink-faint"> per month</span>
                  ) : null}
                </th>
                {plans.map((plan) => (
                  <td key={plan.id} className="px-4 py-3 font-medium">
                    <Cell feature={plan.features.find((one) => one.id === feature.id) ?? null} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Card>
  );
}

function Cell({ feature }: { feature: PlanFeature | null }) {
  if (feature?.kind === "switch" || !feature) {
    return feature?.enabled ? <Yes /> : <No />;
  }
  const limit = limitFrom(feature.limit);
  return limit === "disabled" ? <No /> : <LimitText limit={limit} unit={feature.unit} />;
}

function Yes() {
  return (
    <>
      <Check aria-hidden="true" className="size-4.5 text-accent" strokeWidth={2.5} />
      <span className="sr-only">Included</span>
    </>
  );
}

function No() {
  return (
    <>
      <Minus aria-hidden="true" className="size-4.5 text-ink-faint" />
      <span className="sr-only">Not included</span>
    </>
  );
}

function allFeatures(plans: Plan[]): PlanFeature[] {
  const seen = new Map<string, PlanFeature>();
  for (const plan of plans) {
    for (const feature of plan.features) {
      if (!seen.has(feature.id)) seen.set(feature.id, feature);
    }
  }
  return [...seen.values()];
}
