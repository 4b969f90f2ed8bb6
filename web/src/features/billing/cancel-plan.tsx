import type { Subscription } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Dialog, DialogBody, DialogFoot } from "@/components/ui/dialog";
import { ActionError } from "@/components/ui/feedback";
import { When } from "@/components/when";
import { announce } from "@/lib/announce";
import { useCancel } from "./queries";
import { spokenPlan, standingOf } from "./standing";

/** Says what ends and when, and asks once. */
export function CancelPlanDialog({
  subscription,
  open,
  onClose,
}: {
  subscription: Subscription;
  open: boolean;
  onClose: () => void;
}) {
  const cancel = useCancel();
  const name = spokenPlan(subscription).name;
  // A plan that is not paid for has no rest of a period to keep.
  const when = standingOf(subscription).kind === "unpaid" ? "now" : "period_end";
  const end = subscription.current_period_end;

  function close() {
    cancel.reset();
    onClose();
  }

  return (
    <Dialog open={open} onClose={close} title={`Cancel ${name}?`} testId="cancel-dialog">
      <DialogBody className="grid gap-3 text-ink-soft text-sm">
        {when === "now" ? (
          <p>
            {name} ends at once and no further payment is tried. The organisation moves to the free
            plan.
          </p>
        ) : (
          <>
            <p>
              You keep {name} until {end ? <When at={end} /> : "the end of the period"}. Then the
              organisation moves to the free plan and its limits. Nothing more is charged.
            </p>
            <p>Until then you can change your mind with one click.</p>
          </>
        )}
        <ActionError error={cancel.error} />
      </DialogBody>
      <DialogFoot>
        <Button onClick={close}>Keep {name}</Button>
        <Button
          look="danger"
          busy={cancel.isPending}
          data-testid="confirm-cancel"
          onClick={() =>
            cancel.mutate(when, {
              onSuccess: () => {
                announce(
                  when === "now" ? `${name} has ended.` : `${name} will end with this period.`,
                );
                onClose();
              },
            })
          }
        >
          {when === "now" ? "End the plan now" : "Cancel at period end"}
        </Button>
      </DialogFoot>
    </Dialog>
  );
}
