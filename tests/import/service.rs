use onemind::import::Ending;
use serde_json::json;

use crate::{File, fake::Fake};

const FLAGS: [&str; 4] = ["--set", "training.code=CIT", "--token", "T"];
const ONE: &str = "officer.id,completed_on\n0199,2004-10-29\n";

#[actix_web::test]
async fn a_busy_service_is_asked_again_with_the_same_body() {
    let fake = Fake::start();
    fake.next(503, vec![("retry-after", "0")], &"");
    fake.next_problem(429, &json!({"title": "Too many requests", "status": 429}));
    let run = File::new("c.csv", ONE).import("completions", &fake.url, &FLAGS).await;
    assert_eq!((run.ending, run.count("created")), (Ending::Done, 1));
    let seen = fake.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|other| other.body == seen[0].body));
}

#[actix_web::test]
async fn who_is_not_let_in_is_told_what_is_missing() {
    let fake = Fake::start();
    let file = File::new("c.csv", ONE);
    fake.next_problem(403, &json!({"title": "Forbidden", "status": 403, "detail": "the token lacks the scope completions:write"}));
    let run = file.import("completions", &fake.url, &FLAGS).await;
    assert_eq!(run.ending, Ending::Unreachable);
    assert!(run.err.contains("completions:write"), "{}", run.err);

    fake.next_problem(401, &json!({"title": "Unauthorized", "status": 401, "detail": "the token has expired"}));
    let run = file.import("completions", &fake.url, &FLAGS).await;
    assert_eq!(run.ending, Ending::Unreachable);
    assert!(run.err.contains("has expired"), "{}", run.err);
}

#[actix_web::test]
async fn one_refused_caller_ends_the_import_of_agencies() {
    let fake = Fake::start();
    for _ in 0..20 {
        fake.next_problem(403, &json!({"title": "Forbidden", "status": 403, "detail": "agencies:write"}));
    }
    let text = format!("ori,name,kind,country\n{}", "TX0000001,A,other,US\n".repeat(20));
    let run = File::new("a.csv", text).import("agencies", &fake.url, &FLAGS[2..]).await;
    assert_eq!(run.ending, Ending::Unreachable);
    assert!(fake.seen().len() <= 8);
}

#[actix_web::test]
async fn nobody_there_is_an_exit_of_its_own() {
    let url = {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let run = File::new("c.csv", ONE).import("completions", &url, &FLAGS).await;
    assert_eq!(run.ending, Ending::Unreachable);
    assert!(run.err.contains("refused"), "{}", run.err);
}

#[actix_web::test]
async fn something_else_at_that_address_is_found_out() {
    let fake = Fake::start();
    let file = File::new("c.csv", ONE);
    for status in [200, 308, 404, 500] {
        fake.next(status, vec![("content-type", "text/html")], &"<html>");
        let run = file.import("completions", &fake.url, &FLAGS).await;
        assert_eq!(run.ending, Ending::Unreachable);
        assert!(run.err.contains("is --url right?"), "{}", run.err);
    }
}

#[actix_web::test]
async fn the_service_may_stand_below_a_path() {
    let fake = Fake::start();
    fake.next_problem(422, &json!({"title": "Seen", "status": 422}));
    let url = format!("{}/registry/", fake.url);
    File::new("c.csv", ONE).import("completions", &url, &FLAGS).await;
    assert_eq!(fake.seen()[0].path, "/registry/v1/completions/batch");
}
