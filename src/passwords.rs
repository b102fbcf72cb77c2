//! Password hashes and the password policy.
