use std::fmt::Write;

use onemind::import::Ending;
use serde_json::{Value, json};

use crate::{File, fake::Fake};

const FLAGS: [&str; 12] = [
    "--map",
    "officer.family_name=last",
    "--map",
    "officer.badge_number=star",
    "--map",
    "completed_on=session_end",
    "--set",
    "officer.agency=ori:ILCPD0000",
    "--set",
    "training.code=CIT-40",
    "--set",
    "passed=Y",
];

fn numbered(rows: usize) -> String {
    let mut text = "last,star,session_end\n".to_owned();
    for number in 0..rows {
        writeln!(text, "LAST{number},{number},2004-10-29 16:00").unwrap();
    }
    text
}

fn ids(bodies: &[Value]) -> Vec<String> {
    let records = bodies.iter().flat_map(|body| body["completions"].as_array().unwrap());
    records.map(|record| record["external_id"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn rows_go_in_batches_and_again_are_unchanged() {
    let fake = Fake::start();
    let file = File::new("c.csv", numbered(25));
    let flags = [&FLAGS[..], &["--batch-size", "10"]].concat();
    let run = file.import("completions", &fake.url, &flags).await;
    assert_eq!((run.ending, run.err.as_str()), (Ending::Done, ""));
    assert_eq!(run.count("created"), 25);
    let again = file.import("completions", &fake.url, &flags).await;
    assert_eq!((again.ending, again.count("unchanged")), (Ending::Done, 25));
    let seen = fake.seen();
    assert!(seen.iter().all(|seen| seen.headers["prefer"] == "return=minimal"));
    let bodies: Vec<Value> = seen.into_iter().map(|seen| seen.body).collect();
    let sizes: Vec<usize> = bodies.iter().map(|body| body["completions"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10, 10, 5, 10, 10, 5]);
    let mut first = bodies[0]["completions"][0].clone();
    first.as_object_mut().unwrap().remove("external_id");
    assert_eq!(
        first,
        json!({"officer": {"agency": "ori:ILCPD0000", "badge_number": "0", "family_name": "LAST0"},
               "training": {"code": "CIT-40"}, "completed_on": "2004-10-29", "passed": true})
    );
    let mut all = ids(&bodies);
    assert_eq!(all[..25], all[25..]);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 25);
}

#[actix_web::test]
async fn the_same_row_twice_is_one_record() {
    let fake = Fake::start();
    let text = "last,star,session_end\nA,1,2004-10-29\nB,2,2004-10-29\nA,1,2004-10-29 16:00\n";
    let run = File::new("c.csv", text).import("completions", &fake.url, &FLAGS).await;
    assert_eq!((run.count("created"), run.count("unchanged")), (2, 1));
    assert_eq!(fake.state.lock().unwrap().completions.len(), 2);
}

#[actix_web::test]
async fn parked_and_rejected_rows_are_kept_and_corrected_under_their_id() {
    let fake = Fake::start();
    let text = "last,star,session_end,hours\nA,1,2004-10-29,40\nNOBODY,2,2004-10-30,40\nC,3,2004-10-31,-1\nD,4,soon,40\n";
    let run = File::new("c.csv", text).import("completions", &fake.url, &FLAGS).await;
    assert_eq!(run.ending, Ending::Faults);
    assert_eq!((run.count("created"), run.count("parked"), run.count("rejected")), (1, 1, 2));
    assert!(run.out.contains("no_match, first in line 3"), "{}", run.out);
    assert!(run.out.contains("out_of_range in column \"hours\", first in line 4"), "{}", run.out);
    assert!(run.out.contains("not_a_date in column \"session_end\" (completed_on), first in line 5"), "{}", run.out);
    let rejected = run.rejected.unwrap();
    let lines: Vec<&str> = rejected.lines().collect();
    assert_eq!(lines[0], "last,star,session_end,hours,external_id,_outcome,_reason,_line");
    assert!(lines[1].starts_with("NOBODY,2,2004-10-30,40,") && lines[1].ends_with(",3"));
    assert!(lines[3].starts_with("D,4,soon,40,,rejected,"), "{}", lines[3]);
    assert_eq!(lines.len(), 4);

    let parked_id = lines[1].split(',').nth(4).unwrap().to_owned();
    let corrected = rejected.replace("NOBODY", "B").replace(",-1,", ",8,").replace("soon", "2004-11-01");
    let run = File::new("c.rejected.csv", corrected).import("completions", &fake.url, &FLAGS).await;
    assert_eq!((run.ending, run.rejected), (Ending::Done, None));
    let state = fake.state.lock().unwrap();
    assert_eq!(state.completions.len(), 4);
    assert_eq!(state.completions[&parked_id]["officer"]["family_name"], "B");
}

#[actix_web::test]
async fn a_second_file_of_what_did_not_go_in_has_the_extra_columns_once() {
    let fake = Fake::start();
    let text = "last,star,session_end,external_id,_outcome,_reason,_line\nNOBODY,2,2004-10-30,mine-7,parked,old,9\n";
    let run = File::new("c.csv", text).import("completions", &fake.url, &FLAGS).await;
    let rejected = run.rejected.unwrap();
    let lines: Vec<&str> = rejected.lines().collect();
    assert_eq!(lines[0], "last,star,session_end,external_id,_outcome,_reason,_line");
    assert!(lines[1].starts_with("NOBODY,2,2004-10-30,mine-7,parked,no_match"), "{}", lines[1]);
    assert!(lines[1].ends_with(",2"), "{}", lines[1]);
}

#[actix_web::test]
async fn ndjson_goes_in_as_it_is_and_comes_back_as_ndjson() {
    let fake = Fake::start();
    let good = json!({"external_id": "rec-1", "officer": {"agency": "ori:ILCPD0000", "badge_number": 88}, "training": {"code": "CIT"},
        "completed_on": "2026-03-06T23:30:00-06:00", "score": 0.93, "expires_on": null, "vendor": {"row": 1}});
    let parked = json!({"officer": {"family_name": "NOBODY"}, "training": {"code": "CIT"}, "completed_on": "2026-03-06"});
    let file = File::new("c.ndjson", format!("{good}\n{{\"broken\n\n{parked}\n"));
    let run = file.import("completions", &fake.url, &[]).await;
    assert_eq!((run.ending, run.err.as_str()), (Ending::Faults, ""));
    assert_eq!((run.count("created"), run.count("parked"), run.count("rejected")), (1, 1, 1));
    assert_eq!(
        fake.state.lock().unwrap().completions["rec-1"],
        json!({"external_id": "rec-1", "officer": {"agency": "ori:ILCPD0000", "badge_number": "88"}, "training": {"code": "CIT"},
               "completed_on": "2026-03-06T23:30:00-06:00", "score": 0.93})
    );
    let rejected = run.rejected.unwrap();
    let kept: Vec<Value> = rejected.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&kept[0]["_text"], &kept[0]["_line"]), (&json!("{\"broken"), &json!(2)));
    assert_eq!((&kept[1]["officer"], &kept[1]["_line"]), (&parked["officer"], &json!(4)));
    assert_eq!(kept[1]["_outcome"], "parked");

    let line = rejected.lines().nth(1).unwrap();
    let corrected = File::new("d.ndjson", line.replace("NOBODY", "Ortiz"));
    let run = corrected.import("completions", &fake.url, &[]).await;
    assert_eq!(run.ending, Ending::Done, "{}", run.out);
    assert_eq!(fake.state.lock().unwrap().completions.len(), 2);
}

#[actix_web::test]
async fn a_column_that_no_object_bears_is_pointed_out() {
    let fake = Fake::start();
    let text = json!({"officer": {"id": "0199"}, "training": {"code": "CIT"}, "completed_on": "2026-03-06"});
    let run = File::new("c.ndjson", text.to_string()).import("completions", &fake.url, &["--map", "hours=lenght"]).await;
    assert!(run.out.contains("no row has a value of \"lenght\""), "{}", run.out);
}

#[actix_web::test]
async fn a_batch_that_is_refused_whole_is_told_in_full() {
    let fake = Fake::start();
    fake.next_problem(
        413,
        &json!({"title": "Too large", "status": 413, "detail": "a batch holds 10 records", "instance": "req-1",
        "errors": [{"pointer": "/completions", "code": "too_many", "detail": "11 records"}]}),
    );
    let run = File::new("c.csv", numbered(11)).import("completions", &fake.url, &FLAGS).await;
    assert_eq!(run.ending, Ending::Faults);
    for words in ["413 Too large: a batch holds 10 records", "/completions too_many: 11 records", "req-1"] {
        assert!(run.err.contains(words), "{}", run.err);
    }
}

#[actix_web::test]
async fn an_answer_that_leaves_records_out_is_not_taken_for_success() {
    let fake = Fake::start();
    let short = json!({"summary": {"received": 2, "created": 2}, "results": []});
    let unnamed = json!({"summary": {"received": 3, "created": 2, "parked": 1}, "results": []});
    for answer in [short, unnamed] {
        fake.next(207, vec![("content-type", "application/json")], &answer);
        let run = File::new("c.csv", numbered(3)).import("completions", &fake.url, &FLAGS).await;
        assert_eq!(run.ending, Ending::Unreachable, "{}", run.out);
    }
}
