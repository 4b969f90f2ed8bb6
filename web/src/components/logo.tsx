import { cn } from "@/lib/cn";

/** The mark: a billhook, its blade hooked forward over an ash handle. */
export function LogoMark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={cn("size-8", className)}>
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <g transform="rotate(14 16 16)" className="fill-on-accent">
        <path d="M10.4 18.6c-.5-3.2-.7-6.4.1-9.1C11.5 6.3 14 4.6 17.2 4.7c4.3.1 7.2 3.1 7.4 8.5.02.6-.7.9-1.1.45-1.3-1.5-2.8-2.2-4.2-1.9-1.9.4-2.9 2-3.1 4.2l-.2 2.65z" />
        <rect x="10.9" y="20" width="4.8" height="7.6" rx="1.9" className="opacity-65" />
      </g>
    </svg>
  );
}

export function Logo() {
  return (
    <span className="flex items-center gap-2.5">
      <LogoMark />
      <span className="font-semibold text-[1.0625rem] tracking-[-0.02em]">Billhook</span>
    </span>
  );
}
