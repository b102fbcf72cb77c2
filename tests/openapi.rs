//! The OpenAPI document: well formed, without loose ends, and about exactly the endpoints that are served.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails ends in a panic"
)]
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document() -> Value {
    let text = fs::read_to_string(root().join("docs/openapi.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Every operation with its path and method.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method == "parameters" {
                continue;
            }
            assert!(METHODS.contains(&method.as_str()), "{path} {method}");
            found.push((path.clone(), method.clone(), operation.clone()));
        }
    }
    found
}

#[test]
fn the_document_has_what_openapi_3_1_asks_for() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    for field in ["title", "version"] {
        assert!(document["info"][field].is_string(), "info.{field}");
    }
    let tags: BTreeSet<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let here = format!("{method} {path}");
        assert!(path.starts_with('/'), "{here}");
        let id = operation["operationId"].as_str().expect(&here).to_owned();
        assert!(ids.insert(id), "{here}: its operationId is taken");
        assert!(
            !operation["summary"].as_str().expect(&here).is_empty(),
            "{here}"
        );
        for tag in operation["tags"].as_array().expect(&here) {
            assert!(tags.contains(tag.as_str().unwrap()), "{here}: {tag}");
        }
        assert!(!operation["security"].as_array().expect(&here).is_empty());
        check_responses(&document, &here, &operation);
        check_parameters(&document, &here, &path, &operation);
    }
}

/// Bodies are bounded and have a deadline; a page or a bearer token says it in its own way.
#[test]
fn whoever_takes_a_body_tells_what_becomes_of_one_that_is_too_large() {
    for (path, method, operation) in operations(&document()) {
        let of_people = ["/oauth/userinfo", "/oauth/end_session"].contains(&path.as_str());
        let bounded = operation["requestBody"].is_object() && !of_people;
        for status in ["408", "413"] {
            let told = operation["responses"][status].is_object();
            assert_eq!(told, bounded, "{method} {path} {status}");
        }
    }
}

fn check_responses(document: &Value, here: &str, operation: &Value) {
    let responses = operation["responses"].as_object().expect(here);
    assert!(!responses.is_empty(), "{here}");
    for (status, response) in responses {
        let code: u16 = status.parse().expect(here);
        assert!((200..600).contains(&code), "{here}: {status}");
        let response = resolved(document, response);
        assert!(response["description"].is_string(), "{here}: {status}");
        for (kind, media) in response["content"].as_object().into_iter().flatten() {
            assert!(
                kind.contains('/') && media["schema"].is_object(),
                "{here}: {status} {kind}"
            );
        }
    }
    let names = operation["security"].as_array().unwrap().iter();
    for name in names.flat_map(|way| way.as_object().unwrap().keys()) {
        assert!(
            document["components"]["securitySchemes"][name]["type"].is_string(),
            "{here}: {name}"
        );
    }
}

fn check_parameters(document: &Value, here: &str, path: &str, operation: &Value) {
    let shared = document["paths"][path]["parameters"].as_array();
    let own = operation["parameters"].as_array();
    let all: Vec<&Value> = shared
        .into_iter()
        .flatten()
        .chain(own.into_iter().flatten())
        .collect();
    let mut seen = BTreeSet::new();
    for parameter in &all {
        let (name, place) = (
            parameter["name"].as_str().expect(here),
            parameter["in"].as_str().expect(here),
        );
        assert!(seen.insert((name, place)), "{here}: {name} twice");
        assert!(
            ["path", "query", "header", "cookie"].contains(&place),
            "{here}: {place}"
        );
        assert!(parameter["schema"].is_object(), "{here}: {name}");
        if place == "path" {
            assert_eq!(parameter["required"], true, "{here}: {name}");
            assert!(path.contains(&format!("{{{name}}}")), "{here}: {name}");
        }
    }
    for name in path
        .split('{')
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap())
    {
        assert!(
            seen.contains(&(name, "path")),
            "{here}: {name} is not described"
        );
    }
}

fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(path) => document
            .pointer(path.strip_prefix('#').unwrap())
            .unwrap_or_else(|| panic!("{path} leads nowhere")),
        None => value,
    }
}

/// Every object that may be a schema, with where it is.
fn walk(value: &Value, at: &str, visit: &mut dyn FnMut(&str, &Value)) {
    visit(at, value);
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                walk(member, &format!("{at}/{name}"), visit);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                walk(item, &format!("{at}/{n}"), visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn references_lead_somewhere_and_everything_shared_is_used() {
    let document = document();
    let mut used = BTreeSet::new();
    walk(&document, "", &mut |at, value| {
        if let Some(path) = value.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(&path[1..]).is_some(), "{at}: {path}");
            used.insert(path.to_owned());
        }
    });
    for kind in ["schemas", "responses"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let path = format!("#/components/{kind}/{name}");
            assert!(used.contains(&path), "nobody uses {path}");
        }
    }
}

#[test]
fn schemas_are_json_schemas_and_samples_fit_them() {
    const KINDS: [&str; 7] = [
        "object", "array", "string", "integer", "number", "boolean", "null",
    ];
    let document = document();
    walk(&document, "", &mut |at, value| {
        let is_schema =
            at.ends_with("/schema") || at.contains("/schemas/") && value.get("type").is_some();
        if is_schema && value.is_object() {
            let kinds: Vec<&str> = match &value["type"] {
                Value::String(kind) => vec![kind],
                Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
                _ => Vec::new(),
            };
            assert!(
                kinds.iter().all(|kind| KINDS.contains(kind)),
                "{at}: {kinds:?}"
            );
            assert!(
                !kinds.is_empty()
                    || ["$ref", "oneOf", "allOf", "const", "enum"]
                        .iter()
                        .any(|key| value.get(key).is_some()),
                "{at} says nothing"
            );
        }
        if let Some(example) = value.get("example") {
            let schema = resolved(&document, &value["schema"]);
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(
                    example.get(name.as_str().unwrap()).is_some(),
                    "{at}: the sample lacks {name}"
                );
            }
            for name in example
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name)
            {
                assert!(
                    schema["properties"].get(name).is_some()
                        || schema["additionalProperties"] == true,
                    "{at}: {name} is not in the schema"
                );
            }
        }
    });
}

/// Endpoints for programs, by how their paths begin.
fn is_for_programs(path: &str) -> bool {
    const BEGINNINGS: [&str; 10] = [
        "/oauth/",
        "/.well-known/",
        "/admin/audit/api",
        "/admin/audit/export",
        "/health",
        "/livez",
        "/readyz",
        "/actors",
        "/metrics",
        "/openapi.json",
    ];
    // Other spellings of a path, and pages.
    let is_for_others = path.contains("{*") || path.starts_with("/oauth/error/");
    BEGINNINGS.iter().any(|start| path.starts_with(start)) && !is_for_others
}

/// The routes in the source of the server: `.on(Method::GET, "/path", …`, or with a constant in place of the path.
fn routes() -> BTreeSet<(String, String)> {
    let mut files = Vec::new();
    collect(&root().join("src/http"), &mut files);
    let mut found = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let constant = |name: &str| {
            let (_, rest) = text.split_once(&format!("const {name}: &str = \""))?;
            rest.split('"').next().map(str::to_owned)
        };
        for call in text.split(".on(").skip(1) {
            let Some(rest) = call.trim_start().strip_prefix("Method::") else {
                continue;
            };
            let (method, rest) = rest.split_once(',').unwrap();
            let target = rest.split(',').next().unwrap().trim();
            let path = match target.strip_prefix('"') {
                Some(text) => Some(text.trim_end_matches('"').to_owned()),
                None => constant(target),
            };
            if let Some(path) = path.filter(|path| is_for_programs(path)) {
                found.insert((path, method.to_ascii_lowercase()));
            }
        }
    }
    found
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "tests") {
                collect(&path, files);
            }
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            files.push(path);
        }
    }
}

#[test]
fn every_endpoint_for_programs_is_described_and_every_described_endpoint_is_served() {
    let mut served = routes();
    // The form of the consent page.
    served.remove(&("/oauth/authorize".to_owned(), "post".to_owned()));
    // Its path is a parameter of the function that adds it.
    served.insert(("/openapi.json".to_owned(), "get".to_owned()));
    let described: BTreeSet<(String, String)> = operations(&document())
        .into_iter()
        .map(|(path, method, _)| (path, method))
        .collect();
    let missing: Vec<_> = served.difference(&described).collect();
    assert!(missing.is_empty(), "docs/openapi.json lacks {missing:?}");
    let gone: Vec<_> = described.difference(&served).collect();
    assert!(gone.is_empty(), "nothing serves {gone:?}");
}
