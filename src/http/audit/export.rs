//! The trail as a file: made while it is sent, a few hundred records in memory, and none left behind.
use super::{AuditWeb, csv, failure, query, refusal};
use crate::{
    domain::audit::AuditRecord,
    flows::audit::Export,
    http::{
        body::{Body, Feeder},
        request::Request,
        respond::{self, Response},
    },
};
use ::http::{Method, header};

/// `GET /admin/audit/export`.
pub async fn csv(deps: AuditWeb, request: Request) -> Response {
    let is_person = request.wants_html();
    let reader = if is_person {
        deps.person(&request).await
    } else {
        deps.reader(&request).await
    };
    let reader = match reader {
        Ok(reader) => reader,
        Err(answer) => return answer,
    };
    let filter = match query::read(&request) {
        Ok(query) => query.filter,
        Err(_) if is_person => return to_page(&request),
        Err(why) => return refusal(400, "invalid_request", &why.to_string()),
    };
    let ground = &deps.audit.ground;
    let (feeder, body) = Body::streamed();
    // A HEAD asks for nothing that would have to be written down.
    if *request.method() == Method::GET {
        let export = match Export::begin(&deps.audit, &reader, filter).await {
            Ok(export) => export,
            Err(error) if is_person => return deps.web.fault(&request, &error).await,
            Err(error) => return failure(&error),
        };
        drop(ground.commits.run(feed(export, feeder)));
    }
    let name = format!(
        "attachment; filename=audit_logs_{}.csv",
        ground.now().date()
    );
    let response = respond::no_store(respond::streamed("text/csv", body));
    respond::put(response, header::CONTENT_DISPOSITION, &name)
}

/// The page has the same filters and says which of them is wrong.
fn to_page(request: &Request) -> Response {
    let whole = request.path_and_query();
    let query = whole.split_once('?').map_or("", |(_, query)| query);
    respond::redirect(302, &format!("/admin/audit?{query}"))
}

/// Feeds the body until all is sent or nobody takes it, then says so in the trail. What is not ended is cut.
async fn feed(mut export: Export, feeder: Feeder) {
    let is_complete = all(&mut export, &feeder).await;
    export.finish(is_complete).await;
    if is_complete {
        // The peer has everything but the end.
        let _ = feeder.end().await;
    }
}

async fn all(export: &mut Export, feeder: &Feeder) -> bool {
    if feeder.send(csv::HEAD).await.is_err() {
        return false;
    }
    loop {
        match export.next().await {
            Ok(None) => return true,
            Ok(Some(records)) => {
                if feeder.send(lines(&records)).await.is_err() {
                    return false;
                }
            }
            Err(error) => {
                tracing::warn!(?error, "an export was cut short");
                return false;
            }
        }
    }
}

fn lines(records: &[AuditRecord]) -> String {
    let mut lines = String::with_capacity(records.len() * 256);
    for record in records {
        csv::write(&mut lines, record);
    }
    lines
}
