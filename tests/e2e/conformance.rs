//! What the OpenID Foundation's plans ask of a provider: Basic OP, Config OP, Dynamic OP (code flow) and RP-initiated
//! logout, module by module under the names of its suite, asked as a relying party would under the default
//! configuration. The suite itself does not run here. `docs/conformance.md` has a row for every module.
use crate::{
    app::{
        Ask, CALLBACK, SECRET, code, exchange, fields, location, parameter, payload, press,
        register, told,
    },
    client_auth::{JWT_BEARER, key, now, signed},
    http::Answer,
    oidc::{sign_in_again, userinfo},
    support::{Engine, Http, Server},
};
use authgate::jose::{Algorithm, ForeignKeys, KeySet};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const BYE: &str = "https://app.example/bye";

/// The stage, and the modules that were asked.
struct Suite {
    server: Server,
    tool: Http,
    person: Http,
    ran: BTreeSet<&'static str>,
}

/// A request as the suite sends it: a confidential client, no challenge.
fn ask() -> Ask {
    Ask::of("rp")
        .without("code_challenge")
        .without("code_challenge_method")
}

impl Suite {
    fn ran(&mut self, modules: &[&'static str]) {
        for module in modules {
            assert!(self.ran.insert(module), "{module} is asked twice");
        }
    }

    /// Redeems with `client_secret_basic`.
    async fn redeem(&mut self, code: &str) -> Answer {
        let basic = format!("Basic {}", STANDARD.encode(format!("rp:{SECRET}")));
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
        ];
        let headers = [("authorization", basic.as_str())];
        self.tool.post_with("/oauth/token", &headers, &form).await
    }

    /// The tokens of a request that is granted.
    async fn granted(&mut self, ask: &Ask) -> Answer {
        let code = code(&mut self.person, ask).await;
        let tokens = self.redeem(&code).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        tokens
    }

    async fn keys(&mut self) -> ForeignKeys {
        let discovery = self
            .tool
            .get("/.well-known/openid-configuration", &[])
            .await;
        let uri = discovery.text("jwks_uri");
        let path = uri
            .rsplit_once(&format!(":{}", self.server.port))
            .unwrap()
            .1;
        let keys = self.tool.get(path, &[]).await;
        ForeignKeys::from_jwks(keys.body.as_bytes()).unwrap()
    }

    async fn basics(&mut self) {
        let tokens = self.granted(&ask()).await;
        let id_token = tokens.text("id_token");
        let claims = self.keys().await.verify(&id_token).unwrap();
        let issuer = format!("http://127.0.0.1:{}", self.server.port);
        for (name, value) in [("iss", issuer.as_str()), ("aud", "rp"), ("nonce", "n-1")] {
            assert_eq!(claims[name], value);
        }
        for name in ["sub", "exp", "iat"] {
            assert!(claims.contains_key(name), "{name}");
        }
        let header: Value = {
            use base64::engine::general_purpose::URL_SAFE_NO_PAD;
            let part = URL_SAFE_NO_PAD.decode(id_token.split('.').next().unwrap());
            serde_json::from_slice(&part.unwrap()).unwrap()
        };
        assert_eq!(header["alg"], "RS256");
        assert!(header["kid"].is_string());
        self.ran(&[
            "oidcc-server",
            "oidcc-idtoken-signature",
            "oidcc-idtoken-rs256",
        ]);

        let access = tokens.text("access_token");
        let get = userinfo(&mut self.tool, &access).await;
        assert_eq!(get.json()["sub"], claims["sub"]);
        let bearer = format!("Bearer {access}");
        let headers = [("authorization", bearer.as_str())];
        let header = self.tool.post_with("/oauth/userinfo", &headers, &[]).await;
        let form = [("access_token", access.as_str())];
        let body = self.tool.post("/oauth/userinfo", &form).await;
        assert_eq!((header.status, body.status), (200, 200));
        assert_eq!((header.json(), body.json()), (get.json(), get.json()));
        self.ran(&[
            "oidcc-userinfo-get",
            "oidcc-userinfo-post-header",
            "oidcc-userinfo-post-body",
        ]);

        let again = code(&mut self.person, &ask()).await;
        let by_post = [("client_secret", SECRET), ("code_verifier", "")];
        let answer = exchange(&mut self.tool, "rp", &again, &by_post).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let unnonced = self.granted(&ask().without("nonce")).await;
        assert!(payload(&unnonced.text("id_token")).get("nonce").is_none());
        // The person is signed in and was asked before: a second request needs nobody.
        let straight = self.person.get(&ask().path(), &[]).await;
        assert!(parameter(&location(&straight), "code").is_some());
        let missing = ask().without("response_type");
        let answer = self.person.get(&missing.path(), &[]).await;
        assert_eq!(told(&answer), "invalid_request");
        self.ran(&[
            "oidcc-server-client-secret-post",
            "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
            "oidcc-alternate-happy-flow",
            "oidcc-response-type-missing",
        ]);
    }

    /// Scopes, and parameters that a provider may pass over but not refuse.
    async fn scopes_and_parameters(&mut self) {
        for (scope, claims) in [
            ("openid profile", &["name", "preferred_username"][..]),
            ("openid email", &["email", "email_verified"]),
            ("openid address", &[]),
            ("openid phone", &[]),
            ("openid profile email address phone", &["name", "email"]),
            ("email openid", &["email"]),
        ] {
            let tokens = self.granted(&ask().with("scope", scope)).await;
            let told = userinfo(&mut self.tool, &tokens.text("access_token")).await;
            for name in claims {
                assert!(told.json().get(name).is_some(), "{scope} {name}: {told:?}");
            }
        }
        self.ran(&[
            "oidcc-scope-profile",
            "oidcc-scope-email",
            "oidcc-scope-address",
            "oidcc-scope-phone",
            "oidcc-scope-all",
            "oidcc-ensure-other-scope-order-succeeds",
        ]);
        for (name, value) in [
            ("display", "page"),
            ("display", "popup"),
            ("ui_locales", "se"),
            ("claims_locales", "se"),
            ("login_hint", "bob@example.com"),
            ("acr_values", "1 2"),
            ("extra", "foobar"),
            ("claims", r#"{"userinfo":{"name":{"essential":true}}}"#),
        ] {
            self.granted(&ask().with(name, value)).await;
        }
        let pkce = Ask::of("rp");
        let code = code(&mut self.person, &pkce).await;
        let answer = exchange(&mut self.tool, "rp", &code, &[("client_secret", SECRET)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let ask = ask();
        let posted = self.person.post("/oauth/authorize", &ask.pairs()).await;
        assert_eq!(posted.status, 303);
        let path = posted.header("location").unwrap();
        let answer = self.person.get(&path, &[]).await;
        assert!(parameter(&location(&answer), "code").is_some());
        self.ran(&[
            "oidcc-display-page",
            "oidcc-display-popup",
            "oidcc-ui-locales",
            "oidcc-claims-locales",
            "oidcc-login-hint",
            "oidcc-ensure-request-with-acr-values-succeeds",
            "oidcc-ensure-request-with-unknown-parameter-succeeds",
            "oidcc-claims-essential",
            "oidcc-ensure-request-with-valid-pkce-succeeds",
            "oidcc-ensure-post-request-succeeds",
        ]);
    }

    async fn logins(&mut self) {
        let mut stranger = self.server.http().await;
        let silent = ask().with("prompt", "none");
        let answer = stranger.get(&silent.path(), &[]).await;
        assert_eq!(told(&answer), "login_required");
        let first = self.granted(&ask()).await.text("id_token");
        let before = payload(&first);
        let long = self.granted(&ask().with("max_age", "10000")).await;
        let same = payload(&self.granted(&silent).await.text("id_token"));
        for now in [&payload(&long.text("id_token")), &same] {
            assert_eq!(
                (&now["sub"], &now["auth_time"]),
                (&before["sub"], &before["auth_time"])
            );
        }
        self.granted(&silent.clone().with("id_token_hint", &first))
            .await;
        // Both need another sign-in, and the time of it is told.
        tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
        for mind in [ask().with("max_age", "1"), ask().with("prompt", "login")] {
            let sent = self.person.get(&mind.path(), &[]).await;
            let back = sign_in_again(&mut self.person, &sent).await;
            let answer = self.person.get(&back, &[]).await;
            let code = parameter(&location(&answer), "code").unwrap();
            let tokens = self.redeem(&code).await;
            let now = payload(&tokens.text("id_token"));
            assert!(now["auth_time"].as_i64() > before["auth_time"].as_i64());
        }
        self.ran(&[
            "oidcc-prompt-none-not-logged-in",
            "oidcc-prompt-none-logged-in",
            "oidcc-max-age-10000",
            "oidcc-id-token-hint",
            "oidcc-max-age-1",
            "oidcc-prompt-login",
        ]);
    }

    async fn refusals(&mut self) {
        for (name, value, error) in [
            ("request", "e30.e30.", "request_not_supported"),
            (
                "request_uri",
                "https://app.example/r.jwt",
                "request_uri_not_supported",
            ),
        ] {
            let answer = self.person.get(&ask().with(name, value).path(), &[]).await;
            assert_eq!(told(&answer), error);
            // What is in the object does not count, so an address in it does not either.
            let moved = ask()
                .with(name, value)
                .with("redirect_uri", "https://evil.example/");
            let answer = self.person.get(&moved.path(), &[]).await;
            assert_eq!((answer.status, answer.header("location")), (400, None));
        }
        for address in [None, Some("https://app.example/other")] {
            let wrong = match address {
                None => ask().without("redirect_uri"),
                Some(address) => ask().with("redirect_uri", address),
            };
            let answer = self.person.get(&wrong.path(), &[]).await;
            assert_eq!((answer.status, answer.header("location")), (400, None));
        }
        self.ran(&[
            "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
            "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
            "oidcc-ensure-request-object-with-redirect-uri",
            "oidcc-ensure-registered-redirect-uri",
            "oidcc-ensure-redirect-uri-in-authorization-request",
        ]);
        let once = code(&mut self.person, &ask()).await;
        let tokens = self.redeem(&once).await;
        let refreshed = self.refreshed(&tokens.text("refresh_token")).await;
        assert_eq!(
            payload(&refreshed.text("id_token"))["sub"],
            payload(&tokens.text("id_token"))["sub"]
        );
        let access = tokens.text("access_token");
        assert_eq!(userinfo(&mut self.tool, &access).await.status, 200);
        let again = self.redeem(&once).await;
        assert_eq!(
            (again.status, again.error()),
            (400, "invalid_grant".to_owned())
        );
        assert_eq!(userinfo(&mut self.tool, &access).await.status, 401);
        self.ran(&[
            "oidcc-refresh-token",
            "oidcc-codereuse",
            "oidcc-codereuse-30seconds",
        ]);
    }

    async fn refreshed(&mut self, token: &str) -> Answer {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", "rp"),
            ("client_secret", SECRET),
        ];
        let answer = self.tool.post("/oauth/token", &form).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    /// OpenID Connect Discovery 1.0 §3.
    async fn discovery(&mut self) {
        let told = self
            .tool
            .get("/.well-known/openid-configuration", &[])
            .await
            .json();
        let issuer = format!("http://127.0.0.1:{}", self.server.port);
        assert_eq!(told["issuer"], issuer);
        for name in [
            "authorization_endpoint",
            "token_endpoint",
            "userinfo_endpoint",
            "jwks_uri",
            "registration_endpoint",
            "end_session_endpoint",
        ] {
            let url = told[name].as_str().unwrap_or_else(|| panic!("{name}"));
            assert!(url.starts_with(&issuer), "{name} {url}");
        }
        for (name, value) in [
            ("response_types_supported", "code"),
            ("subject_types_supported", "public"),
            ("id_token_signing_alg_values_supported", "RS256"),
            ("scopes_supported", "openid"),
            ("claims_supported", "sub"),
        ] {
            assert!(
                told[name].as_array().unwrap().contains(&json!(value)),
                "{name}"
            );
        }
        for name in ["claims_parameter_supported", "request_parameter_supported"] {
            assert_eq!(told[name], false);
        }
        self.ran(&[
            "oidcc-discovery-endpoint-verification",
            "oidcc-rp-initiated-logout-discovery-endpoint-verification",
        ]);
    }

    /// A client that registered itself with its keys, as the dynamic plan has it, and was approved. It proves who it is by
    /// assertions made for the issuer.
    async fn registration(&mut self) {
        let address = "https://app.example/cb?foo=bar";
        let keys = key(Algorithm::Es256, "p256.pkcs8.pem");
        let jwks: Value = serde_json::from_slice(keys.jwks()).unwrap();
        let asked = json!({
            "client_name": "RP", "redirect_uris": [address], "scope": "openid offline_access",
            "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks, "id_token_signed_response_alg": "RS256",
            "grant_types": ["authorization_code", "refresh_token"], "logo_uri": "https://app.example/logo.png", "policy_uri": "https://app.example/policy",
            "tos_uri": "https://app.example/tos",
        });
        let made = self.register(&asked).await;
        assert_eq!(made.status, 201, "{made:?}");
        for name in ["logo_uri", "policy_uri", "tos_uri"] {
            assert_eq!(made.json()[name], asked[name]);
        }
        let id = made.text("client_id");
        let approve =
            format!("UPDATE oauth_applications SET status = 'active' WHERE client_id = '{id}'");
        self.server.sql(&approve, &approve).await;
        let of = |address: &str| {
            Ask::of(&id)
                .without("code_challenge")
                .without("code_challenge_method")
                .with("scope", "openid")
                .with("redirect_uri", address)
        };
        let page = self.person.get(&of(address).path(), &[]).await;
        let answer = press(&mut self.person, &page, "approve").await;
        let there = location(&answer);
        assert_eq!(parameter(&there, "foo").as_deref(), Some("bar"));
        let code = parameter(&there, "code").unwrap();
        let redeem = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", address),
        ];
        let tokens = self.by_assertion(&keys, &id, &redeem).await;
        let claims = self.keys().await.verify(&tokens.text("id_token")).unwrap();
        for (name, value) in [("aud", id.as_str()), ("nonce", "n-1")] {
            assert_eq!(claims[name], value);
        }
        let userinfo = userinfo(&mut self.tool, &tokens.text("access_token")).await;
        assert_eq!(userinfo.json()["sub"], claims["sub"]);
        let refresh = tokens.text("refresh_token");
        let refresh = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &*refresh),
        ];
        let next = self.by_assertion(&keys, &id, &refresh).await;
        let again = self.keys().await.verify(&next.text("id_token")).unwrap();
        for name in ["iss", "sub", "aud", "auth_time"] {
            assert_eq!(again[name], claims[name], "{name}");
        }
        let object = of(address).with("request", "eyJhbGciOiJub25lIn0.e30.");
        let answer = self.person.get(&object.path(), &[]).await;
        assert_eq!(told(&answer), "request_not_supported");
        // What is fetched is refused, and what is refused is said.
        for (name, value) in [
            ("jwks_uri", json!("https://app.example/jwks")),
            ("userinfo_signed_response_alg", json!("RS256")),
        ] {
            let mut other = asked.clone();
            if name == "jwks_uri" {
                other.as_object_mut().unwrap().remove("jwks");
            }
            other[name] = value;
            let answer = self.register(&other).await;
            let is_kept = answer.status == 201 && answer.json().get(name).is_some();
            assert!(!is_kept, "{name}: {answer:?}");
        }
        for wrong in [
            "https://app.example/cb?foo=bar&bar=foo",
            "https://app.example/cb?bar=foo",
            "https://app.example/cb",
        ] {
            let answer = self.person.get(&of(wrong).path(), &[]).await;
            assert_eq!((answer.status, answer.header("location")), (400, None));
        }
        let fragment = json!({"client_name": "RP", "redirect_uris": ["https://app.example/cb#x"]});
        let answer = self.register(&fragment).await;
        assert_eq!(answer.error(), "invalid_redirect_uri");
        self.ran(&[
            "oidcc-redirect-uri-query-OK",
            "oidcc-redirect-uri-query-added",
            "oidcc-redirect-uri-query-mismatch",
            "oidcc-redirect-uri-regfrag",
            "oidcc-ensure-client-assertion-with-iss-aud-succeeds",
        ]);
    }

    /// What the token endpoint answers to a client that signs.
    async fn by_assertion(&mut self, keys: &KeySet, id: &str, form: &[(&str, &str)]) -> Answer {
        let issuer = format!("http://127.0.0.1:{}", self.server.port);
        let jti = format!("{}-{}", id, form[0].1);
        let claims = json!({"iss": id, "sub": id, "aud": issuer, "exp": now() + 60, "iat": now(), "jti": jti});
        let assertion = signed(keys, &claims);
        let proof = [
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", &*assertion),
        ];
        let answer = self
            .tool
            .post("/oauth/token", &[form, &proof].concat())
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    async fn register(&mut self, asked: &Value) -> Answer {
        let body = asked.to_string();
        let request = format!(
            "POST /oauth/register HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.tool.try_send(request.as_bytes()).await.unwrap()
    }

    async fn logouts(&mut self) {
        let hint = self.granted(&ask()).await.text("id_token");
        let path = |pairs: &[(&str, &str)]| {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish();
            format!("/oauth/end_session?{query}")
        };
        let tampered = format!("{}x", hint);
        // Nothing of this leads to the client; where a person can do something, they are asked.
        for (status, pairs) in [
            (
                400,
                &[
                    ("id_token_hint", hint.as_str()),
                    ("post_logout_redirect_uri", "https://evil.example/"),
                    ("state", "s"),
                ][..],
            ),
            (
                400,
                &[
                    ("id_token_hint", &hint),
                    ("post_logout_redirect_uri", "https://app.example/bye?a=b"),
                    ("state", "s"),
                ],
            ),
            (400, &[("post_logout_redirect_uri", BYE), ("state", "s")]),
            (
                200,
                &[
                    ("id_token_hint", &tampered),
                    ("post_logout_redirect_uri", BYE),
                    ("state", "s"),
                ],
            ),
            (
                200,
                &[
                    ("id_token_hint", "nonsense"),
                    ("post_logout_redirect_uri", BYE),
                    ("state", "s"),
                ],
            ),
            (200, &[]),
            (200, &[("state", "s")]),
        ] {
            let answer = self.person.get(&path(pairs), &[]).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (status, None),
                "{pairs:?}"
            );
        }
        // Without parameters the person is asked, signs out, and stays here.
        let page = self.person.get(&path(&[]), &[]).await;
        let form = fields(&page.body, "/oauth/end_session");
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (&**n, &**v)).collect();
        let answer = self.person.post("/oauth/end_session", &form).await;
        assert!(
            answer.header("location").unwrap().starts_with('/'),
            "{answer:?}"
        );
        let silent = ask().with("prompt", "none");
        let answer = self.person.get(&silent.path(), &[]).await;
        assert_eq!(told(&answer), "login_required");
        for (pairs, there) in [
            (
                &[
                    ("id_token_hint", hint.as_str()),
                    ("post_logout_redirect_uri", BYE),
                    ("state", "s"),
                ][..],
                Some("https://app.example/bye?state=s"),
            ),
            (
                &[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE)],
                Some(BYE),
            ),
            (&[("id_token_hint", &hint)], None),
        ] {
            self.person.sign_in().await;
            let answer = self.person.get(&path(pairs), &[]).await;
            let location = answer.header("location").unwrap();
            match there {
                Some(there) => assert_eq!(location, there),
                None => assert!(location.starts_with('/'), "{location}"),
            }
            let answer = self.person.get(&silent.path(), &[]).await;
            assert_eq!(told(&answer), "login_required");
        }
        self.ran(&[
            "oidcc-rp-initiated-logout",
            "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri",
            "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri",
            "oidcc-rp-initiated-logout-modified-id-token-hint",
            "oidcc-rp-initiated-logout-bad-id-token-hint",
            "oidcc-rp-initiated-logout-no-id-token-hint",
            "oidcc-rp-initiated-logout-no-params",
            "oidcc-rp-initiated-logout-only-state",
            "oidcc-rp-initiated-logout-no-state",
            "oidcc-rp-initiated-logout-no-post-logout-redirect-uri",
        ]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_plans_of_the_openid_foundation_ask_on_sqlite() {
    what_the_plans_ask(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_plans_of_the_openid_foundation_ask_on_postgres() {
    what_the_plans_ask(Engine::Postgres).await;
}

async fn what_the_plans_ask(engine: Engine) {
    let on = [("ENABLE_DYNAMIC_CLIENT_REGISTRATION", "true")];
    let server = Server::start(engine, &on).await;
    register(&server, "rp", "confidential", &[CALLBACK]).await;
    let (tool, mut person) = (server.http().await, server.http().await);
    person.sign_in().await;
    let mut suite = Suite {
        server,
        tool,
        person,
        ran: BTreeSet::new(),
    };
    suite.basics().await;
    suite.scopes_and_parameters().await;
    suite.logins().await;
    suite.refusals().await;
    suite.discovery().await;
    suite.registration().await;
    suite.logouts().await;

    // The document lists what was asked, and nothing that was not.
    let document = include_str!("../../docs/conformance.md");
    let asked: BTreeSet<&str> = document
        .lines()
        .filter(|line| line.contains("| asked |"))
        .filter_map(|line| line.split('`').nth(1))
        .collect();
    assert_eq!(asked, suite.ran);
}
