//! A handful of entries of the library.

use serde_json::{Value, json};

use super::client::Client;
use crate::commands::Failure;

/// Kind, topics, title, summary.
type Entry = (&'static str, &'static [&'static str], &'static str, &'static str);

const ENTRIES: [Entry; 5] = [
    (
        "model_policy",
        &["policy", "crisis-response"],
        "Responding to people in crisis: a policy to adapt",
        "What a policy covers: how calls are taken, when clinicians are called, how transport goes, and what is written down.",
    ),
    (
        "toolkit",
        &["partnership"],
        "Finding a community mental health partner",
        "Whom to ask, what an agreement holds, and a checklist for the first meeting.",
    ),
    (
        "webinar",
        &["training"],
        "Planning training for every sworn officer",
        "How agencies of different sizes spread classes over the term of a pledge without leaving shifts short.",
    ),
    ("podcast", &["co-response"], "Riding with a clinician", "An officer and a clinician talk about their first year of answering calls together."),
    (
        "peer_learning_site",
        &["co-response", "training"],
        "A mid-sized agency that receives visitors",
        "Visitors see dispatch, a training day, and the meeting with the mental health partner.",
    ),
];

/// Enters them as staff do.
///
/// # Errors
/// [`Failure`] where the service refuses.
pub async fn fill(staff: &Client) -> Result<(), Failure> {
    for (nth, (kind, topics, title, summary)) in ENTRIES.iter().enumerate() {
        let body = json!({
            "kind": kind, "topics": topics, "title": title, "summary": summary, "link": format!("https://example.org/library/{}", nth + 1),
            "publisher": "Sample library", "published_on": "2025-01-15", "language": "en",
        });
        let _: Value = staff.post("/v1/resources", &body).await?;
    }
    Ok(())
}
