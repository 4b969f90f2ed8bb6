import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { LogoMark } from "@/components/logo";
import { Card } from "@/components/ui/card";
import { Banner } from "@/components/ui/feedback";
import { LoginForm, SignupForm } from "@/features/identity/auth-forms";
import { afterSignIn } from "@/features/identity/session";

export function LoginPage() {
  const { next, verified } = useSearch({ from: "/visitor" });
  const navigate = useNavigate();
  return (
    <AuthFrame
      title="Log in"
      lead="Welcome back."
      other={
        <>
          New here?{" "}
          <Link to="/signup" search={{ next }} className="link font-medium">
            Create an account
          </Link>
        </>
      }
    >
      {verified ? <VerifiedNotice worked={verified === "1"} /> : null}
      <LoginForm onDone={() => navigate(afterSignIn(next, "/settings?tab=billing"))} />
    </AuthFrame>
  );
}

export function SignupPage() {
  const { next } = useSearch({ from: "/visitor" });
  const navigate = useNavigate();
  return (
    <AuthFrame
      title="Create your account"
      lead="Free to start, no card needed."
      other={
        <>
          Already have one?{" "}
          <Link to="/login" search={{ next }} className="link font-medium">
            Log in
          </Link>
        </>
      }
    >
      <SignupForm onDone={() => navigate(afterSignIn(next, "/pricing"))} />
    </AuthFrame>
  );
}

function VerifiedNotice({ worked }: { worked: boolean }) {
  return (
    <div className="mb-5">
      {worked ? (
        <Banner tone="good" live title="Your address is verified" testId="verified">
          Log in to go on.
        </Banner>
      ) : (
        <Banner tone="warn" live title="This link does not work any more" testId="not-verified">
          It is used or too old. Log in; your address may be verified already.
        </Banner>
      )}
    </div>
  );
}

function AuthFrame({
  title,
  lead,
  other,
  children,
}: {
  title: string;
  lead: string;
  other: React.ReactNode;
  children: React.ReactNode;
}) {
  return (
    <div className="mx-auto max-w-md sm:pt-6">
      <title>{`${title} – Billhook`}</title>
      <div className="mb-6 text-center">
        <LogoMark className="mx-auto mb-5 size-12" />
        <h1 className="font-semibold text-2xl">{title}</h1>
        <p className="mt-1 text-ink-soft">{lead}</p>
      </div>
      <Card className="p-6 sm:p-7">{children}</Card>
      <p className="mt-5 text-center text-ink-soft text-sm">{other}</p>
    </div>
  );
}
