//! A web application with the openidconnect crate: discovery, registration, code + PKCE, ID token, userinfo, refresh,
//! introspection, revocation.
use openidconnect::{
    AccessToken, AuthorizationCode, ClientId, ClientName, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, IntrospectionUrl, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge,
    RedirectUrl, RegistrationUrl, RevocationUrl, Scope, TokenIntrospectionResponse as _,
    TokenResponse as _,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreClientRegistrationRequest, CoreGrantType,
        CoreProviderMetadata, CoreRevocableToken, CoreUserInfoClaims,
    },
    registration::EmptyAdditionalClientMetadata,
    url::Url,
};
use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::TcpStream,
};

const CALLBACK: &str = "http://127.0.0.1:9/cb";

fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// Plain HTTP to the server whatever the scheme says: the crate wants https for a revocation.
fn http(request: HttpRequest) -> Result<HttpResponse, std::io::Error> {
    let base = Url::parse(&env("BASE")).unwrap();
    let mut stream = TcpStream::connect((base.host_str().unwrap(), base.port().unwrap()))?;
    let target = request.uri().path_and_query().unwrap().as_str();
    let mut head = format!(
        "{} {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
        request.method(),
        base.authority()
    );
    for (name, value) in request.headers() {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    head += &format!("content-length: {}\r\n\r\n", request.body().len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(request.body())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status: u16 = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let mut response = openidconnect::http::Response::builder().status(status);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        response = response.header(name, value);
    }
    Ok(response.body(bytes[end + 4..].to_vec()).unwrap())
}

/// A browser: cookies, and redirections until it is sent somewhere else.
#[derive(Default)]
struct Browser(BTreeMap<String, String>);

impl Browser {
    fn visit(&mut self, mut url: Url, mut body: Option<String>) -> (Url, String) {
        loop {
            let cookies: Vec<String> = self
                .0
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let mut request = openidconnect::http::Request::builder()
                .method(if body.is_some() { "POST" } else { "GET" })
                .uri(url.as_str())
                .header("cookie", cookies.join("; "));
            if body.is_some() {
                request = request.header("content-type", "application/x-www-form-urlencoded");
            }
            let answer = http(
                request
                    .body(body.take().unwrap_or_default().into_bytes())
                    .unwrap(),
            )
            .unwrap();
            for line in answer.headers().get_all("set-cookie") {
                let pair = line.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                self.0.insert(name.to_owned(), value.to_owned());
            }
            let Some(location) = answer.headers().get("location") else {
                return (url, String::from_utf8_lossy(answer.body()).into_owned());
            };
            url = url.join(location.to_str().unwrap()).unwrap();
            if url.as_str().starts_with(CALLBACK) {
                return (url, String::new());
            }
        }
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let text = rest.split('"').next()?;
    let entities = [
        ("&#x2F;", "/"),
        ("&#x3D;", "="),
        ("&#x27;", "'"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    Some(
        entities
            .iter()
            .fold(text.to_owned(), |text, (entity, plain)| {
                text.replace(entity, plain)
            }),
    )
}

/// Fills in the form that holds the marker; where it goes, and what is sent.
fn form(page: &str, marker: &str, more: &[(&str, &str)]) -> (String, String) {
    let part = page
        .split("<form")
        .skip(1)
        .map(|part| part.split("</form>").next().unwrap())
        .find(|part| part.contains(marker))
        .unwrap_or_else(|| panic!("no form with {marker} in {page}"));
    let mut query = Url::parse("form:").unwrap();
    for tag in part
        .split("<input")
        .skip(1)
        .map(|rest| rest.split('>').next().unwrap())
    {
        if tag.contains("type=\"hidden\"") {
            let value = attribute(tag, "value").unwrap_or_default();
            query
                .query_pairs_mut()
                .append_pair(&attribute(tag, "name").unwrap(), &value);
        }
    }
    query.query_pairs_mut().extend_pairs(more);
    (
        attribute(part, "action").unwrap(),
        query.query().unwrap().to_owned(),
    )
}

fn person_agrees(url: Url) -> Url {
    let mut browser = Browser::default();
    let (at, page) = browser.visit(url, None);
    let (action, body) = form(
        &page,
        "name=\"password\"",
        &[
            ("username", &env("USERNAME")),
            ("password", &env("PASSWORD")),
        ],
    );
    let (at, page) = browser.visit(at.join(&action).unwrap(), Some(body));
    // A consent that is remembered leads back without a question.
    if at.as_str().starts_with(CALLBACK) {
        return at;
    }
    let (action, body) = form(&page, "code_challenge", &[("action", "approve")]);
    let (back, page) = browser.visit(at.join(&action).unwrap(), Some(body));
    assert!(back.as_str().starts_with(CALLBACK), "{page}");
    back
}

fn parameter(url: &Url, name: &str) -> String {
    let pair = url.query_pairs().find(|(key, _)| key == name);
    pair.unwrap_or_else(|| panic!("no {name} in {url}"))
        .1
        .into_owned()
}

fn whole_journey(metadata: &CoreProviderMetadata, id: ClientId, secret: ClientSecret) {
    let base = env("BASE");
    let client = CoreClient::from_provider_metadata(metadata.clone(), id.clone(), Some(secret))
        .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned()).unwrap())
        .set_introspection_url(IntrospectionUrl::new(format!("{base}/oauth/introspect")).unwrap())
        .set_revocation_url(
            RevocationUrl::new(format!("{base}/oauth/revoke").replace("http:", "https:")).unwrap(),
        );
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scopes(
            ["email", "profile", "offline_access"].map(|scope| Scope::new(scope.to_owned())),
        )
        .set_pkce_challenge(challenge)
        .url();
    let back = person_agrees(url);
    assert_eq!(&parameter(&back, "state"), state.secret());
    let tokens = client
        .exchange_code(AuthorizationCode::new(parameter(&back, "code")))
        .unwrap()
        .set_pkce_verifier(verifier)
        .request(&http)
        .unwrap();
    let id_token = tokens.id_token().unwrap();
    let claims = id_token
        .claims(&client.id_token_verifier(), &nonce)
        .unwrap();
    let person: CoreUserInfoClaims = client
        .user_info(
            tokens.access_token().clone(),
            Some(claims.subject().clone()),
        )
        .unwrap()
        .request(&http)
        .unwrap();
    assert_eq!(
        person.preferred_username().unwrap().as_str(),
        env("USERNAME")
    );
    let fresh = client
        .exchange_refresh_token(tokens.refresh_token().unwrap())
        .unwrap()
        .request(&http)
        .unwrap();
    assert_ne!(
        fresh.access_token().secret(),
        tokens.access_token().secret()
    );
    let is_active = |token: &AccessToken| {
        let seen = client.introspect(token).request(&http).unwrap();
        assert!(!seen.active() || seen.client_id() == Some(&id));
        seen.active()
    };
    assert!(is_active(fresh.access_token()));
    let refresh = fresh
        .refresh_token()
        .or(tokens.refresh_token())
        .unwrap()
        .clone();
    client
        .revoke_token(CoreRevocableToken::RefreshToken(refresh))
        .unwrap()
        .request(&http)
        .unwrap();
    assert!(!is_active(fresh.access_token()));
}

fn registered(metadata: &CoreProviderMetadata) -> (ClientId, ClientSecret) {
    let endpoint = metadata.registration_endpoint().cloned();
    let endpoint = endpoint.unwrap_or_else(|| {
        RegistrationUrl::new(format!("{}/oauth/register", env("BASE"))).unwrap()
    });
    let name = ClientName::new("openidconnect".to_owned());
    let callback = RedirectUrl::new(CALLBACK.to_owned()).unwrap();
    let answer =
        CoreClientRegistrationRequest::new(vec![callback], EmptyAdditionalClientMetadata {})
            .set_client_name(Some([(None, name)].into_iter().collect()))
            .set_grant_types(Some(vec![
                CoreGrantType::AuthorizationCode,
                CoreGrantType::RefreshToken,
            ]))
            .register(&endpoint, &http)
            .unwrap();
    println!("APPROVE {}", answer.client_id().as_str());
    std::io::stdin().read_line(&mut String::new()).unwrap();
    (
        answer.client_id().clone(),
        answer.client_secret().unwrap().clone(),
    )
}

fn main() {
    let metadata =
        CoreProviderMetadata::discover(&IssuerUrl::new(env("BASE")).unwrap(), &http).unwrap();
    whole_journey(
        &metadata,
        ClientId::new(env("CLIENT_ID")),
        ClientSecret::new(env("CLIENT_SECRET")),
    );
    let (id, secret) = registered(&metadata);
    whole_journey(&metadata, id, secret);
    println!("DONE");
}
