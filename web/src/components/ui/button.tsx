import { cva, type VariantProps } from "class-variance-authority";
import { LoaderCircle } from "lucide-react";
import { Slot } from "radix-ui";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

const button = cva(
  "inline-flex shrink-0 items-center justify-center gap-2 whitespace-nowrap rounded-lg font-medium transition-colors disabled:cursor-not-allowed disabled:opacity-55 aria-disabled:cursor-progress [&_svg]:shrink-0",
  {
    variants: {
      look: {
        primary: "bg-accent text-on-accent shadow-card hover:bg-accent-strong",
        secondary: "border border-edge/55 bg-surface text-ink shadow-card hover:bg-sunken",
        quiet: "text-ink-soft hover:bg-sunken hover:text-ink",
        danger: "bg-bad text-canvas shadow-card hover:opacity-90",
      },
      size: {
        small: "h-8 px-3 text-[0.8125rem] [&_svg]:size-3.5",
        normal: "h-10 px-4 text-sm [&_svg]:size-4",
        icon: "size-10 [&_svg]:size-[1.125rem]",
      },
    },
    defaultVariants: { look: "secondary", size: "normal" },
  },
);

type ButtonProps = ComponentProps<"button"> &
  VariantProps<typeof button> & {
    /** Renders the child (a link) with a button's looks. */
    asChild?: boolean;
    /** Work is under way: a spinner is shown and further presses do nothing. */
    busy?: boolean;
  };

export function Button({
  look,
  size,
  asChild = false,
  busy = false,
  className,
  children,
  onClick,
  type = "button",
  ...rest
}: ButtonProps) {
  const classes = cn(button({ look, size }), className);
  if (asChild) {
    return (
      <Slot.Root className={classes} {...rest}>
        {children}
      </Slot.Root>
    );
  }
  return (
    <button
      // Kept focusable while busy, so the keyboard does not lose its place.
      {...rest}
      type={busy ? "button" : type}
      className={classes}
      aria-disabled={busy || undefined}
      onClick={busy ? undefined : onClick}
    >
      {busy ? <LoaderCircle aria-hidden="true" className="animate-spin" /> : null}
      {children}
    </button>
  );
}
