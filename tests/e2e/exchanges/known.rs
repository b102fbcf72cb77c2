//! The differences that are meant. Each has its row in docs/compatibility.md.
use super::diff::Difference;

/// A difference, and where it is documented.
#[derive(Debug)]
pub struct Known {
    /// Which exchanges. Here and below `*` at an end stands for anything.
    what: &'static [&'static str],
    part: &'static str,
    /// What the Go server answered.
    was: &'static str,
    /// What this server answers.
    is: &'static str,
    /// The section of the document.
    pub section: &'static str,
    /// Words of the row in it.
    pub row: &'static str,
}

impl Known {
    pub fn names(&self, difference: &Difference) -> bool {
        self.what.iter().any(|what| is_like(what, &difference.what))
            && is_like(self.part, &difference.part)
            && is_like(self.was, &difference.was)
            && is_like(self.is, &difference.is)
    }
}

fn is_like(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (_, Some(head)) => text.starts_with(head),
        (Some(tail), None) => text.ends_with(tail),
        (None, None) => pattern == text,
    }
}

const fn known(
    what: &'static [&'static str],
    (part, was, is): (&'static str, &'static str, &'static str),
    (section, row): (&'static str, &'static str),
) -> Known {
    Known {
        what,
        part,
        was,
        is,
        section,
        row,
    }
}

const ALL: &[&str] = &["*"];
const DOCUMENTS: &[&str] = &["oidc discovery", "oauth metadata"];
const NO_CODE: &[&str] = &["poll, wrong client", "poll, unknown code", "poll redeemed"];
const NO_SUCH_PAGE: (&str, &str) = ("Configuration", "a feature that this version does not have");
const OWN_KEY: (&str, &str) = (
    "OpenID Connect",
    "ID tokens under HS256 are signed with `JWT_SECRET`",
);
const REDEEMED: (&str, &str) = (
    "Authorization code grant and consent",
    "a confidential client redeems by body only",
);
const FOREIGN_TOKEN: (&str, &str) = ("Refresh", "a token of another client");
/// Of another client, as recorded.
const FOREIGN_REFRESH: &[&str] = &["introspect refresh_token, Basic"];
const LOOKS_LIKE_ACCESS: (&str, &str) = (
    "Introspection, revocation and tokeninfo",
    "a refresh token looks like an access token",
);
const RESOURCE: (&str, &str) = (
    "Authorization code grant and consent",
    "`resource` is checked against the client's list after",
);
const ANSWER: (&str, &str) = (
    "Authorization code grant and consent",
    "no `iss` in the answer",
);
const TELLS_ALL: (&str, &str) = ("Metadata", "each document leaves out what the other has");
const REGISTERED: &[&str] = &["register, public", "register, confidential"];

pub const KNOWN: &[Known] = &[
    known(
        ALL,
        ("header content-security-policy", "*", "default-src 'none'*"),
        ("HTTP", "scripts and styles in pages, third-party hosts"),
    ),
    known(
        ALL,
        ("header cache-control", "absent", "no-store"),
        ("HTTP", "no `Cache-Control` on tokens and pages"),
    ),
    known(
        ALL,
        ("header referrer-policy", "*", "same-origin"),
        ("HTTP", "`Referrer-Policy`"),
    ),
    known(
        ALL,
        ("header content-type", "text/html; charset=utf-8", "absent"),
        ("HTTP", "redirections carry a small page"),
    ),
    known(
        ALL,
        (
            "header content-type",
            "text/plain",
            "text/plain; charset=utf-8",
        ),
        ("HTTP", "plain text without a character set"),
    ),
    known(
        &["login page"],
        ("header set-cookie", "absent", "oauth_session=*"),
        (
            "Sign-in and sessions",
            "`POST /login` and `GET /logout` work across sites",
        ),
    ),
    known(
        ALL,
        ("body.error_uri", "absent", "\"{base}/oauth/error/*"),
        ("HTTP", "`error_uri`"),
    ),
    known(
        &["poll*", "tokeninfo, none"],
        ("body.error_description", "absent", "*"),
        ("HTTP", "some errors come without a description"),
    ),
    known(
        NO_CODE,
        ("body.error", "\"access_denied\"", "\"invalid_grant\""),
        ("Device grant", "unknown codes: `access_denied`"),
    ),
    known(
        FOREIGN_REFRESH,
        ("body.active", "true", "false"),
        LOOKS_LIKE_ACCESS,
    ),
    known(
        FOREIGN_REFRESH,
        ("body.*", "*", "absent"),
        LOOKS_LIKE_ACCESS,
    ),
    known(
        &["tokeninfo*"],
        ("header www-authenticate", "absent", "Bearer realm*"),
        (
            "Introspection, revocation and tokeninfo",
            "tokeninfo sends no `WWW-Authenticate`",
        ),
    ),
    known(
        &["userinfo, none"],
        (
            "header www-authenticate",
            "Bearer error=*",
            "Bearer realm=\"authgate\"",
        ),
        ("OpenID Connect", "a request to userinfo without a token"),
    ),
    known(
        &["refresh, narrower scope"],
        ("body.scope", "\"email profile\"", "\"email\""),
        ("Refresh", "`scope` is not narrowed"),
    ),
    known(
        &["refresh, wrong client"],
        ("status", "400", "401"),
        FOREIGN_TOKEN,
    ),
    known(
        &["refresh, wrong client"],
        ("header www-authenticate", "absent", "Basic realm=\"token\""),
        FOREIGN_TOKEN,
    ),
    known(
        &["refresh, wrong client"],
        ("body.error", "\"invalid_grant\"", "\"invalid_client\""),
        FOREIGN_TOKEN,
    ),
    known(&["code, bad secret"], ("status", "400", "401"), REDEEMED),
    known(
        &["code, bad secret"],
        ("header www-authenticate", "absent", "Basic realm=\"token\""),
        REDEEMED,
    ),
    known(
        &["code, bad secret"],
        (
            "body.error",
            "\"unauthorized_client\"",
            "\"invalid_client\"",
        ),
        REDEEMED,
    ),
    known(
        &["authorize, resource not allowed (signed in)"],
        ("status", "200", "302"),
        RESOURCE,
    ),
    known(
        &["authorize, resource not allowed (signed in)"],
        (
            "header location",
            "absent",
            "http://127.0.0.1:9/cb?error=invalid_target*",
        ),
        RESOURCE,
    ),
    known(
        &["authorize, resource not allowed (signed in)"],
        ("body", "<html>", ""),
        RESOURCE,
    ),
    known(
        &["authorize*"],
        ("location iss", "absent", "{base}"),
        ANSWER,
    ),
    known(
        &["authorize*"],
        ("location error_uri", "absent", "{base}/oauth/error/*"),
        ANSWER,
    ),
    known(DOCUMENTS, ("body.*", "absent", "*"), TELLS_ALL),
    known(
        &["oidc discovery"],
        (
            "body.id_token_signing_alg_values_supported",
            "[\"HS256\"]",
            "[\"RS256\"]",
        ),
        OWN_KEY,
    ),
    known(
        &["id_token header and claims"],
        ("header.alg", "\"HS256\"", "\"RS256\""),
        OWN_KEY,
    ),
    known(
        &["id_token header and claims"],
        ("header.kid", "absent", "*"),
        OWN_KEY,
    ),
    known(
        DOCUMENTS,
        (
            "body.scopes_supported",
            "*",
            "*\"offline_access\",\"read\",\"write\"]",
        ),
        ("OpenID Connect", "discovery tells less"),
    ),
    known(
        &["oauth metadata"],
        (
            "body.revocation_endpoint_auth_methods_supported",
            "[\"none\"]",
            "*\"none\"]",
        ),
        ("Metadata", "revocation: authentication `none` only"),
    ),
    known(
        DOCUMENTS,
        (
            "body.token_endpoint_auth_methods_supported",
            "[\"client_secret_basic\",\"client_secret_post\",\"none\"]",
            "*",
        ),
        ("Client authentication", "`private_key_jwt`"),
    ),
    known(
        &["oauth metadata"],
        (
            "body.introspection_endpoint_auth_methods_supported",
            "[\"client_secret_basic\",\"client_secret_post\"]",
            "*",
        ),
        ("Client authentication", "`private_key_jwt`"),
    ),
    known(
        &["register, public"],
        ("body.client_secret", "*", "absent"),
        ("Dynamic registration", "public clients get a secret"),
    ),
    known(
        &["register, public"],
        ("body.client_secret_expires_at", "0", "absent"),
        ("Dynamic registration", "public clients get a secret"),
    ),
    known(
        &["register, public"],
        ("body.grant_types", "*", "[\"authorization_code\"]"),
        (
            "Dynamic registration",
            "every client is allowed the device grant",
        ),
    ),
    known(
        REGISTERED,
        ("body.registration_access_token", "absent", "\"agr_*"),
        ("Dynamic registration", "`registration_access_token`"),
    ),
    known(
        REGISTERED,
        (
            "body.registration_client_uri",
            "absent",
            "\"{base}/oauth/register/*",
        ),
        ("Dynamic registration", "`registration_access_token`"),
    ),
    known(
        REGISTERED,
        ("body.response_types", "absent", "[\"code\"]"),
        ("Dynamic registration", "unknown metadata is dropped"),
    ),
    known(
        &["register, bad redirect"],
        (
            "body.error",
            "\"invalid_client_metadata\"",
            "\"invalid_redirect_uri\"",
        ),
        ("Dynamic registration", "a bad redirect URI"),
    ),
    known(&["metrics off"], ("status", "401", "404"), NO_SUCH_PAGE),
    known(
        &["metrics off"],
        (
            "header content-type",
            "application/json; charset=utf-8",
            "text/plain; charset=utf-8",
        ),
        NO_SUCH_PAGE,
    ),
    known(
        &["metrics off"],
        (
            "header www-authenticate",
            "Bearer realm=\"Metrics\"",
            "absent",
        ),
        NO_SUCH_PAGE,
    ),
    known(
        &["metrics off"],
        ("body", "JSON", "404 page not found"),
        NO_SUCH_PAGE,
    ),
];
