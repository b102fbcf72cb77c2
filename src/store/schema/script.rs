//! Reading the scripts in `migrations/`: what each statement makes, so that only what is missing is run.

/// The statements of a script: each ends with a semicolon at the end of a line.
pub(super) fn statements(script: &str) -> impl Iterator<Item = &str> {
    script
        .split_inclusive(";\n")
        .filter(|text| creates(text).is_some())
}

/// The table or index that a statement creates unless it is there.
pub(super) fn creates(statement: &str) -> Option<&str> {
    let (head, rest) = first_line(statement)?.split_once(" IF NOT EXISTS ")?;
    ["CREATE TABLE", "CREATE INDEX", "CREATE UNIQUE INDEX"]
        .contains(&head)
        .then(|| rest.trim_start_matches(QUOTES).split(END).next())?
}

/// Whether a statement creates a table.
pub(super) fn is_table(statement: &str) -> bool {
    first_line(statement).is_some_and(|line| line.starts_with("CREATE TABLE"))
}

const QUOTES: [char; 2] = ['`', '"'];
const END: [char; 4] = ['`', '"', ' ', '('];

fn first_line(statement: &str) -> Option<&str> {
    statement
        .lines()
        .find(|line| !line.is_empty() && !line.starts_with("--"))
}
