//! Cursors, HTTP Basic, and forms of the token endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::json;

use crate::support::Reply;
use crate::support::vendor::Vendor;
use crate::{on_both_databases, sample};

const CASES: usize = 150;

/// Asserts an error of RFC 6749 §5.2.
fn expect_oauth_error(reply: &Reply, what: &str) {
    assert!([400, 401].contains(&reply.status), "{what}: {} {}", reply.status, reply.text);
    let known = ["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"];
    assert!(known.contains(&reply.json()["error"].as_str().unwrap_or_default()), "{what}: {}", reply.text);
}

on_both_databases! {
    async fn a_cursor_is_good_only_as_it_was_given(app: TestApp) {
        for ori in ["TX0000001", "TX0000002", "TX0000003"] {
            app.agency(ori).await;
        }
        let staff = app.staff();
        let first = staff.get("/v1/agencies?limit=1").await.expect(200);
        let second = staff.get("/v1/agencies?limit=1&kind=municipal_police").await.expect(200);
        let cursor = first["next_cursor"].as_str().unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap();
        let mut runner = TestRunner::new(ProptestConfig::default());
        let mut others = vec![second["next_cursor"].as_str().unwrap().to_owned(), String::new(), format!("{cursor}="), format!("{cursor}A"), format!(" {cursor}")];
        for _ in 0..CASES {
            let mut changed = bytes.clone();
            changed[sample(&mut runner, &(0..bytes.len()))] ^= sample(&mut runner, &(1..=255_u8));
            others.push(URL_SAFE_NO_PAD.encode(&changed));
            let at = sample(&mut runner, &(0..cursor.len()));
            let by = sample(&mut runner, &"[A-Za-z0-9_-]");
            others.push(format!("{}{by}{}", &cursor[..at], &cursor[at + 1..]));
            others.push(cursor[..at].to_owned());
            others.push(sample(&mut runner, &"\\PC{0,60}|[A-Za-z0-9_-]{0,60}|[A-Za-z0-9_-]{32}"));
        }
        others.retain(|other| other != cursor);
        for other in others {
            let query = serde_urlencoded::to_string([("limit", "1"), ("cursor", &other)]).unwrap();
            let reply = staff.get(&format!("/v1/agencies?{query}")).await;
            let faults = reply.problem(400, "invalid-parameter");
            assert!(faults.iter().all(|fault| fault.starts_with("/cursor ")), "{other}: {faults:?}");
        }
        staff.get(&format!("/v1/agencies?limit=1&cursor={cursor}")).await.expect(200);
    }

    async fn any_basic_header_and_any_form_is_answered_as_rfc_6749_has_it(app: TestApp) {
        let vendor = Vendor::make(&app, &json!({"name": "Riverside LMS", "kind": "lms", "scopes": ["status:read"]}), &[]).await;
        let stranger = app.stranger();
        let form = || stranger.request(Method::POST, "/oauth/token").header("content-type", "application/x-www-form-urlencoded");
        let mut runner = TestRunner::new(ProptestConfig::default());
        for _ in 0..CASES {
            let pair = format!("{}:{}", vendor.id, vendor.secret);
            let at = sample(&mut runner, &(0..pair.len()));
            let altered = format!("{}{}{}", &pair[..at], sample(&mut runner, &"[a-z%+:]|\\PC"), &pair[at + 1..]);
            let header = match sample(&mut runner, &(0..4_u8)) {
                0 => format!("Basic {}", STANDARD.encode(&altered)),
                1 => format!("Basic {}", STANDARD.encode(sample(&mut runner, &prop::collection::vec(any::<u8>(), 0..60)))),
                2 => sample(&mut runner, &"(Basic|basic|BASIC|Bearer|Digest)? ?[!-~ ]{0,60}"),
                _ => format!("Basic {}", sample(&mut runner, &"[A-Za-z0-9+/=_-]{0,60}")),
            };
            if altered != pair {
                let reply = stranger.send(form().header("authorization", &header).body("grant_type=client_credentials")).await;
                expect_oauth_error(&reply, &format!("{header} {altered}"));
            }
            let names = "grant_type|client_id|client_secret|scope|client_assertion|client_assertion_type|\\PC{0,8}";
            let values = format!("client_credentials|{}|password|urn:ietf:params:oauth:client-assertion-type:jwt-bearer|a\\.b\\.c|eyJhbGciOiJFZERTQSJ9\\.e30\\.AAAA|\\PC{{0,20}}", vendor.id);
            let pairs = sample(&mut runner, &prop::collection::vec((names, values.as_str()), 0..6));
            let mut body = serde_urlencoded::to_string(&pairs).unwrap();
            if sample(&mut runner, &any::<bool>()) {
                body = sample(&mut runner, &"[a-z_=&%+0-9]{0,80}|\\PC{0,40}");
            }
            expect_oauth_error(&stranger.send(form().body(body.clone())).await, &body);
        }
        vendor.ask(&app, &[]).await.expect(200);
    }
}
