use onemind::import::Ending;
use serde_json::json;

use crate::{File, fake::Fake};

const ROSTER: &str = "last,first,star,position,appointed,sworn,post\n\
                      Rivera,Ana,11288,POLICE OFFICER,2008-04-28,Y,1001\n\
                      Ortiz,Bo,,CLERK,1998-06-29,N,\n";

const FLAGS: [&str; 18] = [
    "--agency",
    "ILCPD0000",
    "--as-of",
    "2016-06-28",
    "--map",
    "family_name=last",
    "--map",
    "given_name=first",
    "--map",
    "badge_number=star",
    "--map",
    "rank=position",
    "--map",
    "started_on=appointed",
    "--map",
    "identifiers.post:US-IL=post",
    "--set",
    "employment=full-time",
];

#[actix_web::test]
async fn the_whole_roster_goes_in_one_request() {
    let fake = Fake::start();
    let run = File::new("r.csv", ROSTER).import("roster", &fake.url, &FLAGS).await;
    assert_eq!((run.ending, run.err.as_str()), (Ending::Done, ""));
    let seen = fake.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].method.as_str(), seen[0].path.as_str(), seen[0].query.as_str()), ("PUT", "/v1/agencies/ori:ILCPD0000/roster", ""));
    assert_eq!(
        seen[0].body,
        json!({"as_of": "2016-06-28", "officers": [
            {"family_name": "Rivera", "given_name": "Ana", "badge_number": "11288", "rank": "POLICE OFFICER", "employment": "full_time",
             "sworn": true, "started_on": "2008-04-28", "identifiers": [{"system": "post:US-IL", "value": "1001"}]},
            {"family_name": "Ortiz", "given_name": "Bo", "rank": "CLERK", "employment": "full_time", "sworn": false, "started_on": "1998-06-29"}]})
    );
    assert_eq!((run.count("created"), run.count("ended"), run.count("reinstated")), (2, 3, 2));
}

#[actix_web::test]
async fn dry_run_and_shrink_are_asked_for() {
    let fake = Fake::start();
    let flags = [&FLAGS[..], &["--dry-run", "--allow-shrink"]].concat();
    let run = File::new("r.csv", ROSTER).import("roster", &fake.url, &flags).await;
    assert_eq!(fake.seen()[0].query, "dry_run=true&allow_shrink=true");
    assert!(run.out.contains("nothing was changed"), "{}", run.out);
}

#[actix_web::test]
async fn a_roster_with_a_row_that_cannot_be_read_is_not_sent_at_all() {
    let fake = Fake::start();
    let text = ROSTER.replace("1998-06-29", "29.6.1998");
    let run = File::new("r.csv", text).import("roster", &fake.url, &FLAGS).await;
    assert_eq!(run.ending, Ending::Faults);
    assert!(fake.seen().is_empty());
    assert_eq!((run.count("rejected"), run.count("not sent")), (1, 1));
    assert!(run.rejected.unwrap().contains("29.6.1998"));
}

#[actix_web::test]
async fn entries_that_the_service_rejects_are_kept_with_their_line() {
    let fake = Fake::start();
    fake.next(
        200,
        vec![("content-type", "application/json")],
        &json!({"summary": {"received": 2, "created": 1, "rejected": 1},
               "results": [{"index": 1, "outcome": "rejected", "problem": {"title": "No", "status": 422, "errors": [
                   {"pointer": "/officers/1/started_on", "code": "in_the_future", "detail": "not yet"}]}}]}),
    );
    let run = File::new("r.csv", ROSTER).import("roster", &fake.url, &FLAGS).await;
    assert_eq!(run.ending, Ending::Faults);
    let rejected = run.rejected.unwrap();
    let row = rejected.lines().nth(1).unwrap();
    assert!(row.starts_with("Ortiz,") && row.contains("\"\"appointed\"\" (started_on): not yet") && row.ends_with(",3"), "{row}");
}

#[actix_web::test]
async fn a_refused_roster_says_why() {
    let fake = Fake::start();
    fake.next_problem(409, &json!({"title": "The roster would shrink", "status": 409, "detail": "6 of 8 would end; allow_shrink=true lets them"}));
    let run = File::new("r.csv", ROSTER).import("roster", &fake.url, &FLAGS).await;
    assert_eq!(run.ending, Ending::Faults);
    assert!(run.err.contains("6 of 8 would end"), "{}", run.err);
}
