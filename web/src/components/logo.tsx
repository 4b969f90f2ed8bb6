import { cn } from "@/lib/cn";

/** The mark: a billhook, its blade hooked forward over an ash handle. */
export function LogoMark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={cn("size-8", className)}>
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <path
        className="fill-on-accent"
        d="M11.2 17.6V8.4c0-1.3 1-2.2 2.2-2.2 4.9 0 9.5 2.5 10.4 7.6.15.8-.9 1.3-1.4.65-1.3-1.6-2.9-2.3-4.4-1.9-1.3.35-1.8 1.3-1.8 2.6v2.45z"
      />
      <rect x="11.6" y="19.1" width="4.2" height="7.2" rx="1.6" className="fill-on-accent opacity-60" />
    </svg>
  );
}

export function Logo() {
  return (
    <span className="inline-flex items-center gap-2.5">
      <LogoMark />
      <span className="font-semibold text-[1.0625rem] tracking-[-0.02em]">Billhook</span>
    </span>
  );
}
