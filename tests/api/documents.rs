//! `/v1/certifications/{id}/certificate.pdf`, `…/letter.pdf`, `…/credential`, and `/public/status-lists/{year}`

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use onemind::config::Config;
use onemind::documents::{LetterText, Signer};
use onemind::domain::clock::Clock as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::certifications::{applied, decided, ready, recognized, reviewer, tool};
use crate::on_both_databases;
use crate::support::{Backend, Client, TestApp};

const ORI: &str = "TX2270000";

/// The path of an application that was awarded on 21 November 2026.
async fn awarded(app: &TestApp) -> String {
    recognized(app).await;
    ready(app, ORI).await;
    let path = applied(app, ORI).await;
    for decision in ["start_review", "award"] {
        decided(&reviewer(app), &path, decision).await;
    }
    path
}

/// The bytes of an answer, with its status and headers.
async fn bytes(client: &Client, path: &str) -> (u16, reqwest::header::HeaderMap, Vec<u8>) {
    let response = client.request(Method::GET, path).send().await.unwrap();
    (response.status().as_u16(), response.headers().clone(), response.bytes().await.unwrap().to_vec())
}

fn holds(pdf: &[u8], words: &str) -> bool {
    pdf.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Verifies a JWT by the published keys, and answers its claims.
async fn verified(app: &TestApp, jwt: &str) -> Value {
    let keys = app.stranger().get("/.well-known/jwks.json").await.expect(200);
    let header = jsonwebtoken::decode_header(jwt).unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == json!(header.kid)).unwrap();
    assert_eq!((&key["kty"], &key["alg"], header.alg), (&json!("RSA"), &json!("RS256"), Algorithm::RS256));
    assert_eq!(serde_json::to_value(header.jwk.unwrap()).unwrap()["n"], key["n"]);
    let key = DecodingKey::from_jwk(&serde_json::from_value(key.clone()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    jsonwebtoken::decode::<Value>(jwt, &key, &validation).unwrap().claims
}

/// Whether the bit of a certificate is set in the list of its year.
async fn is_set(app: &TestApp, place: usize) -> bool {
    use std::io::Read as _;
    let list = app.stranger().get("/public/status-lists/2026").await;
    assert_eq!((list.status, list.header("content-type")), (200, "application/vc+jwt"));
    let claims = verified(app, &list.text).await;
    let encoded = claims["credentialSubject"]["encodedList"].as_str().unwrap().strip_prefix('u').unwrap();
    let mut bits = Vec::new();
    flate2::read::GzDecoder::new(URL_SAFE_NO_PAD.decode(encoded).unwrap().as_slice()).read_to_end(&mut bits).unwrap();
    assert_eq!(bits.len(), 131_072 / 8);
    let set: u32 = bits.iter().map(|byte| byte.count_ones()).sum();
    let is_set = bits[place / 8] & (0x80 >> (place % 8)) != 0;
    assert_eq!(set, u32::from(is_set));
    is_set
}

on_both_databases! {
    async fn an_award_has_a_certificate_and_a_letter_that_stay_as_they_are(app: TestApp) {
        let path = awarded(&app).await;
        let own = tool(&app, ORI);
        let mut first = Vec::new();
        for (document, title) in [("certificate", "Certificate OMC-2026-000001 of Agency TX2270000"), ("letter", "Letter to Agency TX2270000 with certificate OMC-2026-000001")] {
            let (status, headers, pdf) = bytes(&own, &format!("{path}/{document}.pdf")).await;
            assert_eq!((status, &headers["content-type"], &headers["cache-control"]), (200, &"application/pdf".parse().unwrap(), &"private, no-cache".parse().unwrap()));
            assert_eq!(headers["content-disposition"], format!("inline; filename=\"{document}-OMC-2026-000001.pdf\""));
            assert!(pdf.starts_with(b"%PDF-1.7") && holds(&pdf, title) && holds(&pdf, "<pdfaid:part>2") && holds(&pdf, "2026-11-21T00:00:00"));
            assert!(holds(&pdf, "/StructTreeRoot") && holds(&pdf, "/FontFile2") && holds(&pdf, "/Lang"));
            first.push((headers["etag"].clone(), pdf));
        }
        // What the agency is called later, who signs for it, and what day it is changes nothing.
        let renamed = json!({"name": "Another Name", "kind": "municipal_police", "country": "US"});
        app.staff().put(&format!("/v1/agencies/ori:{ORI}"), &renamed).await.expect(200);
        app.clock.advance(SignedDuration::from_hours(24 * 400));
        let replica = app.replica();
        let elsewhere = Client::new(&replica.address, own.token.clone());
        for ((tag, pdf), document) in first.iter().zip(["certificate", "letter"]) {
            for client in [&own, &elsewhere] {
                let (_, headers, again) = bytes(client, &format!("{path}/{document}.pdf")).await;
                assert!(headers["etag"] == *tag && again == *pdf, "{document}");
            }
            let request = own.request(Method::GET, &format!("{path}/{document}.pdf")).header("if-none-match", tag);
            let known = own.send(request).await;
            assert_eq!((known.status, known.text.as_str(), known.header("etag")), (304, "", tag.to_str().unwrap()));
        }
    }

    async fn a_credential_is_signed_by_a_published_key_and_says_what_was_awarded(app: TestApp) {
        let path = awarded(&app).await;
        let own = tool(&app, ORI);
        let credential = own.get(&format!("{path}/credential")).await;
        assert_eq!((credential.status, credential.header("content-type")), (200, "application/vc+jwt"));
        let claims = verified(&app, &credential.text).await;
        let agency = own.get(&path).await.expect(200)["agency"]["id"].as_str().unwrap().to_owned();
        let (issuer, id) = (app.config.issuer.as_str(), path.rsplit('/').next().unwrap());
        let identity = |kind: &str, value: &str| json!({"type": "IdentityObject", "hashed": false, "identityHash": value, "identityType": kind});
        let subject = &claims["credentialSubject"];
        assert_eq!(claims["@context"], json!(["https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"]));
        assert_eq!(claims["type"], json!(["VerifiableCredential", "OpenBadgeCredential"]));
        assert_eq!((&claims["id"], &claims["jti"]), (&json!(format!("urn:uuid:{id}")), &json!(format!("urn:uuid:{id}"))));
        assert_eq!(claims["issuer"], json!({"id": issuer, "type": ["Profile"], "name": "International Association of Chiefs of Police", "url": issuer}));
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!(issuer), &subject["id"]));
        assert_eq!((&claims["validFrom"], &claims["nbf"]), (&json!("2026-11-21T12:00:00Z"), &json!(1_795_262_400)));
        assert_eq!(subject["id"], json!(format!("{issuer}/v1/agencies/{agency}")));
        assert_eq!(subject["identifier"], json!([identity("name", "Agency TX2270000"), identity("ext:ori", ORI)]));
        assert_eq!(subject["achievement"]["name"], "One Mind Certified");
        assert_eq!(claims["evidence"][0]["id"], json!(format!("{issuer}/public/certificates/OMC-2026-000001")));
        let list = format!("{issuer}/public/status-lists/2026?key={}", jsonwebtoken::decode_header(&credential.text).unwrap().kid.unwrap());
        assert_eq!(claims["credentialStatus"], json!({"id": format!("{list}#1"), "type": "BitstringStatusListEntry", "statusPurpose": "revocation",
            "statusListIndex": "1", "statusListCredential": list}));
        assert_eq!(own.get(&format!("{path}/credential")).await.text, credential.text);
        Client::new(&app.address, Some(credential.text.clone())).get("/v1/whoami").await.problem(401, "unauthorized");
        let replica = app.replica();
        assert_eq!(Client::new(&replica.address, own.token.clone()).get(&format!("{path}/credential")).await.text, credential.text);
    }

    async fn a_key_of_badges_follows_another_and_no_badge_becomes_another(app: TestApp) {
        let path = awarded(&app).await;
        let own = tool(&app, ORI);
        let before = own.get(&format!("{path}/credential")).await.text;
        let first = jsonwebtoken::decode_header(&before).unwrap().kid.unwrap();
        let new = app.registry.credentials.add(app.clock.now() + SignedDuration::from_mins(10)).unwrap();
        let published = || async {
            let keys = app.stranger().get("/.well-known/jwks.json").await.expect(200);
            let of_badges = keys["keys"].as_array().unwrap().iter().filter(|key| key["alg"] == "RS256");
            of_badges.map(|key| key["kid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(published().await, [first.clone(), new.clone()]);
        app.clock.advance(SignedDuration::from_hours(24 * 400));
        assert_eq!(published().await, [first.clone(), new.clone()], "what the first signed is shown for years");
        assert_eq!(own.get(&format!("{path}/credential")).await.text, before);
        verified(&app, &before).await;
        // What is told now is signed by the key of now, and another process finds it in the folder; but the list that a badge names by the key of
        // the badge, since a verifier may know no other.
        let replica = app.replica();
        let stranger = Client::new(&replica.address, None);
        let signed_by = async |path: &str| jsonwebtoken::decode_header(stranger.get(path).await.text).unwrap().kid.unwrap();
        assert_eq!(signed_by("/public/status-lists/2026").await, new);
        let named = verified(&app, &before).await["credentialStatus"]["statusListCredential"].as_str().unwrap().to_owned();
        let named = named.strip_prefix(&app.config.issuer).unwrap();
        assert_eq!(signed_by(named).await, first);
        assert_eq!(verified(&app, &stranger.get(named).await.text).await["id"], json!(format!("{}{named}", app.config.issuer)));
        stranger.get("/public/status-lists/2026?key=nobodys").await.problem(404, "not-found");
    }

    async fn what_was_revoked_says_so_on_paper_and_in_the_list(app: TestApp) {
        let path = awarded(&app).await;
        let own = tool(&app, ORI);
        let before = bytes(&own, &format!("{path}/certificate.pdf")).await.2;
        let credential = own.get(&format!("{path}/credential")).await.text;
        assert!(!is_set(&app, 1).await);
        app.clock.advance(SignedDuration::from_hours(24));
        decided(&reviewer(&app), &path, "revoke").await;
        assert!(is_set(&app, 1).await);
        for document in ["certificate", "letter"] {
            let (status, _, after) = bytes(&own, &format!("{path}/{document}.pdf")).await;
            assert!(status == 200 && after != before && after.starts_with(b"%PDF-1.7"), "{document}");
        }
        // The credential itself is what it was: its status is told by the list.
        assert_eq!(own.get(&format!("{path}/credential")).await.text, credential);
    }

    async fn the_list_of_a_year_is_open_to_anybody_and_holds_for_a_day(app: TestApp) {
        assert_eq!(app.stranger().get("/public/status-lists/2026").await.problem(404, "not-found"), [""; 0]);
        awarded(&app).await;
        let list = app.stranger().get("/public/status-lists/2026").await;
        let claims = verified(&app, &list.text).await;
        let (issuer, id) = (&app.config.issuer, format!("{}/public/status-lists/2026", app.config.issuer));
        assert_eq!(claims["type"], json!(["VerifiableCredential", "BitstringStatusListCredential"]));
        assert_eq!((&claims["id"], &claims["iss"]), (&json!(id), &json!(issuer)));
        assert_eq!((&claims["validFrom"], &claims["validUntil"]), (&json!("2026-11-21T12:00:00Z"), &json!("2026-11-22T12:00:00Z")));
        assert_eq!((&claims["credentialSubject"]["type"], &claims["credentialSubject"]["statusPurpose"]), (&json!("BitstringStatusList"), &json!("revocation")));
        assert_eq!(list.header("cache-control"), "public, max-age=300");
        let client = app.stranger();
        let known = client.send(client.request(Method::GET, "/public/status-lists/2026").header("if-none-match", list.header("etag"))).await;
        assert_eq!(known.status, 304);
        app.clock.advance(SignedDuration::from_mins(59));
        assert_eq!(client.get("/public/status-lists/2026").await.text, list.text);
        for nothing in ["2025", "x", "99999", "-2026"] {
            client.get(&format!("/public/status-lists/{nothing}")).await.problem(404, "not-found");
        }
    }

    async fn there_is_no_document_of_what_was_not_awarded(app: TestApp) {
        recognized(&app).await;
        ready(&app, ORI).await;
        let (path, own, reviewer) = (applied(&app, ORI).await, tool(&app, ORI), reviewer(&app));
        for decision in ["start_review", "return", "decline"] {
            for document in ["certificate.pdf", "letter.pdf", "credential"] {
                let refused = own.get(&format!("{path}/{document}")).await;
                assert_eq!(refused.problem(409, "conflict"), [" not_awarded"], "{document} before {decision}");
            }
            decided(&reviewer, &path, decision).await;
        }
        own.get(&format!("{path}/certificate.pdf")).await.problem(409, "conflict");
    }

    async fn names_that_need_room_or_marks_make_documents_too(app: TestApp) {
        recognized(&app).await;
        for (index, name) in [
            "Sở Cảnh sát Thành phố Đặng Nguyễn Phước Ường".to_owned(),
            "Ἑλληνικὴ Ἀστυνομία".to_owned(),
            "Департамент поліції міста Києва".to_owned(),
            "Sḵwx̱wú7mesh Xʷməθkʷəy̓əm Diné Ą́ą́ Police".to_owned(),
            "ᏣᎳᎩ ᎠᏰᎵ Marshal Service".to_owned(),
            "Llanfairpwllgwyngyll".repeat(10),
        ].into_iter().enumerate() {
            let ori = format!("TX00000{index:02}");
            ready(&app, &ori).await;
            app.staff().put(&format!("/v1/agencies/ori:{ori}"), &json!({"name": name, "kind": "tribal", "country": "US"})).await.expect(200);
            let path = applied(&app, &ori).await;
            for decision in ["start_review", "award"] {
                decided(&reviewer(&app), &path, decision).await;
            }
            for document in ["certificate", "letter"] {
                // Every character has a form in the fonts: what lacks one can't be PDF/A.
                let (status, _, pdf) = bytes(&tool(&app, &ori), &format!("{path}/{document}.pdf")).await;
                assert!(status == 200 && holds(&pdf, "<pdfaid:part>2"), "{document} of {name}");
            }
        }
    }
}

#[actix_web::test]
async fn who_signs_and_what_the_letter_says_are_settings_and_stay_as_they_were_at_the_award() {
    let another = |config: &mut Config| {
        config.stationery.issuer = "Another".into();
        config.stationery.signer = Signer { name: Some("A. Signer".into()), title: "President".into(), organization: "IACP".into() };
        config.stationery.letter = LetterText::parse("Well done, {{ agency.name }}.").unwrap();
    };
    let mut documents = Vec::new();
    for change in [false, true] {
        let app = TestApp::start_with(Backend::Sqlite, |config| {
            if change {
                another(config);
            }
        })
        .await;
        let path = awarded(&app).await;
        let own = tool(&app, ORI);
        let certificate = bytes(&own, &format!("{path}/certificate.pdf")).await.2;
        documents.push((certificate, bytes(&own, &format!("{path}/letter.pdf")).await.2));
        // Another President signs nothing that this one has signed.
        let later = app.replica_with(another);
        let there = Client::new(&later.address, own.token.clone());
        for document in ["certificate.pdf", "letter.pdf", "credential"] {
            let path = format!("{path}/{document}");
            assert_eq!(bytes(&there, &path).await.2, bytes(&own, &path).await.2, "{document}");
        }
    }
    assert!(documents[0].0 != documents[1].0 && documents[1].1.len() < documents[0].1.len());
}
