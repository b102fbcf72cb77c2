//! What stands in access tokens beside the protocol's own claims.
use super::reader::Reader;
use crate::domain::claims::ExtraClaimRules;

const DEFAULT_PREFIX: &str = "extra";
const LONGEST_PREFIX: usize = 15;
const LONGEST_DOMAIN: usize = 64;

/// Claims that the operator decides.
#[derive(Clone, Debug)]
pub struct Claims {
    /// `JWT_AUDIENCE`: the audience of tokens without a resource indicator (RFC 8707); empty leaves `aud` out.
    pub audience: Vec<String>,
    /// `JWT_DOMAIN`: value of `<prefix>_domain`; absent leaves it out.
    pub domain: Option<String>,
    /// `EXTRA_CLAIMS_…` (on; 4096 bytes, 16 keys, 512 bytes each; 0 lifts a limit) and `JWT_PRIVATE_CLAIM_PREFIX`.
    pub rules: ExtraClaimRules,
    /// `EXTRA_CLAIMS_PUBLIC_CLIENTS`, default off: whether clients that prove nothing may send `extra_claims`.
    pub public_clients: bool,
    /// `ACCESS_TOKEN_TYPE`, default `JWT`: what stands in the header of access tokens.
    pub access_token_type: AccessTokenType,
}

/// The `typ` header of access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessTokenType {
    /// `JWT`, which all verifiers of the former server expect.
    Jwt,
    /// `at+jwt` (RFC 9068 §2.1). There is an audience then.
    AtJwt,
}

/// `EXTRA_CLAIMS_…`, still without the prefix.
pub(super) fn limits(r: &mut Reader<'_>) -> ExtraClaimRules {
    ExtraClaimRules {
        enabled: r.boolean("EXTRA_CLAIMS_ENABLED", true),
        max_raw_size: size(r, "EXTRA_CLAIMS_MAX_RAW_SIZE", 4096),
        max_keys: size(r, "EXTRA_CLAIMS_MAX_KEYS", 16),
        max_value_size: size(r, "EXTRA_CLAIMS_MAX_VAL_SIZE", 512),
        prefix: DEFAULT_PREFIX.to_owned(),
    }
}

/// The whole group around its limits.
pub(super) fn read(r: &mut Reader<'_>, limits: ExtraClaimRules) -> Claims {
    let claims = Claims {
        audience: r.list("JWT_AUDIENCE", &[]),
        domain: domain(r),
        rules: ExtraClaimRules {
            prefix: prefix(r),
            ..limits
        },
        public_clients: r.boolean("EXTRA_CLAIMS_PUBLIC_CLIENTS", false),
        access_token_type: r.choice(
            "ACCESS_TOKEN_TYPE",
            &[
                ("jwt", AccessTokenType::Jwt),
                ("JWT", AccessTokenType::Jwt),
                ("at+jwt", AccessTokenType::AtJwt),
            ],
            AccessTokenType::Jwt,
            |text| {
                format!("invalid ACCESS_TOKEN_TYPE value: {text:?} (must be \"jwt\" or \"at+jwt\")")
            },
        ),
    };
    if claims.access_token_type == AccessTokenType::AtJwt && claims.audience.is_empty() {
        r.error(
            "ACCESS_TOKEN_TYPE",
            "ACCESS_TOKEN_TYPE=at+jwt needs JWT_AUDIENCE: such a token must name an audience, also when nobody asks for one (RFC 9068 §3)",
        );
    }
    claims
}

fn size(r: &mut Reader<'_>, name: &str, default: i64) -> usize {
    let number = r.integer(name, default);
    usize::try_from(number).unwrap_or_else(|_| {
        r.error(
            name,
            format_args!("{name} must be non-negative (got {number})"),
        );
        0
    })
}

fn domain(r: &mut Reader<'_>) -> Option<String> {
    let text = r.raw("JWT_DOMAIN")?.trim();
    if text.is_empty() {
        return None;
    }
    if !is_domain(text) {
        r.error(
            "JWT_DOMAIN",
            format_args!(
                "invalid JWT_DOMAIN value: {text:?} (must be 1–64 characters of letters, digits, underscore, dot, or hyphen, starting and ending with a letter or digit)"
            ),
        );
    }
    Some(text.to_owned())
}

fn is_domain(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    text.len() <= LONGEST_DOMAIN
        && text.starts_with(edge)
        && text.ends_with(edge)
        && text
            .chars()
            .all(|c| edge(c) || matches!(c, '_' | '.' | '-'))
}

fn prefix(r: &mut Reader<'_>) -> String {
    const NAME: &str = "JWT_PRIVATE_CLAIM_PREFIX";
    let text = r.raw(NAME).unwrap_or_default().trim();
    if text.is_empty() {
        return DEFAULT_PREFIX.to_owned();
    }
    let length = text.len();
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if length > LONGEST_PREFIX {
        r.error(
            NAME,
            format_args!("{NAME} must be at most 15 characters (got {length}: {text:?})"),
        );
    } else if text.ends_with('_') {
        r.error(
            NAME,
            format_args!(
                "{NAME} must not end with an underscore (one is added before the name): {text:?}"
            ),
        );
    } else if !is_word {
        r.error(
            NAME,
            format_args!("{NAME} must match ^[a-zA-Z][a-zA-Z0-9_]*$ (got {text:?})"),
        );
    }
    text.to_owned()
}
