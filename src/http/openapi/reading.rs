//! Reads an OpenAPI document into the page that shows it.
use crate::pages::{ApiAnswer, ApiField, ApiGroup, ApiOperation, ApiPage, Lang, prose};
use serde_json::Value;

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

/// The page of a document.
pub fn page(lang: Lang, server: &str, document: &Value) -> ApiPage {
    let groups = each(&document["tags"]).filter_map(|tag| group(document, tag));
    ApiPage::new(lang, server.to_owned(), groups.collect())
}

fn group(document: &Value, tag: &Value) -> Option<ApiGroup> {
    let name = text(&tag["name"]);
    let paths = document["paths"].as_object()?;
    let mut operations = Vec::new();
    for (path, item) in paths {
        for method in METHODS {
            if let Some(found) = item.get(method)
                && each(&found["tags"]).any(|of| text(of) == name)
            {
                operations.push(operation(document, path, item, method, found));
            }
        }
    }
    (!operations.is_empty()).then(|| ApiGroup {
        id: format!("tag-{}", name.to_ascii_lowercase()),
        name,
        description: prose(&text(&tag["description"])),
        operations,
    })
}

fn operation(
    document: &Value,
    path: &str,
    item: &Value,
    method: &str,
    found: &Value,
) -> ApiOperation {
    let parameters = each(&item["parameters"]).chain(each(&found["parameters"]));
    let mut fields: Vec<ApiField> = parameters
        .map(|parameter| ApiField {
            name: text(&parameter["name"]),
            place: text(&parameter["in"]),
            kind: kind(&parameter["schema"]),
            is_required: parameter["required"] == true,
            description: prose(&text(&parameter["description"])),
        })
        .collect();
    let content = media(&found["requestBody"]["content"]);
    fields.extend(members(document, &content["schema"]));
    let answers = found["responses"].as_object();
    ApiOperation {
        id: text(&found["operationId"]),
        method: method.to_ascii_uppercase(),
        path: path.to_owned(),
        summary: prose(&text(&found["summary"])),
        description: prose(&text(&found["description"])),
        fields,
        sample: sample(content),
        answers: answers
            .into_iter()
            .flatten()
            .map(|(status, answer)| {
                let answer = followed(document, answer);
                ApiAnswer {
                    status: status.clone(),
                    description: prose(&text(&answer["description"])),
                    sample: sample(media(&answer["content"])),
                }
            })
            .collect(),
    }
}

/// The fields of a body.
fn members(document: &Value, schema: &Value) -> Vec<ApiField> {
    let schema = followed(document, schema);
    let required: Vec<String> = each(&schema["required"]).map(text).collect();
    let members = schema["properties"].as_object().into_iter().flatten();
    members
        .map(|(name, member)| ApiField {
            name: name.clone(),
            place: "body".to_owned(),
            kind: kind(member),
            is_required: required.contains(name),
            description: prose(&text(&member["description"])),
        })
        .collect()
}

fn kind(schema: &Value) -> String {
    match (&schema["type"], &schema["items"]["type"]) {
        (Value::String(kind), Value::String(items)) => format!("{kind} of {items}"),
        (Value::String(kind), _) => kind.clone(),
        _ => String::new(),
    }
}

/// The first kind of content.
fn media(content: &Value) -> &Value {
    let first = content.as_object().and_then(|kinds| kinds.values().next());
    first.unwrap_or(&Value::Null)
}

fn sample(media: &Value) -> Option<String> {
    let example = media.get("example")?;
    serde_json::to_string_pretty(example).ok()
}

/// What a reference inside of the document points to.
fn followed<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let target = value["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix('#'));
    target
        .and_then(|path| document.pointer(path))
        .unwrap_or(value)
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
