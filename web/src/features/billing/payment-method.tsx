import { CreditCard } from "lucide-react";
import type { Subscription } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Card, CardHead } from "@/components/ui/card";
import { ActionError } from "@/components/ui/feedback";
import { usePortal } from "./queries";

const BRANDS: Readonly<Record<string, string>> = {
  visa: "Visa",
  mastercard: "Mastercard",
  amex: "American Express",
  discover: "Discover",
  diners: "Diners Club",
  jcb: "JCB",
  unionpay: "UnionPay",
};

export function PaymentMethod({ subscription }: { subscription: Subscription }) {
  const portal = usePortal();
  const method = subscription.payment_method;
  return (
    <Card aria-labelledby="method-title" data-testid="payment-method">
      <CardHead
        id="method-title"
        title="Payment method"
        actions={
          subscription.stripe_customer_id ? (
            <Button
              size="small"
              busy={portal.isPending}
              onClick={() => portal.mutate()}
              aria-label={method ? "Update payment method" : "Add payment method"}
            >
              {method ? "Update" : "Add"}
            </Button>
          ) : null
        }
      />
      <div className="p-5 sm:p-6">
        <div className="flex items-center gap-4">
          <span className="grid h-10 w-14 shrink-0 place-items-center rounded-md border border-line bg-sunken text-ink-faint">
            <CreditCard aria-hidden="true" className="size-5" />
          </span>
          {method ? (
            <div className="text-sm">
              <p className="font-medium">
                {BRANDS[method.brand] ?? "Card"} <span aria-hidden="true">••••</span>
                <span className="sr-only">ending in</span>{" "}
                <span className="tabular-nums">{method.last4}</span>
              </p>
              <p className="text-ink-soft tabular-nums">
                Valid until {String(method.exp_month).padStart(2, "0")}/{method.exp_year}
              </p>
            </div>
          ) : (
            <p className="text-ink-soft text-sm">
              {subscription.stripe_customer_id
                ? "No card on file."
                : "A card is asked for when you choose a plan. It is kept by Stripe, never here."}
            </p>
          )}
        </div>
        <ActionError error={portal.error} className="mt-4" />
      </div>
    </Card>
  );
}
