//! What a new password must be (NIST SP 800-63B-4 §3.1.1): long enough, not a common one, not
//! made of the product's or the user's own names. No rules about kinds of characters, any
//! Unicode, and no forced change. Existing passwords are not judged here.
use super::{HashAlgorithm, blocklist, max_bytes};

/// The longest password, in bytes, that is ever hashed; it bounds the work of one login.
pub const MAX_PASSWORD_BYTES: usize = 1024;
/// The shortest minimum that can be configured, in characters.
pub const MIN_LENGTH_FLOOR: usize = 8;
const DEFAULT_MIN_LENGTH: usize = 15;
/// Names shorter than this are too likely to turn up in a good password by chance.
const MIN_CONTEXT_WORD: usize = 4;
/// What has to be left, in characters, when the context words are taken out of a password.
const MIN_BESIDE_CONTEXT: usize = 8;

/// The rules for new passwords.
#[derive(Clone, Debug)]
pub struct PasswordPolicy {
    min_length: usize,
    max_bytes: usize,
    blocklist: bool,
    context_words: Vec<String>,
}

/// Which rule a new password breaks, in words for the person who chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyViolation {
    #[error("The password must have at least {0} characters.")]
    TooShort(usize),
    #[error("The password must not be longer than {0} bytes.")]
    TooLong(usize),
    #[error("The password is one that many people use, and so is among the first to be tried.")]
    Common,
    #[error("The password says little more than the name of this service or of its user.")]
    Contextual,
}

impl Default for PasswordPolicy {
    /// 15 characters and the block list, for Argon2id.
    fn default() -> Self {
        Self::new(DEFAULT_MIN_LENGTH, true, HashAlgorithm::Argon2id)
    }
}

impl PasswordPolicy {
    /// `min_length` counts Unicode scalar values; less than 8 is raised to 8. The algorithm
    /// bounds the length: bcrypt can take 72 bytes, and a longer password is refused, not cut.
    pub fn new(min_length: usize, blocklist: bool, algorithm: HashAlgorithm) -> Self {
        Self {
            min_length: min_length.max(MIN_LENGTH_FLOOR),
            max_bytes: max_bytes(algorithm),
            blocklist,
            context_words: Vec::new(),
        }
    }

    /// Adds names that a password may not consist of: product, host, user name, mail address.
    /// Letter case does not count, and names below four characters are left out.
    #[must_use]
    pub fn with_context<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        let long_enough = |word: &String| word.chars().count() >= MIN_CONTEXT_WORD;
        let lower = words.into_iter().map(str::to_lowercase);
        self.context_words.extend(lower.filter(long_enough));
        // Longest first, so that `authgate.example` goes before `authgate`.
        self.context_words
            .sort_by_key(|word| std::cmp::Reverse(word.len()));
        self
    }

    /// The configured minimum, in characters.
    pub fn min_length(&self) -> usize {
        self.min_length
    }

    /// Judges a new password.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn check(&self, password: &str) -> Result<(), PolicyViolation> {
        if password.len() > self.max_bytes {
            return Err(PolicyViolation::TooLong(self.max_bytes));
        }
        if password.chars().count() < self.min_length {
            return Err(PolicyViolation::TooShort(self.min_length));
        }
        let lower = password.to_lowercase();
        if self.blocklist && blocklist::is_common(&lower) {
            return Err(PolicyViolation::Common);
        }
        let rest = self
            .context_words
            .iter()
            .fold(lower.clone(), |text, word| text.replace(word, ""));
        if rest != lower && rest.chars().count() < MIN_BESIDE_CONTEXT {
            return Err(PolicyViolation::Contextual);
        }
        Ok(())
    }
}
