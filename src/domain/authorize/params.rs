//! The parameters of a request as they came. An empty value is the same as none (RFC 6749 §3.1).

/// Parameters by name, and which of them came more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    /// `client_id`.
    pub client_id: String,
    /// `redirect_uri`.
    pub redirect_uri: String,
    /// `response_type`.
    pub response_type: String,
    /// `response_mode`.
    pub response_mode: String,
    /// `scope`.
    pub scope: String,
    /// `state`.
    pub state: String,
    /// `nonce`.
    pub nonce: String,
    /// `code_challenge`.
    pub code_challenge: String,
    /// `code_challenge_method`.
    pub code_challenge_method: String,
    /// `prompt`.
    pub prompt: String,
    /// `max_age`.
    pub max_age: String,
    /// `id_token_hint`.
    pub id_token_hint: String,
    /// `login_hint`.
    pub login_hint: String,
    /// `request`.
    pub request: String,
    /// `request_uri`.
    pub request_uri: String,
    /// `registration`.
    pub registration: String,
    /// `resource`, which alone may come more than once (RFC 8707 §2).
    pub resource: Vec<String>,
    /// Names that came more than once.
    pub repeated: Vec<String>,
    /// Bytes of all names and values.
    pub length: usize,
}

impl Params {
    /// Sorts pairs by name. Parameters that nobody knows are passed over, as RFC 6749 §3.1 has it; so are `display`,
    /// `ui_locales`, `claims` and `acr_values`, which only ever ask for what a server may leave out. That none of them may
    /// come twice is asked of all.
    pub fn read(pairs: &[(String, String)]) -> Self {
        let mut params = Self::default();
        let mut seen: Vec<&str> = Vec::with_capacity(pairs.len());
        for (name, value) in pairs {
            params.length += name.len() + value.len();
            if name == "resource" {
                if !value.is_empty() {
                    params.resource.push(value.clone());
                }
                continue;
            }
            if seen.contains(&name.as_str()) {
                params.repeated.push(name.clone());
            }
            seen.push(name);
            if let Some(place) = params.place(name) {
                value.clone_into(place);
            }
        }
        params
    }

    fn place(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "client_id" => &mut self.client_id,
            "redirect_uri" => &mut self.redirect_uri,
            "response_type" => &mut self.response_type,
            "response_mode" => &mut self.response_mode,
            "scope" => &mut self.scope,
            "state" => &mut self.state,
            "nonce" => &mut self.nonce,
            "code_challenge" => &mut self.code_challenge,
            "code_challenge_method" => &mut self.code_challenge_method,
            "prompt" => &mut self.prompt,
            "max_age" => &mut self.max_age,
            "id_token_hint" => &mut self.id_token_hint,
            "login_hint" => &mut self.login_hint,
            "request" => &mut self.request,
            "request_uri" => &mut self.request_uri,
            "registration" => &mut self.registration,
            _ => return None,
        })
    }
}

/// `prompt` (OpenID Connect Core 1.0 §3.1.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    /// Nothing may be shown.
    pub none: bool,
    /// The person must sign in for this request.
    pub login: bool,
    /// The person must be asked for this request.
    pub consent: bool,
    /// The person must be able to choose another account.
    pub select_account: bool,
}

impl Prompts {
    /// Reads the values, separated by blanks; those that nobody knows are passed over. `None` when `none` comes with
    /// others.
    pub fn parse(text: &str) -> Option<Self> {
        let mut prompts = Self::default();
        let mut others = false;
        for value in text.split_whitespace() {
            match value {
                "none" => {
                    prompts.none = true;
                    continue;
                }
                "login" => prompts.login = true,
                "consent" => prompts.consent = true,
                "select_account" => prompts.select_account = true,
                _ => {}
            }
            others = true;
        }
        (!prompts.none || !others).then_some(prompts)
    }
}
