use super::read_dotenv;
use crate::config::dotenv::Dotenv;

#[test]
fn an_absent_file_is_empty_and_an_unreadable_one_is_a_fault() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(
        read_dotenv(&directory.path().join("none")),
        Dotenv::default()
    );
    let problems = read_dotenv(directory.path()).problems;
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with(".env: cannot be read: "));
    let file = directory.path().join("env");
    std::fs::write(&file, "A=b").unwrap();
    assert_eq!(read_dotenv(&file).entries["A"].value, "b");
}
