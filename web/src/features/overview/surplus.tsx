// Organisations that pay twice: said loudly, and ended with one confirmed action.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api } from "@/api/client";
import type { Summary } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Dialog, DialogBody, DialogFoot } from "@/components/ui/dialog";
import { ActionError, Banner } from "@/components/ui/feedback";
import { announce } from "@/lib/announce";
import { moneyText } from "@/lib/money";

interface Choice {
  organization: string;
  name: string;
  subscription: string;
}

export function SurplusNotice({ surplus }: { surplus: Summary["surplus"] }) {
  const [chosen, setChosen] = useState<Choice | null>(null);
  return (
    <Banner
      tone="warn"
      testId="surplus"
      title={
        surplus.length === 1
          ? "One organisation pays for more than one subscription"
          : `${surplus.length} organisations pay for more than one subscription`
      }
    >
      Access follows the better one. These are not needed:
      <ul className="mt-2 grid gap-2">
        {surplus.flatMap((one) =>
          one.subscriptions.map((subscription) => (
            <li key={subscription} className="flex flex-wrap items-center gap-x-3 gap-y-1">
              <span>
                <span className="font-medium text-ink">{one.name}</span>:{" "}
                <span className="break-all font-mono text-[0.8125rem]">{subscription}</span>
              </span>
              <Button
                size="small"
                aria-label={`End subscription ${subscription} of ${one.name}`}
                data-testid="end-surplus"
                onClick={() =>
                  setChosen({ organization: one.organization_id, name: one.name, subscription })
                }
              >
                End…
              </Button>
            </li>
          )),
        )}
      </ul>
      <EndDialog chosen={chosen} onClose={() => setChosen(null)} />
    </Banner>
  );
}

function EndDialog({ chosen, onClose }: { chosen: Choice | null; onClose: () => void }) {
  const [refund, setRefund] = useState(true);
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: ({ organization, subscription }: Choice) =>
      answer(
        api.POST("/api/v1/admin/organizations/{id}/cancel-surplus", {
          params: { path: { id: organization } },
          body: { subscription_id: subscription, refund },
        }),
      ),
    onSuccess: async ({ refunded }) => {
      announce(
        refunded
          ? `The subscription has ended and ${moneyText(refunded)} was refunded.`
          : "The subscription has ended. Nothing was refunded.",
      );
      close();
      await client.invalidateQueries({ queryKey: ["admin"] });
    },
  });

  function close() {
    end.reset();
    onClose();
  }

  return (
    <Dialog
      open={chosen !== null}
      onClose={close}
      title="End the surplus subscription?"
      testId="surplus-dialog"
    >
      <DialogBody className="grid gap-4 text-sm">
        <p className="text-ink-soft">
          <span className="break-all font-mono text-[0.8125rem]">{chosen?.subscription}</span> of{" "}
          {chosen?.name} ends at Stripe at once. The other subscription and its access stay.
        </p>
        <label className="flex items-center gap-2.5">
          <input
            type="checkbox"
            className="size-4 accent-accent"
            checked={refund}
            onChange={(event) => setRefund(event.target.checked)}
          />
          Refund what was last paid for it
        </label>
        <ActionError error={end.error} />
      </DialogBody>
      <DialogFoot>
        <Button onClick={close}>Keep it</Button>
        <Button
          look="danger"
          busy={end.isPending}
          data-testid="confirm-surplus"
          onClick={() => chosen && end.mutate(chosen)}
        >
          {refund ? "End and refund" : "End without a refund"}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}
