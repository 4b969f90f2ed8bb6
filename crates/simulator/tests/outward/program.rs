//! The program `stripe-simulator` itself.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::house::Receiver;

/// Shows that the program says where it listens, answers there, delivers to the endpoint of its
/// command line under the given secret, and ends well on SIGTERM.
#[tokio::test]
async fn starts_answers_delivers_and_stops() {
    let receiver = Receiver::open().await;
    let mut child = Command::new(env!("CARGO_BIN_EXE_stripe-simulator"))
        .args(["--listen", "127.0.0.1:0", "--seed", "3", "--time", "2027-03-01T00:00:00Z"])
        .args(["--webhook-url", &receiver.url, "--webhook-secret", "whsec_program"])
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = said.next_line().await.unwrap().unwrap();
    let base = first.strip_prefix("API").unwrap().trim().to_owned();
    while !said.next_line().await.unwrap().unwrap().starts_with("Webhooks") {}
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let health = http.get(format!("{base}/_config/health")).send().await.unwrap();
    assert_eq!(health.status(), 200);
    let made = http
        .post(format!("{base}/v1/customers"))
        .header("authorization", "Bearer sk_test_program")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("email=ada%40example.com")
        .send()
        .await
        .unwrap();
    let created = made.json::<serde_json::Value>().await.unwrap()["created"].as_i64().unwrap();
    assert!((1_803_859_200..1_803_859_260).contains(&created), "the clock began at --time");
    let received = receiver.next().await;
    let secrets = stripe::signature::Secret::list("whsec_program");
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let header = received.headers["stripe-signature"].as_str();
    let now = i64::try_from(now).unwrap();
    // The signature is of this moment, whatever the simulator's time: receivers live in real time.
    stripe::signature::verify(Some(header), &received.body, &secrets, now, 60).unwrap();
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
}

/// Shows that the help names every option and gives an example.
#[tokio::test]
async fn helps() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_stripe-simulator")).arg("--help").output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for word in ["--listen", "--seed", "--webhook-url", "--webhook-secret", "--time", "Example"] {
        assert!(text.contains(word), "{word}");
    }
}
