//! Authorization codes, as a person gets them for a web application: the consent once, then a redirection each.
use crate::{Outcome, http::Http, server::WEB};

const CALLBACK: &str = "https://app.example/callback";

/// So many codes of one person.
pub async fn draw(person: &mut Http, many: usize) -> Outcome<Vec<String>> {
    let (id, _) = WEB.split_once(':').ok_or("no secret")?;
    let path = format!(
        "/oauth/authorize?response_type=code&client_id={id}&redirect_uri={CALLBACK}&scope=read&state=x"
    );
    let mut codes = Vec::with_capacity(many);
    while codes.len() < many {
        let answer = person.get(&path, &[]).await;
        let answer = if answer.status == 200 {
            let form = hidden(&answer.body);
            let mut form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (&**n, &**v)).collect();
            form.push(("action", "approve"));
            person.post("/oauth/authorize", &form).await
        } else {
            answer
        };
        let target = answer.header("location").unwrap_or_default();
        let code = target
            .split("code=")
            .nth(1)
            .and_then(|rest| rest.split('&').next())
            .ok_or_else(|| format!("no code: {}", answer.head))?;
        codes.push(code.to_owned());
    }
    Ok(codes)
}

/// The form that redeems a code.
pub fn redeem(code: &str) -> [(&'static str, String); 3] {
    [
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", CALLBACK.to_owned()),
    ]
}

/// The hidden fields of the consent form.
fn hidden(html: &str) -> Vec<(String, String)> {
    let form = html
        .split("action=\"/oauth/authorize\"")
        .nth(1)
        .and_then(|rest| rest.split("</form>").next())
        .unwrap_or_default();
    let of = |input: &str, name: &str| {
        let value = input.split(&format!("{name}=\"")).nth(1);
        let value = value.and_then(|rest| rest.split('"').next());
        value
            .unwrap_or_default()
            .replace("&#x3D;", "=")
            .replace("&amp;", "&")
    };
    form.split("<input")
        .skip(1)
        .map(|input| (of(input, "name"), of(input, "value")))
        .collect()
}
