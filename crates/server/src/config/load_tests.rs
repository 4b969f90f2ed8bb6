#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

const SECRETS: [&str; 6] = [
    "51Hsecretsecret",
    "livesecretbody",
    "hooksecretbody",
    "jwtsecretbody",
    "p4ssw0rd",
    "tokenbody",
];

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A sound test installation.
fn good() -> BTreeMap<String, String> {
    env(&[
        ("STRIPE_SECRET_KEY", "sk_test_51Hsecretsecret"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_hooksecretbody"),
        ("JWT_SECRET", "jwtsecretbodyjwtsecretbodyjwtsecretbody"),
        ("DATABASE_URL", "postgres://bill:p4ssw0rd@db.example.com/billhook"),
    ])
}

const CATALOGUE: &str = r#"
[billing]
past_due_grace_days = 3

[[catalogue.features]]
id = "sso"
name = "Single sign-on"
kind = "switch"

[[catalogue.plans]]
id = "free"
name = "Free"
rank = 0

[[catalogue.plans]]
id = "team"
name = "Team"
rank = 1
prices = [
    { interval = "monthly", amount = 9900, currency = "usd" },
    { interval = "yearly", amount = 99000, currency = "usd" },
]
limits = { sso = "unlimited" }
"#;

/// A sound live installation.
fn good_live() -> BTreeMap<String, String> {
    let mut env = good();
    let jwt = "jwtsecretbody".repeat(5);
    for (name, value) in [
        ("STRIPE_MODE", "live"),
        ("STRIPE_SECRET_KEY", concat!("sk_", "live_livesecretbody")),
        ("STRIPE_PUBLISHABLE_KEY", "pk_live_1"),
        ("STRIPE_WEBHOOK_SECRET", concat!("whsec_", "hooksecretbodyhooksecretbody")),
        ("JWT_SECRET", jwt.as_str()),
        ("FRONTEND_URL", "https://billing.example.com/"),
        ("STRIPE_PLAN_PRICE_MAPPING_LIVE", r#"{"team":{"monthly":"price_1","yearly":"price_2"}}"#),
    ] {
        env.insert(name.to_owned(), value.to_owned());
    }
    env
}

fn faults(env: &BTreeMap<String, String>, file: Option<&str>) -> Vec<String> {
    let faults = load(env, file).map(|_| ()).unwrap_err();
    let message = faults.to_string();
    for secret in SECRETS {
        assert!(!message.contains(secret), "a secret is printed: {message}");
    }
    faults.0
}

/// Shows that a sound installation loads in both modes, and what it then says.
#[test]
fn sound_settings_load() {
    let (settings, notices) = Settings::load(&good(), None).unwrap();
    assert_eq!(settings.stripe.mode, Mode::Test);
    assert_eq!(settings.listen.port(), 8080);
    assert_eq!(settings.frontend_url, "http://127.0.0.1:8080");
    assert_eq!(settings.catalogue.plans().len(), 3);
    let notices: Vec<_> = notices.iter().map(ToString::to_string).collect();
    assert_eq!(notices.len(), 2, "{notices:#?}");
    assert!(notices[0].contains("sample plans") && notices[1].contains("no Stripe price"));

    let (settings, notices) = Settings::load(&good_live(), Some(CATALOGUE)).unwrap();
    assert_eq!(settings.stripe.mode, Mode::Live);
    assert_eq!(settings.policy.past_due_grace_days, 3);
    assert_eq!(settings.frontend_url, "https://billing.example.com");
    assert!(settings.catalogue.sold_by("price_2").is_some());
    assert_eq!(notices, []);
}

/// Shows that each single fault of a test installation is refused and named.
#[test]
fn each_fault_is_named() {
    let table: &[(&str, &str, &str)] = &[
        ("STRIPE_SECRET_KEY", "", "STRIPE_SECRET_KEY is not set"),
        ("STRIPE_SECRET_KEY", "pk_test_51Hsecretsecret", "publishable key"),
        ("STRIPE_SECRET_KEY", "51Hsecretsecret", "no Stripe key"),
        ("STRIPE_SECRET_KEY", "sk_51Hsecretsecret", "neither test nor live"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_live_51Hsecretsecret", "STRIPE_PUBLISHABLE_KEY is a live"),
        ("STRIPE_PUBLISHABLE_KEY", "sk_test_51Hsecretsecret", "no publishable key"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_1,hooksecretbody", "no. 2 does not start with whsec_"),
        ("STRIPE_MODE", "production", "STRIPE_MODE is neither"),
        ("STRIPE_MODE", "live", "is a test key, but STRIPE_MODE is live"),
        ("STRIPE_API_BASE", "not a url", "STRIPE_API_BASE is no http"),
        ("STRIPE_PLAN_PRICE_MAPPING_TEST", "{team:51Hsecretsecret", "is no JSON"),
        ("STRIPE_PLAN_PRICE_MAPPING", r#"["tokenbody"]"#, "is no JSON"),
        (
            "STRIPE_PLAN_PRICE_MAPPING_TEST",
            r#"{"gold":{"monthly":"price_1"}}"#,
            "names the unknown plan `gold`",
        ),
        (
            "STRIPE_PLAN_PRICE_MAPPING_TEST",
            r#"{"team":{"weekly":"price_1"}}"#,
            "names the interval `weekly`",
        ),
        (
            "STRIPE_PLAN_PRICE_MAPPING_TEST",
            r#"{"free":{"monthly":"price_1"}}"#,
            "which the catalogue does not sell",
        ),
        (
            "STRIPE_PLAN_PRICE_MAPPING_TEST",
            r#"{"team":{"monthly":"sk_test_51Hsecretsecret"}}"#,
            "has no Stripe price id (price_…) for `team` monthly",
        ),
        (
            "STRIPE_PLAN_PRICE_MAPPING_TEST",
            r#"{"team":{"monthly":"price_1","yearly":"price_1"}}"#,
            "gives the price `price_1` to `team` monthly and to `team` yearly",
        ),
        ("STRIPE_TEAM_PRICE_ID", "prod_1", "STRIPE_TEAM_PRICE_ID is no Stripe price id"),
        ("DISABLE_AUTH", "maybe", "DISABLE_AUTH is neither"),
        ("JWT_EXPIRY", "soon", "JWT_EXPIRY is no length"),
        ("JWT_EXPIRY", "0", "JWT_EXPIRY is no length"),
        ("ADMIN_EMAILS", "a@example.com,nobody", "ADMIN_EMAILS: no. 2"),
        ("ADMIN_EMAIL_DOMAIN", "*", "ADMIN_EMAIL_DOMAIN is no domain"),
        ("ALLOWED_ORIGINS", "*", "ALLOWED_ORIGINS: no. 1"),
        ("ALLOWED_ORIGINS", "https://a.example.com/path", "ALLOWED_ORIGINS: no. 1"),
        ("FRONTEND_URL", "ftp://example.com", "FRONTEND_URL is no http"),
        ("DATABASE_URL", "mysql://root:p4ssw0rd@db/x", "DATABASE_URL must start with"),
        ("DATABASE_URL", "postgres://bill:p4ssw0rd@db:port/x", "no valid PostgreSQL address"),
        ("PORT", "99999", "PORT is no number"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT is neither"),
    ];
    for (name, value, expected) in table {
        let mut env = good();
        env.insert((*name).to_owned(), (*value).to_owned());
        let found = faults(&env, None);
        assert!(
            found.iter().any(|fault| fault.contains(expected)),
            "{name}={value} should say `{expected}`, says {found:#?}"
        );
    }
}

/// Shows what live mode refuses beyond that, and that a live key makes the mode live.
#[test]
fn live_mode_is_strict() {
    let table: &[(&str, &str, &str)] = &[
        ("DISABLE_AUTH", "true", "DISABLE_AUTH is for development"),
        ("STRIPE_SECRET_KEY", "sk_test_51Hsecretsecret", "STRIPE_SECRET_KEY is a test key"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_1", "STRIPE_PUBLISHABLE_KEY is a test key"),
        ("STRIPE_WEBHOOK_SECRET", "", "STRIPE_WEBHOOK_SECRET is not set"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_test_hooksecretbodyhook", "no. 1 is a test secret"),
        ("STRIPE_API_BASE", "http://127.0.0.1:12111", "live mode only speaks to"),
        ("JWT_SECRET", "", "JWT_SECRET is not set"),
        ("JWT_SECRET", "jwtsecretbody", "JWT_SECRET needs at least 64"),
        ("FRONTEND_URL", "", "FRONTEND_URL is not set"),
        ("FRONTEND_URL", "http://billing.example.com", "has to be an https address"),
        (
            "STRIPE_PLAN_PRICE_MAPPING_LIVE",
            r#"{"team":{"monthly":"price_1"}}"#,
            "has no Stripe price for `team` yearly",
        ),
        ("STRIPE_PLAN_PRICE_MAPPING_LIVE", "", "has no Stripe price for `team` monthly"),
        (
            "STRIPE_PLAN_PRICE_MAPPING_TEST",
            r#"{"team":{"monthly":"price_1"}}"#,
            "gives the test price `price_1` to `team` monthly",
        ),
        (
            "STRIPE_PLAN_PRICE_MAPPING_LIVE",
            r#"{"team":{"monthly":"price_test_1","yearly":"price_2"}}"#,
            "gives the test price `price_test_1`",
        ),
    ];
    for (name, value, expected) in table {
        let mut env = good_live();
        env.insert((*name).to_owned(), (*value).to_owned());
        let found = faults(&env, Some(CATALOGUE));
        assert!(
            found.iter().any(|fault| fault.contains(expected)),
            "{name}={value} should say `{expected}`, says {found:#?}"
        );
    }
    assert!(
        faults(&good_live(), None)[0].contains("unknown plan")
            || !faults(&good_live(), None).is_empty()
    );
    let mut env = good_live();
    env.remove("STRIPE_MODE");
    env.insert("DISABLE_AUTH".to_owned(), "1".to_owned());
    assert!(faults(&env, Some(CATALOGUE))[0].contains("DISABLE_AUTH"));
}

/// Shows that one message lists every fault.
#[test]
fn all_faults_come_in_one_message() {
    let env = env(&[
        ("STRIPE_MODE", "live"),
        ("STRIPE_SECRET_KEY", "sk_test_51Hsecretsecret"),
        ("STRIPE_PLAN_PRICE_MAPPING_LIVE", r#"{"gold":{}}"#),
        ("DISABLE_AUTH", "true"),
        ("DATABASE_URL", "mysql://p4ssw0rd"),
        ("PORT", "x"),
    ]);
    let found = faults(&env, None);
    assert!(found.len() >= 9, "{found:#?}");
    let message = Faults(found.clone()).to_string();
    assert_eq!(message.lines().count(), found.len() + 1);
}

/// Shows that a fault in the file is placed by its line, and that nothing the file holds is
/// repeated: somebody may have put a secret there.
#[test]
fn a_fault_in_the_file_is_placed_without_its_text() {
    let found = faults(&good(), Some("[billing]\npast_due_grace_days = \"51Hsecretsecret\"\n"));
    assert!(found[0].starts_with("billhook.toml line 2:"), "{found:?}");
    let found = faults(&good(), Some("secret_key = \"51Hsecretsecret\"\n"));
    assert!(found[0].contains("secret_key"), "{found:?}");
}

/// Shows that the shorthands fill the mapping and may not contradict it.
#[test]
fn shorthands_fill_the_mapping() {
    let mut env = good();
    env.insert("STRIPE_TEAM_PRICE_ID".to_owned(), "price_team".to_owned());
    let (settings, _) = Settings::load(&env, None).unwrap();
    let (plan, interval) = settings.catalogue.sold_by("price_team").unwrap();
    assert_eq!((plan.id.as_str(), interval), ("team", Interval::Monthly));
    let mapping = r#"{"team":{"monthly":"price_other"}}"#;
    env.insert("STRIPE_PLAN_PRICE_MAPPING".to_owned(), mapping.to_owned());
    assert!(faults(&env, None)[0].contains("differ for `team` monthly"));
}

/// Shows that the environment wins over the file, and that the print says so and holds no secret.
#[test]
fn the_print_says_where_a_value_came_from() {
    let mut env = good();
    env.insert("PORT".to_owned(), "9000".to_owned());
    env.insert("METRICS_TOKEN".to_owned(), "tokenbody".to_owned());
    let file = "[server]\nport = 7000\nlog_format = \"json\"\n";
    let loaded = load(&env, Some(file)).unwrap();
    assert_eq!(loaded.settings.listen.port(), 9000);
    assert!(loaded.settings.json_logs);
    let line = |name: &str| loaded.effective.iter().find(|one| one.name == name).unwrap();
    assert_eq!(line("PORT").origin, Origin::Environment);
    assert_eq!(line("LOG_FORMAT").origin, Origin::File);
    assert_eq!(line("JWT_EXPIRY").origin, Origin::Default);
    assert_eq!(line("STRIPE_SECRET_KEY").value, "sk_test_…");
    assert_eq!(line("DATABASE_URL").value, "postgres://db.example.com/billhook");
    let all = format!("{:?} {:?}", loaded.effective, loaded.settings);
    for secret in SECRETS {
        assert!(!all.contains(secret), "a secret is printed: {all}");
    }
}

/// Shows the lengths of time that `JWT_EXPIRY` takes.
#[test]
fn lengths_of_time_are_read() {
    assert_eq!(duration("90"), Some(Span::seconds(90)));
    assert_eq!(duration("30m"), Some(Span::minutes(30)));
    assert_eq!(duration("12h"), Some(Span::hours(12)));
    assert_eq!(duration("7d"), Some(Span::days(7)));
    for bad in ["", "0", "-1", "1w", "d", "1.5h", "9999d"] {
        assert_eq!(duration(bad), None, "{bad}");
    }
}

/// Shows that the example file is read without a fault and says what the defaults say.
#[test]
fn the_example_file_is_sound() {
    let (with_file, _) = Settings::load(&good(), Some(&example_file())).unwrap();
    let (without, _) = Settings::load(&good(), None).unwrap();
    assert_eq!(with_file.catalogue, without.catalogue);
    assert_eq!(with_file.listen, without.listen);
    assert_eq!(with_file.frontend_url, without.frontend_url);
    assert_eq!(with_file.access.jwt_expiry, without.access.jwt_expiry);
    assert_eq!(with_file.policy, without.policy);
}
