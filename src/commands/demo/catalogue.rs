//! The trainings of the demo, and what the sending system calls them.

use serde_json::{Value, json};

use super::client::Client;
use crate::commands::Failure;

/// The 40 hours of crisis intervention.
pub const CIT: &str = "CIT-40";
/// Mental Health First Aid for those who serve the public; lapses after 36 months.
pub const MHFA_PUBLIC_SAFETY: &str = "MHFA-PS-8";
/// What the sending system calls [`MHFA_PUBLIC_SAFETY`]; mapped.
pub const OWN_CODE: &str = "LMS-3308";

struct Entry {
    code: &'static str,
    title: &'static str,
    provider: &'static str,
    program: &'static str,
    category: &'static str,
    hours: u32,
    validity_months: Option<u32>,
    recognized: bool,
}

const CRISIS: &str = "crisis_intervention";
const AWARENESS: &str = "mental_health_awareness";

const ENTRIES: [Entry; 6] = [
    Entry {
        code: CIT,
        title: "Crisis Intervention Team, 40 hours",
        provider: "Regional CIT Academy",
        program: "cit",
        category: CRISIS,
        hours: 40,
        validity_months: None,
        recognized: true,
    },
    Entry {
        code: "CRIT-40",
        title: "Crisis Response and Intervention Training",
        provider: "Regional CIT Academy",
        program: "crit",
        category: CRISIS,
        hours: 40,
        validity_months: None,
        recognized: true,
    },
    Entry {
        code: "MHFA-8",
        title: "Mental Health First Aid",
        provider: "Lakeland Behavioral Health",
        program: "mhfa",
        category: AWARENESS,
        hours: 8,
        validity_months: None,
        recognized: true,
    },
    Entry {
        code: MHFA_PUBLIC_SAFETY,
        title: "Mental Health First Aid for Public Safety",
        provider: "Lakeland Behavioral Health",
        program: "mhfa_public_safety",
        category: AWARENESS,
        hours: 8,
        validity_months: Some(36),
        recognized: true,
    },
    Entry {
        code: "BHR-16",
        title: "Behavioral Health Response for Patrol",
        provider: "Tri-State Police Academy",
        program: "equivalent",
        category: AWARENESS,
        hours: 16,
        validity_months: Some(48),
        recognized: true,
    },
    Entry {
        code: "WEB-2",
        title: "Understanding Crisis Calls (online)",
        provider: "Patrol Learning Online",
        program: "equivalent",
        category: AWARENESS,
        hours: 2,
        validity_months: Some(12),
        recognized: false,
    },
];

/// How many trainings there are, and how many of them count.
pub fn counts() -> (usize, usize) {
    (ENTRIES.len(), ENTRIES.iter().filter(|entry| entry.recognized).count())
}

/// Enters the trainings as staff do, and one course mapping as the vendor does.
///
/// # Errors
/// [`Failure`] where the service refuses.
pub async fn fill(staff: &Client, vendor: &Client) -> Result<(), Failure> {
    for entry in &ENTRIES {
        let body = json!({
            "code": entry.code, "title": entry.title, "provider": entry.provider, "program": entry.program,
            "category": entry.category, "hours": entry.hours, "validity_months": entry.validity_months,
        });
        let training: Value = staff.post("/v1/trainings", &body).await?;
        let id = training["id"].as_str().unwrap_or_default();
        if entry.recognized {
            let _: Value = staff.put(&format!("/v1/trainings/{id}/recognition"), &json!({"status": "recognized", "note": null})).await?;
        }
        if entry.code == MHFA_PUBLIC_SAFETY {
            let _: Value = vendor.post("/v1/course-mappings", &json!({"code": OWN_CODE, "training": id, "effective_from": "2015-01-01"})).await?;
        }
    }
    Ok(())
}
