import type { ComponentProps, ReactNode } from "react";
import { cn } from "@/lib/cn";

export function Card({ className, ...rest }: ComponentProps<"section">) {
  return (
    <section
      className={cn("rounded-card border border-line bg-surface shadow-card", className)}
      {...rest}
    />
  );
}

/** A card's heading row: what it is, one line about it, and what can be done. */
export function CardHead({
  title,
  children,
  actions,
  id,
}: {
  title: string;
  children?: ReactNode;
  actions?: ReactNode;
  id?: string;
}) {
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-3 px-5 pt-5 sm:px-6">
      <div className="min-w-0">
        <h2 id={id} className="font-semibold text-base">
          {title}
        </h2>
        {children ? <div className="mt-0.5 text-ink-soft text-sm">{children}</div> : null}
      </div>
      {actions ? <div className="flex flex-wrap gap-2">{actions}</div> : null}
    </div>
  );
}
