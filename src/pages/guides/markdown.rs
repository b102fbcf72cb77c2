//! Markdown to HTML. Markup in the source is text: guides have none.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, html};

use super::{Place, Section, sample, sequence};

/// A guide, rendered.
pub struct Rendered {
    /// The one heading of the first level, in plain words.
    pub title: String,
    /// All else.
    pub html: String,
    /// The headings of the second level.
    pub sections: Vec<Section>,
}

/// Renders a guide. `copy` is the end of a copy button, behind what it copies.
pub fn render(source: &str, copy: &str) -> Rendered {
    let mut guide = Rendered {
        title: String::new(),
        html: String::with_capacity(source.len() * 2),
        sections: Vec::new(),
    };
    let (mut events, mut blocks, mut beneath) = (Vec::new(), 0, String::new());
    let mut parser = Parser::new_ext(source, Options::ENABLE_TABLES);
    while let Some(event) = parser.next() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let inside = until_heading_ends(&mut parser);
                let title = plain(&inside);
                if level as usize == 1 {
                    guide.title = title;
                    continue;
                }
                let id = anchor(&title, guide.sections.len() + 1);
                beneath.clone_from(&id);
                events.push(Event::Start(Tag::Heading {
                    level,
                    id: Some(CowStr::from(id.clone())),
                    classes: Vec::new(),
                    attrs: Vec::new(),
                }));
                events.extend(inside);
                events.push(Event::End(TagEnd::Heading(level)));
                if level as usize == 2 {
                    guide.sections.push(Section { id, title });
                }
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let text = until_code_ends(&mut parser);
                blocks += 1;
                let place = Place {
                    beneath: &beneath,
                    n: blocks,
                };
                let drawn = block(&kind, &text, (place, copy));
                events.push(Event::Html(drawn.into()));
            }
            Event::Html(text) | Event::InlineHtml(text) => events.push(Event::Text(text)),
            Event::Start(Tag::Table(alignment)) => {
                events.push(Event::Html("<div class=\"grid-box\">".into()));
                events.push(Event::Start(Tag::Table(alignment)));
            }
            Event::End(TagEnd::Table) => {
                events.push(Event::End(TagEnd::Table));
                events.push(Event::Html("</div>".into()));
            }
            other => events.push(other),
        }
    }
    html::push_html(&mut guide.html, events.into_iter());
    guide
}

fn until_heading_ends<'s>(parser: &mut Parser<'s>) -> Vec<Event<'s>> {
    parser
        .take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))))
        .collect()
}

fn until_code_ends(parser: &mut Parser<'_>) -> String {
    let inside = parser.take_while(|event| !matches!(event, Event::End(TagEnd::CodeBlock)));
    plain(&inside.collect::<Vec<_>>())
}

fn plain(events: &[Event<'_>]) -> String {
    let mut text = String::new();
    for event in events {
        if let Event::Text(piece) | Event::Code(piece) = event {
            text.push_str(piece);
        }
    }
    text
}

/// A sample, or a drawing of what happens in which order. What follows the language is for tests.
fn block(kind: &CodeBlockKind<'_>, text: &str, (place, copy): (Place<'_>, &str)) -> String {
    let language = match kind {
        CodeBlockKind::Fenced(info) => info.split(' ').next().unwrap_or_default().to_owned(),
        CodeBlockKind::Indented => String::new(),
    };
    let mut out = String::new();
    if language == "sequence" {
        sequence::draw(&mut out, text);
    } else {
        sample(&mut out, &language, text, (place, copy));
    }
    out
}

/// The address of a heading; titles without Latin letters are numbered.
fn anchor(title: &str, number: usize) -> String {
    let words = title.to_ascii_lowercase();
    let words: Vec<&str> = words
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if !title.is_ascii() || words.is_empty() {
        return format!("part-{number}");
    }
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text_and_headings_have_addresses() {
        let guide = render(
            "# A *title*\n\nText <script>alert(1)</script>\n\n<div onclick=x>\n\n## 1. Ask for `codes`\n\n## 取得\n",
            "",
        );
        assert_eq!(guide.title, "A title");
        assert!(!guide.html.contains("<script>") && !guide.html.contains("<div onclick"));
        let ids: Vec<_> = guide.sections.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["1-ask-for-codes", "part-2"]);
        assert!(guide.html.contains("<h2 id=\"part-2\">取得</h2>"));
    }

    #[test]
    fn samples_are_escaped() {
        let guide = render("```sh 200\ncurl \"<a>\" & b\n```\n", "hidden>c</button>");
        assert!(guide.html.contains("data-language=\"sh\""));
        assert!(
            guide
                .html
                .contains("curl &quot;&lt;a&gt;&quot; &amp; b</span></code>")
        );
    }
}
