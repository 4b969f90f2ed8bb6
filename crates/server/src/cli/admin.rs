//! `billhook admin`.

use super::settings::ConfigFile;
use super::{Failure, show, tell};
use crate::app::App;
use crate::identity::{IdentityError, SignUp};
use clap::{Args, Subcommand};
use domain::ids::AuditId;
use store::AuditEntry;

const ACTOR: &str = "billhook admin create";
const PAGE: u32 = 500;

/// What one can say to `billhook admin`.
#[derive(Debug, Args)]
pub struct Options {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make an account whose e-mail address counts as verified, or verify an existing one
    #[command(
        after_help = "Example:\n  billhook admin create --email ada@example.com --name 'Ada'"
    )]
    Create {
        /// The address; the settings of operators have to name it or its domain
        #[arg(long)]
        email: String,
        /// What to call them
        #[arg(long)]
        name: String,
        /// Read the password from the first line of stdin; made up and printed once otherwise
        #[arg(long)]
        password_stdin: bool,
    },
    /// List operators
    #[command(after_help = "Example:\n  billhook admin list")]
    List,
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let app = options.file.app().await?;
    let outcome = match options.what {
        What::Create { email, name, password_stdin } => {
            create(&app, email, name, password_stdin).await
        }
        What::List => list(&app).await,
    };
    app.store.close().await;
    outcome
}

async fn create(
    app: &App,
    email: String,
    name: String,
    password_stdin: bool,
) -> Result<(), Failure> {
    let email = email.trim().to_lowercase();
    if let Some(user) = app.store.user_by_email(&email).await? {
        let now = app.world.now();
        let audit = AuditEntry {
            id: AuditId::new(now, &*app.world.entropy),
            at: now,
            actor: ACTOR.to_owned(),
            action: "user.verify".to_owned(),
            target: user.id.to_string(),
            organization: None,
            before: None,
            after: None,
            reason: None,
        };
        app.store.mark_email_verified(&user.id, now, audit).await?;
        tell("There is such an account; its address counts as verified now");
    } else {
        let (password, is_made_up) = if password_stdin {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            (line.trim_end_matches(['\r', '\n']).to_owned(), false)
        } else {
            let mut bytes = [0_u8; 12];
            app.world.entropy.fill(&mut bytes);
            (hex::encode(bytes), true)
        };
        let request = SignUp {
            email: email.clone(),
            password: password.clone(),
            name,
            organization_name: "Operators".to_owned(),
        };
        match app.identity.create_verified(request, ACTOR).await {
            Ok(signed_in) => show(signed_in.user.id.as_str()),
            Err(IdentityError::Invalid(fields)) => {
                let hints: Vec<_> =
                    fields.iter().map(|(field, hint)| format!("{field}: {hint}")).collect();
                return Err(anyhow::anyhow!("{}", hints.join("\n")).into());
            }
            Err(error) => return Err(error.into()),
        }
        if is_made_up {
            tell(&format!("Password (shown once): {password}"));
        }
    }
    if !app.settings.access.names_operator(&email) {
        tell("note: neither ADMIN_EMAILS nor ADMIN_EMAIL_DOMAIN names this address");
        tell("hint: without that the account is an ordinary one");
    }
    Ok(())
}

async fn list(app: &App) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let users = app.store.verified_users(after, PAGE).await?;
        for user in users.iter().filter(|user| app.identity.is_operator(user)) {
            show(&format!("{}\t{}\t{}", user.id, user.email, user.name));
        }
        match users.last() {
            Some(last) if users.len() == PAGE as usize => after = Some(last.id.clone()),
            _ => return Ok(()),
        }
    }
}
