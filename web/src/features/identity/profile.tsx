import type { Me } from "@/api/types";
import { Button } from "@/components/ui/button";
import { Card, CardHead } from "@/components/ui/card";
import { ActionError } from "@/components/ui/feedback";
import { When } from "@/components/when";
import { Fact, roleText } from "./organization";
import { useLogout } from "./session";

export function ProfilePanel({ me }: { me: Me }) {
  const logout = useLogout();
  return (
    <Card aria-labelledby="profile-title">
      <CardHead id="profile-title" title="Profile">
        The account you are logged in with.
      </CardHead>
      <div className="p-5 sm:p-6">
        <dl className="grid gap-x-8 gap-y-4 text-sm sm:grid-cols-2">
          <Fact term="Name">
            <span className="font-medium">{me.user.name}</span>
          </Fact>
          <Fact term="E-mail">
            <span className="break-all">{me.user.email}</span>{" "}
            <span className="text-ink-faint">
              ({me.user.email_verified ? "verified" : "not verified yet"})
            </span>
          </Fact>
          <Fact term="Member since">
            <When at={me.user.created_at} />
          </Fact>
          <Fact term="Role">
            {roleText(me.organization.role)} of {me.organization.name}
            {me.user.is_operator ? ", operator of this installation" : ""}
          </Fact>
        </dl>
        <div className="mt-6 border-line border-t pt-5">
          <ActionError error={logout.error} className="mb-4" />
          <Button busy={logout.isPending} onClick={() => logout.mutate()}>
            Log out
          </Button>
        </div>
      </div>
    </Card>
  );
}
