//! Argon2id, off the threads that serve requests and at most two at a time, since each hash takes
//! 19 MiB and tens of milliseconds of a core; and with a bounded queue before it, so that a flood
//! of passwords is refused at once and not answered minutes later.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use std::sync::Arc;
use tokio::sync::Semaphore;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const AT_ONCE: usize = 2;
/// So many wait for their turn; the last of them for a second or two.
const WAITING: usize = 64;

/// A hash that no password has, with our parameters: what an unknown address is checked against,
/// so that it costs as much as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[derive(Debug)]
pub(super) struct Passwords {
    /// In work or waiting.
    places: Arc<Semaphore>,
    /// In work.
    turns: Arc<Semaphore>,
}

/// Why a password was not hashed.
#[derive(Debug)]
pub(super) enum HashingError {
    /// Too many are waiting.
    Overloaded,
    /// The parameters or a stored hash are wrong, or the process is ending.
    Failed,
}

fn argon2() -> Result<Argon2<'static>, HashingError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashingError::Failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

impl Passwords {
    pub(super) fn new() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The PHC text of a password's hash.
    pub(super) async fn hash(
        &self,
        password: String,
        salt: [u8; 16],
    ) -> Result<String, HashingError> {
        self.in_turn(move || {
            let hash: PasswordHash = argon2()?
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map_err(|_| HashingError::Failed)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether a password has this hash. Without a hash it does the same work and says no.
    pub(super) async fn verify(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, HashingError> {
        self.in_turn(move || {
            let known = hash.is_some();
            let text = hash.unwrap_or_else(|| NOBODY.to_owned());
            let hash = PasswordHash::new(&text).map_err(|_| HashingError::Failed)?;
            // Parameters are taken from the hash, so that older ones go on working.
            Ok(argon2()?.verify_password(password.as_bytes(), &hash).is_ok() && known)
        })
        .await
    }

    /// Waits for a turn and works. The turn ends with the work, not with the request: a caller who
    /// hangs up does not make room for one more hash beside the one that still runs.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashingError> + Send + 'static,
    ) -> Result<T, HashingError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| HashingError::Overloaded)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| HashingError::Failed)?;
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop((turn, place));
            outcome
        });
        outcome.await.map_err(|_| HashingError::Failed)?
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Shows that the right password is recognised, a wrong one is not, and that an unknown
    /// account is a valid hash that nothing matches.
    #[tokio::test]
    async fn a_password_is_recognised() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse".to_owned(), [7; 16]).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify =
            |text: &str, hash: &Option<String>| passwords.verify(text.to_owned(), hash.clone());
        let hash = Some(hash);
        assert!(verify("correct horse", &hash).await.unwrap());
        assert!(!verify("wrong horse", &hash).await.unwrap());
        assert!(!verify("", &None).await.unwrap());
    }

    /// Shows that beyond the bound nobody waits, and that there is a place again afterwards.
    #[tokio::test]
    async fn a_full_queue_refuses() {
        let passwords = Passwords::new();
        let places = u32::try_from(AT_ONCE + WAITING).unwrap();
        let all = Arc::clone(&passwords.places).acquire_many_owned(places).await.unwrap();
        let refused = passwords.verify("any".to_owned(), None).await;
        assert!(matches!(refused, Err(HashingError::Overloaded)), "{refused:?}");
        drop(all);
        assert!(!passwords.verify("any".to_owned(), None).await.unwrap());
    }
}
