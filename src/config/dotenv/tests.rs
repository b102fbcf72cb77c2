use super::Dotenv;

fn value(text: &str, name: &str) -> Option<String> {
    let dotenv = Dotenv::parse(text);
    assert_eq!(dotenv.problems, Vec::<String>::new(), "{text:?}");
    dotenv.entries.get(name).map(|e| e.value.clone())
}

#[test]
fn reads_the_dialect() {
    let table = [
        ("A=b", "b"),
        ("A = b ", "b"),
        ("  A=b", "b"),
        ("export A=b", "b"),
        ("export\tA=b", "b"),
        ("A: b", "b"),
        ("A:b:c", "b:c"),
        ("A=b=c", "b=c"),
        ("A=", ""),
        ("A=\nB=c", ""),
        ("A= # comment", ""),
        ("A= # one # two", ""),
        ("A=\t# comment", ""),
        ("A=#b", "#b"),
        ("A=b#c", "b#c"),
        ("A=b # comment", "b"),
        ("A=b # c # comment", "b # c"),
        ("A=b # c #comment", "b # c"),
        ("A=b c d", "b c d"),
        ("A=b\r\nB=c\r\n", "b"),
        ("# x\n\n   # y\nA=b\n", "b"),
        ("A=b\nA=c", "c"),
        ("A=\"b # c\" # comment", "b # c"),
        ("A=\"b\nc\"", "b\nc"),
        ("A=\"b\\nc\\rd\\te\\\\f\\\"g\"", "b\nc\rdte\\f\"g"),
        ("A='b\\n$B # c'", "b\\n$B # c"),
        ("A='b\nc'", "b\nc"),
        ("A=\"\"", ""),
        ("A=\"b\" B=c", "b"),
        ("B=x\nA=$B", "x"),
        ("B=x\nA=\"${B}y\"", "xy"),
        ("B=x\nA=${B}$B-$B", "xx-x"),
        ("B=x\nB=y\nA=$B\nB=z", "y"),
        ("B=x\nA='$B'", "$B"),
        ("B=x\nA=\\$B", "$B"),
        ("B=x\nA=\"\\$B\"", "$B"),
        ("A=$(date)", "$(date)"),
        ("A=a$", "a$"),
        ("A=$lower", "$lower"),
        ("A=${lower}", "${lower}"),
        ("\u{feff}A=b", "b"),
        ("A=\u{fc} # c", "\u{fc}"),
        ("exported=1\nA=b", "b"),
    ];
    for (text, expected) in table {
        assert_eq!(value(text, "A").as_deref(), Some(expected), "{text:?}");
    }
}

#[test]
fn a_statement_may_follow_a_quoted_value() {
    assert_eq!(value("A=\"b\" B=c", "B").as_deref(), Some("c"));
}

#[test]
fn an_unknown_name_becomes_nothing_with_a_warning() {
    let dotenv = Dotenv::parse("A=ok\nPASSWORD=pa$WORD");
    assert_eq!(
        dotenv.entries.get("PASSWORD").map(|e| e.value.as_str()),
        Some("pa")
    );
    assert_eq!(dotenv.warnings.len(), 1);
    assert!(dotenv.warnings.iter().all(|w| w.starts_with(".env:2: ")));
}

#[test]
fn lines_are_counted_over_comments_and_quoted_line_ends() {
    let dotenv = Dotenv::parse("# one\nA=\"x\ny\"\n\nB=z");
    let lines: Vec<_> = dotenv.entries.values().map(|e| e.line).collect();
    assert_eq!(lines, [2, 5]);
}

#[test]
fn every_broken_line_is_told_and_never_shown() {
    let dotenv = Dotenv::parse("A=1\nbad-key=1\nsecret text\n=x\nA B=c\nB=2\nC=\"open\nD=3");
    assert_eq!(
        dotenv.problems,
        [
            ".env:2: a name is made of letters, digits, _ and ., and not of '-'",
            ".env:3: there is neither = nor : after the name",
            ".env:4: there is no name before the separator",
            ".env:5: a name is made of letters, digits, _ and ., and not of ' '",
            ".env:7: the quote \" is not closed",
        ]
    );
    let kept: Vec<_> = dotenv.entries.keys().map(String::as_str).collect();
    assert_eq!(kept, ["A", "B", "D"]);
}
