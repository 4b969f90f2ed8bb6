import { cn } from "@/lib/cn";

/** The mark: a billhook, its blade hooked forward over an ash handle. */
export function LogoMark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={cn("size-8", className)}>
      <rect width="32" height="32" rx="8" className="fill-accent" />
      <g transform="rotate(12 16 16)" className="fill-on-accent">
        <path d="M9.600 18.800C8.700 14.600 8.900 9.900 11.300 7.100c2.300-2.700 6.300-3.200 9.400-1.500 2.900 1.600 4.300 4.700 4.400 8.700 0 .5-.6.7-.95.35-1.500-1.600-3.200-2.300-4.700-1.900-2 .5-2.900 2.300-3.100 4.200l-.2 1.850z" />
        <rect x="10.4" y="20.2" width="5.2" height="7.4" rx="2" className="opacity-65" />
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
