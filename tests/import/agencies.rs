use std::fmt::Write;

use onemind::import::Ending;
use serde_json::json;

use crate::{File, fake::Fake};

const FLAGS: [&str; 12] =
    ["--map", "ori=ori9", "--map", "name=agency_name", "--map", "kind=type", "--map", "subdivision=state", "--set", "country=US", "--token", "T"];

#[actix_web::test]
async fn rows_become_agencies_and_again_are_unchanged() {
    let fake = Fake::start();
    let file = File::new(
        "a.csv",
        "ori9,agency_name,type,state,sworn_strength.count,sworn_strength.as_of\r\n\
         NB0550100,Lincoln Police Department,City,NB,350,2025-10-31\r\n\
         TX2270000,Travis County Sheriff's Office,County,TX,,\r\n",
    );
    let run = file.import("agencies", &fake.url, &FLAGS).await;
    assert_eq!((run.ending, run.err.as_str()), (Ending::Done, ""));
    assert_eq!(run.count("created"), 2);
    assert_eq!(run.rejected, None);
    {
        let state = fake.state.lock().unwrap();
        assert_eq!(
            state.agencies["NB0550100"],
            json!({"ori": "NB0550100", "name": "Lincoln Police Department", "kind": "municipal_police", "country": "US",
                   "subdivision": "US-NE", "sworn_strength": {"count": 350, "as_of": "2025-10-31"}})
        );
        assert_eq!(
            state.agencies["TX2270000"],
            json!({"ori": "TX2270000", "name": "Travis County Sheriff's Office", "kind": "sheriff", "country": "US", "subdivision": "US-TX"})
        );
        assert!(state.seen.iter().all(|seen| seen.headers["authorization"] == "Bearer T"));
        assert!(state.seen.iter().all(|seen| !seen.headers.contains_key("if-match")));
    }
    let again = file.import("agencies", &fake.url, &FLAGS).await;
    assert_eq!(again.ending, Ending::Done);
    assert_eq!((again.count("unchanged"), again.count("created")), (2, 0));
}

#[actix_web::test]
async fn many_go_at_once_and_are_told_in_the_order_of_the_file() {
    let fake = Fake::start();
    let mut text = "ori9,agency_name,type,state\n".to_owned();
    for number in 0..300 {
        let ori = if number % 10 == 3 { format!("TX{number}") } else { format!("TX{number:07}") };
        writeln!(text, "{ori},Agency {number},City,TX").unwrap();
    }
    let file = File::new("a.csv", text);
    let run = file.import("agencies", &fake.url, &FLAGS).await;
    assert_eq!(run.ending, Ending::Faults);
    assert_eq!((run.count("created"), run.count("rejected")), (270, 30));
    assert!(run.out.contains("invalid_ori in column \"ori9\" (ori), first in line 5: an ORI has nine characters"), "{}", run.out);
    let rejected = run.rejected.unwrap();
    let lines: Vec<&str> = rejected.lines().collect();
    assert_eq!(lines[0], "ori9,agency_name,type,state,_outcome,_reason,_line");
    assert_eq!(lines[1], "TX3,Agency 3,City,TX,rejected,\"column \"\"ori9\"\" (ori): an ORI has nine characters\",5");
    let numbers: Vec<u64> = lines[1..].iter().map(|line| line.rsplit_once(',').unwrap().1.parse().unwrap()).collect();
    assert_eq!(numbers, (0..30).map(|at| at * 10 + 5).collect::<Vec<_>>());
    let busy = fake.state.lock().unwrap().most_busy;
    assert!((2..=8).contains(&busy), "{busy} at once");
}

#[actix_web::test]
async fn of_two_rows_with_one_ori_the_later_stands() {
    let fake = Fake::start();
    let mut text = "ori9,agency_name,type,state\n".to_owned();
    for number in 0..40 {
        writeln!(text, "TX000000{},Name {number},City,TX", number % 2).unwrap();
    }
    let run = File::new("a.csv", text).import("agencies", &fake.url, &FLAGS).await;
    assert_eq!((run.count("created"), run.count("updated")), (2, 38));
    let state = fake.state.lock().unwrap();
    assert_eq!(state.agencies["TX0000000"]["name"], "Name 38");
    assert_eq!(state.agencies["TX0000001"]["name"], "Name 39");
}

#[actix_web::test]
async fn an_agency_without_ori_is_posted_under_a_key_of_its_own() {
    let fake = Fake::start();
    let file = File::new("a.csv", "ori,name,kind,country,subdivision\n,Kent Police,other,GB,KEN\n,Met,other,GB,LND\n");
    file.import("agencies", &fake.url, &[]).await;
    let run = file.import("agencies", &fake.url, &[]).await;
    assert_eq!(run.ending, Ending::Done);
    let seen = fake.seen();
    assert!(seen.iter().all(|seen| (seen.method.as_str(), seen.path.as_str()) == ("POST", "/v1/agencies")));
    let mut keys: Vec<&str> = seen.iter().map(|seen| seen.headers["idempotency-key"].as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!((seen.len(), keys.len()), (4, 2));
    assert!(seen.iter().any(|seen| seen.body == json!({"name": "Kent Police", "kind": "other", "country": "GB", "subdivision": "GB-KEN"})));
}

#[actix_web::test]
async fn what_is_not_understood_is_named_with_line_and_column_and_the_rest_goes_in() {
    let fake = Fake::start();
    let file = File::new(
        "a.csv",
        "\u{feff}ori9,agency_name,type,state\n\
         TX0000001,\"Name\nin two lines\",City,TX\n\
         TX0000002,Second,Klan,ZZ\n\
         TX0000003,Third,City,TX\n",
    );
    let run = file.import("agencies", &fake.url, &FLAGS).await;
    assert_eq!(run.ending, Ending::Faults);
    assert_eq!((run.count("created"), run.count("rejected")), (2, 1));
    let rejected = run.rejected.unwrap();
    let row = rejected.lines().nth(1).unwrap();
    assert!(row.starts_with("TX0000002,Second,Klan,ZZ,rejected,"), "{row}");
    assert!(row.contains("column \"\"type\"\" (kind)") && row.contains("column \"\"state\"\" (subdivision)"), "{row}");
    assert!(row.ends_with(",3"), "{row}");

    let corrected = File::new("b.csv", rejected.replace("Klan,ZZ", "City,TX"));
    let run = corrected.import("agencies", &fake.url, &FLAGS).await;
    assert_eq!((run.ending, run.count("created")), (Ending::Done, 1));
}

#[actix_web::test]
async fn a_row_without_an_end_is_told_and_those_before_it_are_in() {
    let fake = Fake::start();
    let mut text = "ori9,agency_name,type,state\nTX0000001,First,City,TX\nTX0000002,\"Open,City,TX\n".to_owned();
    text.push_str(&"x".repeat(6 * 1024 * 1024));
    let run = File::new("a.csv", text).import("agencies", &fake.url, &FLAGS).await;
    assert_eq!(run.ending, Ending::Faults);
    assert!(run.rejected.as_deref().is_some_and(|rows| rows.contains("quotation mark")), "{}", run.out);
    assert_eq!((run.count("created"), run.count("rejected")), (1, 1));
}
