//! `billhook admin`.

use super::settings::ConfigFile;
use super::{Failure, show, tell};
use crate::app::App;
use crate::identity::{IdentityError, SignUp};
use clap::{Args, Subcommand};

const ACTOR: &str = "billhook admin create";
const TAKE_OVER_ACTOR: &str = "billhook admin create --take-over";
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
    /// Make an account whose e-mail address counts as verified
    #[command(
        after_help = "Example:\n  billhook admin create --email ada@example.com --name 'Ada'"
    )]
    Create(CreateOptions),
    /// List operators
    #[command(after_help = "Example:\n  billhook admin list")]
    List,
}

#[derive(Debug, Args)]
struct CreateOptions {
    /// The address; the settings of operators have to name it or its domain
    #[arg(long)]
    email: String,
    /// What to call them
    #[arg(long)]
    name: String,
    /// Read the password from the first line of stdin; made up and printed once otherwise
    #[arg(long)]
    password_stdin: bool,
    /// If the address has an account: set a new password and name, end all its log-ins, and
    /// verify the address
    #[arg(long)]
    take_over: bool,
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let app = options.file.app().await?;
    let outcome = match options.what {
        What::Create(request) => create(&app, request).await,
        What::List => list(&app).await,
    };
    app.store.close().await;
    outcome
}

async fn create(app: &App, request: CreateOptions) -> Result<(), Failure> {
    let CreateOptions { email, name, password_stdin, take_over } = request;
    let email = email.trim().to_lowercase();
    let found = app.store.user_by_email(&email).await?;
    if let Some(user) = found.as_ref().filter(|_| !take_over) {
        // Whoever made it knows its password, and may not be who this is meant for.
        return Err(anyhow::anyhow!(
            "{email} has an account already ({}), made by whoever knows its password\n\
             hint: --take-over sets a new password, ends its log-ins and verifies its address",
            user.id
        )
        .into());
    }
    let (password, is_made_up) = if password_stdin {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        (line.trim_end_matches(['\r', '\n']).to_owned(), false)
    } else {
        let mut bytes = [0_u8; 12];
        app.world.entropy.fill(&mut bytes);
        (hex::encode(bytes), true)
    };
    let sign_up = SignUp {
        email: email.clone(),
        password: password.clone(),
        name,
        organization_name: "Operators".to_owned(),
    };
    let made = match found {
        Some(user) => {
            app.identity.take_over(&user, sign_up, TAKE_OVER_ACTOR).await.map(|()| user.id)
        }
        None => app.identity.create_verified(sign_up, ACTOR).await.map(|made| made.user.id),
    };
    match made {
        Ok(id) => show(id.as_str()),
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
