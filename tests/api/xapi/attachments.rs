//! Files beside statements: held to what is told of them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{PATH, found, hex, id, lms, statement, with};
use crate::on_both_databases;
use crate::support::{Client, Reply};

const CONTENT: &str = "a certificate";

fn sha2(content: &str) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content.as_bytes()).as_ref())
}

fn told(number: u32) -> Value {
    let attachment = json!({"usageType": "https://x.example/certificate", "display": {"en": "Certificate"}, "contentType": "application/pdf",
        "length": CONTENT.len(), "sha2": sha2(CONTENT)});
    with(statement(number, "experienced"), "/attachments", json!([attachment]))
}

fn file(content: &str, hash: &str) -> String {
    format!("Content-Type: application/pdf\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: {hash}\r\n\r\n{content}")
}

async fn send(client: &Client, method: Method, path: &str, statement: &Value, files: &[String]) -> Reply {
    let mut parts = vec![format!("Content-Type: application/json\r\n\r\n{statement}")];
    parts.extend_from_slice(files);
    let body = format!("--x\r\n{}\r\n--x--\r\n", parts.join("\r\n--x\r\n"));
    let request = client.request(method, path).header("content-type", "multipart/mixed; boundary=x");
    client.send(request.body(body)).await
}

on_both_databases! {
    async fn files_are_taken_where_they_are_what_is_told_of_them(app: TestApp) {
        let client = lms(&app, "lms");
        let good = [file(CONTENT, &sha2(CONTENT).to_uppercase())];
        assert_eq!(send(&client, Method::POST, PATH, &told(1), &good).await.expect(200), json!([id(1)]));
        let path = format!("{PATH}?statementId={}", id(2));
        assert_eq!(send(&client, Method::PUT, &path, &told(2), &good).await.status, 204);
        assert_eq!(client.get(&path).await.expect(200)["attachments"], told(2)["attachments"]);
        // Without files, and with a file that lies elsewhere.
        assert_eq!(send(&client, Method::POST, PATH, &statement(3, "experienced"), &[]).await.expect(200), json!([id(3)]));
        let elsewhere = with(told(4), "/attachments/0/fileUrl", json!("https://lms.example/c.pdf"));
        client.post(PATH, &elsewhere).await.expect(200);
        client.post(PATH, &json!([with(told(1), "/attachments/0/fileUrl", json!("https://lms.example/c.pdf"))])).await.problem(409, "conflict");
    }

    async fn whatever_does_not_fit_is_refused(app: TestApp) {
        let client = lms(&app, "lms");
        let good = file(CONTENT, &sha2(CONTENT));
        let longer = with(told(1), "/attachments/0/length", json!(99));
        let cases: Vec<(Value, Vec<String>, &str)> = vec![
            (told(1), vec![], "/attachments/0 file_missing"),
            (told(1), vec![good.clone(), file("another", &sha2("another"))], " unknown_file"),
            (statement(1, "experienced"), vec![good.clone()], " unknown_file"),
            (told(1), vec![file("another", &sha2(CONTENT))], " invalid_multipart"),
            (told(1), vec![good.replace("binary", "base64")], " invalid_multipart"),
            (told(1), vec![good.replace("X-Experience-API-Hash", "X-Hash")], " invalid_multipart"),
            (longer, vec![good], "/attachments/0/length wrong_length"),
        ];
        for (statement, files, fault) in cases {
            let faults = send(&client, Method::POST, PATH, &statement, &files).await.problem(400, "invalid-statement");
            assert_eq!(faults, [fault], "{statement}");
        }
        assert_eq!(client.post(PATH, &told(1)).await.problem(400, "invalid-statement"), ["/attachments/0 file_missing"]);
        let unbounded = client.request(Method::POST, PATH).header("content-type", "multipart/mixed").body("--x--");
        client.send(unbounded).await.problem(415, "unsupported-media-type");
        let no_json = client.request(Method::POST, PATH).header("content-type", "multipart/mixed; boundary=x");
        let reply = client.send(no_json.body("--x\r\nContent-Type: application/json\r\n\r\n{\r\n--x--")).await;
        reply.problem(400, "malformed-json");
        assert_eq!(found(&client, "").await, [""; 0]);
    }
}
