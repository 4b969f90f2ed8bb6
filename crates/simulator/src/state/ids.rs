//! Ids that look like Stripe's and repeat under the same seed.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A seeded source of ids (`SplitMix64`); not for secrets outside a simulator.
#[derive(Debug)]
pub(crate) struct Ids {
    state: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed ^ 0x9e37_79b9_7f4a_7c15 }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// `length` letters and digits.
    pub(crate) fn token(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let mut word = self.next();
            for _ in 0..10 {
                if text.len() == length {
                    break;
                }
                let index = usize::try_from(word % 62).unwrap_or(0);
                text.push(char::from(ALPHABET[index]));
                word /= 62;
            }
        }
        text
    }

    /// `prefix_` followed by as many characters as Stripe uses for it.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        let length = match prefix {
            "cus" | "prod" | "si" | "req" => 14,
            "cs_test" | "cs_live" => 58,
            _ => 24,
        };
        format!("{prefix}_{}", self.token(length))
    }
}

#[cfg(test)]
mod tests {
    use super::Ids;

    /// Two generators with one seed give the same ids, and ids differ among themselves.
    #[test]
    fn repeats_under_the_same_seed() {
        let (mut one, mut two) = (Ids::new(7), Ids::new(7));
        let first = one.id("cus");
        assert_eq!(first, two.id("cus"));
        assert_ne!(first, one.id("cus"));
        assert_eq!(first.len(), "cus_".len() + 14);
    }
}
