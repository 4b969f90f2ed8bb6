//! Argon2id, off the threads that serve requests and at most two at a time, since each hash takes
//! 19 MiB and tens of milliseconds of a core.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const AT_ONCE: usize = 2;

/// A hash that no password has, with our parameters: what an unknown address is checked against,
/// so that it costs as much as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[derive(Debug)]
pub(super) struct Passwords {
    turns: Semaphore,
}

/// Hashing failed: the parameters or a stored hash are wrong, or the process is ending.
#[derive(Debug)]
pub(super) struct HashingFailed;

fn argon2() -> Result<Argon2<'static>, HashingFailed> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashingFailed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

impl Passwords {
    pub(super) fn new() -> Self {
        Self { turns: Semaphore::new(AT_ONCE) }
    }

    /// The PHC text of a password's hash.
    pub(super) async fn hash(
        &self,
        password: String,
        salt: [u8; 16],
    ) -> Result<String, HashingFailed> {
        let turn = self.turns.acquire().await.map_err(|_| HashingFailed)?;
        let hash = tokio::task::spawn_blocking(move || {
            let hash: PasswordHash = argon2()?
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map_err(|_| HashingFailed)?;
            Ok(hash.to_string())
        });
        let hash = hash.await.map_err(|_| HashingFailed)?;
        drop(turn);
        hash
    }

    /// Whether a password has this hash. Without a hash it does the same work and says no.
    pub(super) async fn verify(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, HashingFailed> {
        let turn = self.turns.acquire().await.map_err(|_| HashingFailed)?;
        let verdict = tokio::task::spawn_blocking(move || {
            let known = hash.is_some();
            let text = hash.unwrap_or_else(|| NOBODY.to_owned());
            let hash = PasswordHash::new(&text).map_err(|_| HashingFailed)?;
            // Parameters are taken from the hash, so that older ones go on working.
            Ok(argon2()?.verify_password(password.as_bytes(), &hash).is_ok() && known)
        });
        let verdict = verdict.await.map_err(|_| HashingFailed)?;
        drop(turn);
        verdict
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
}
