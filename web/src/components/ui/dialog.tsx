// Dialogs over Radix's, without its Overlay: that one locks scrolling by writing
// a style element, which the content security policy refuses. index.css does it.
import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { type ReactNode, useRef } from "react";
import { cn } from "@/lib/cn";
import { Button } from "./button";

export function Dialog({
  open,
  onClose,
  title,
  description,
  children,
  side = "centre",
  testId,
}: {
  open: boolean;
  onClose: () => void;
  title: ReactNode;
  description?: ReactNode;
  children: ReactNode;
  /** `right` is a sheet as high as the window, for reading. */
  side?: "centre" | "right";
  testId?: string;
}) {
  const before = useRef<Element | null>(null);
  return (
    <Radix.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <Radix.Portal>
        <div data-modal="" className="fixed inset-0 z-40 animate-fade bg-backdrop" />
        <div
          className={cn(
            "pointer-events-none fixed inset-0 z-50 flex",
            side === "centre" ? "items-end justify-center sm:items-center sm:p-6" : "justify-end",
          )}
        >
          <Radix.Content
            data-testid={testId}
            // Radix gives the focus back to its own trigger only; ours are opened by the address.
            onOpenAutoFocus={() => {
              before.current = document.activeElement;
            }}
            onCloseAutoFocus={(event) => {
              event.preventDefault();
              giveFocus(before.current);
            }}
            {...(description ? {} : { "aria-describedby": undefined })}
            className={cn(
              "pointer-events-auto flex max-h-full flex-col bg-surface shadow-lift outline-none",
              side === "centre"
                ? "max-h-[92dvh] w-full max-w-xl animate-rise rounded-t-2xl sm:max-h-[calc(100dvh-3rem)] sm:rounded-2xl"
                : "w-full max-w-2xl animate-slide-in",
            )}
          >
            <div className="flex items-start justify-between gap-4 px-5 pt-5 sm:px-6">
              <div className="min-w-0 pt-1.5">
                <Radix.Title className="break-words font-semibold text-lg leading-snug">
                  {title}
                </Radix.Title>
                {description ? (
                  <Radix.Description asChild>
                    <div className="mt-1 text-ink-soft text-sm">{description}</div>
                  </Radix.Description>
                ) : null}
              </div>
              <Radix.Close asChild>
                <Button look="quiet" size="icon" aria-label="Close" className="-mr-2">
                  <X aria-hidden="true" />
                </Button>
              </Radix.Close>
            </div>
            {children}
          </Radix.Content>
        </div>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** To where the reader was; when that is gone, to the start of the page. */
function giveFocus(element: Element | null) {
  const target =
    element instanceof HTMLElement && element.isConnected && element !== document.body
      ? element
      : document.getElementById("main");
  target?.focus({ preventScroll: true });
}

export function DialogBody({ children, className }: { children: ReactNode; className?: string }) {
  return (
    <div
      className={cn(
        "min-h-0 flex-1 overflow-y-auto overscroll-contain px-5 py-5 sm:px-6 [&>*]:min-w-0",
        className,
      )}
    >
      {children}
    </div>
  );
}

export function DialogFoot({ children }: { children: ReactNode }) {
  return (
    <div className="flex flex-col-reverse gap-2 border-line border-t px-5 py-4 sm:flex-row sm:justify-end sm:px-6">
      {children}
    </div>
  );
}
