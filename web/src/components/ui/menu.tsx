import { DropdownMenu } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { cn } from "@/lib/cn";

/** A menu under a button. Not modal: the modal kind writes a style element. */
export function Menu({
  trigger,
  children,
  label,
}: {
  trigger: ReactNode;
  children: ReactNode;
  label: string;
}) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={8}
          collisionPadding={12}
          aria-label={label}
          className="z-50 min-w-52 animate-rise rounded-xl border border-line bg-surface p-1.5 shadow-lift"
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

const ITEM =
  "flex cursor-pointer select-none items-center gap-2.5 rounded-lg px-2.5 py-2 text-sm outline-none data-highlighted:bg-sunken data-highlighted:outline-2 data-highlighted:outline-accent [&_svg]:size-4 [&_svg]:text-ink-faint";

export function MenuItem({ className, ...rest }: ComponentProps<typeof DropdownMenu.Item>) {
  return <DropdownMenu.Item className={cn(ITEM, className)} {...rest} />;
}

export function MenuRadioItem({
  className,
  ...rest
}: ComponentProps<typeof DropdownMenu.RadioItem>) {
  return (
    <DropdownMenu.RadioItem
      className={cn(ITEM, "data-[state=checked]:font-semibold", className)}
      {...rest}
    />
  );
}

export const MenuRadioGroup = DropdownMenu.RadioGroup;
export const MenuLabel = ({ children }: { children: ReactNode }) => (
  <DropdownMenu.Label className="px-2.5 pt-1.5 pb-2 text-sm">{children}</DropdownMenu.Label>
);
export const MenuLine = () => <DropdownMenu.Separator className="-mx-1.5 my-1.5 h-px bg-line" />;
