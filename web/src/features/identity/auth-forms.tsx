import { useForm } from "react-hook-form";
import * as z from "zod/mini";
import { Button } from "@/components/ui/button";
import { ActionError } from "@/components/ui/feedback";
import { Field } from "@/components/ui/field";
import { placeFaults, resolve } from "@/lib/form";
import { type LoginInput, type SignupInput, useLogin, useSignup } from "./session";

/** The server decides; saying it here saves a round trip. */
const PASSWORD_MIN = 10;

const email = z
  .string()
  .check(
    z.trim(),
    z.minLength(1, "Enter your e-mail address."),
    z.regex(/^[^\s@]+@[^\s@]+$/, "This does not look like an e-mail address."),
  );

const loginSchema = z.object({
  email,
  password: z.string().check(z.minLength(1, "Enter your password.")),
});

const signupSchema = z.object({
  name: z.string().check(z.trim(), z.minLength(1, "Enter your name.")),
  organization_name: z.string().check(z.trim(), z.minLength(1, "Enter a name.")),
  email,
  password: z.string().check(z.minLength(PASSWORD_MIN, `Use at least ${PASSWORD_MIN} characters.`)),
});

export function LoginForm({ onDone }: { onDone: () => void }) {
  const login = useLogin();
  const form = useForm<LoginInput>({
    resolver: resolve(loginSchema),
    defaultValues: { email: "", password: "" },
  });
  const { errors } = form.formState;
  const submit = form.handleSubmit((input) => {
    if (login.isPending) return;
    login.mutate(input, {
      onSuccess: onDone,
      onError: (error) => placeFaults(error, ["email", "password"], form.setError),
    });
  });
  return (
    <form onSubmit={submit} noValidate className="grid gap-4">
      <Field
        label="E-mail"
        type="email"
        autoComplete="email"
        error={errors.email?.message}
        {...form.register("email")}
      />
      <Field
        label="Password"
        type="password"
        autoComplete="current-password"
        error={errors.password?.message}
        {...form.register("password")}
      />
      {hasUnplaced(errors) ? null : <ActionError error={login.error} />}
      <Button type="submit" look="primary" busy={login.isPending} className="mt-1 w-full">
        Log in
      </Button>
    </form>
  );
}

export function SignupForm({ onDone }: { onDone: () => void }) {
  const signup = useSignup();
  const form = useForm<SignupInput>({
    resolver: resolve(signupSchema),
    defaultValues: { name: "", organization_name: "", email: "", password: "" },
  });
  const { errors } = form.formState;
  const submit = form.handleSubmit((input) => {
    if (signup.isPending) return;
    signup.mutate(input, {
      onSuccess: onDone,
      onError: (error) =>
        placeFaults(error, ["name", "organization_name", "email", "password"], form.setError),
    });
  });
  return (
    <form onSubmit={submit} noValidate className="grid gap-4">
      <Field
        label="Your name"
        autoComplete="name"
        error={errors.name?.message}
        {...form.register("name")}
      />
      <Field
        label="Organisation"
        autoComplete="organization"
        hint="Plans and invoices belong to it. You can rename it later."
        error={errors.organization_name?.message}
        {...form.register("organization_name")}
      />
      <Field
        label="E-mail"
        type="email"
        autoComplete="email"
        error={errors.email?.message}
        {...form.register("email")}
      />
      <Field
        label="Password"
        type="password"
        autoComplete="new-password"
        hint={`At least ${PASSWORD_MIN} characters; a sentence is good.`}
        error={errors.password?.message}
        {...form.register("password")}
      />
      {hasUnplaced(errors) ? null : <ActionError error={signup.error} />}
      <Button type="submit" look="primary" busy={signup.isPending} className="mt-1 w-full">
        Create account
      </Button>
    </form>
  );
}

/** The server's faults that stand beside their inputs need no second message. */
function hasUnplaced(errors: Record<string, { type?: unknown } | undefined>): boolean {
  return Object.values(errors).some((fault) => fault?.type === "server");
}
