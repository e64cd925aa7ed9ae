use onemind::import::Ending;

use crate::{File, fake::Fake};

#[actix_web::test]
async fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    let fake = Fake::start();
    let file = File::new("c.csv", "last,completed_on\nA,2004-10-29\n");
    let cases: [(&[&str], &str); 7] = [
        (&["--map", "officer.surname=last"], "officer.family_name"),
        (&["--map", "officer.family_name=surname"], "last, completed_on"),
        (&["--set", "nonsense=1"], "there is no field \"nonsense\""),
        (&["--set", "hours=many"], "set hours"),
        (&["--map", "hours=last", "--set", "hours=1"], "more than once"),
        (&["--format", "csv", "--url", "not an address"], "--url"),
        (&["--url", "ftp://example.org"], "--url"),
    ];
    for (flags, words) in cases {
        let url = if flags.contains(&"--url") { flags[flags.len() - 1] } else { &fake.url };
        let flags: Vec<&str> = flags.iter().copied().filter(|flag| *flag != "--url" && *flag != url).collect();
        let run = file.import("completions", url, &flags).await;
        assert_eq!(run.ending, Ending::Usage, "{flags:?}");
        assert!(run.err.contains(words), "{}", run.err);
    }
    assert!(fake.seen().is_empty());
}

#[actix_web::test]
async fn a_file_that_cannot_be_read_is_a_matter_of_usage() {
    let empty = File::new("c.csv", "");
    let run = empty.import("completions", "http://127.0.0.1:9", &[]).await;
    assert_eq!(run.ending, Ending::Usage);
    assert!(run.err.contains("header row"), "{}", run.err);

    let nameless = File::new("c.txt", "a\n");
    assert_eq!(nameless.import("completions", "http://127.0.0.1:9", &[]).await.ending, Ending::Usage);

    let gone = File::new("c.csv", "a\n");
    std::fs::remove_file(&gone.path).unwrap();
    assert_eq!(gone.import("completions", "http://127.0.0.1:9", &[]).await.ending, Ending::Usage);
}

#[actix_web::test]
async fn the_file_itself_is_never_written_over() {
    let text = "officer.id,completed_on\n0199,soon\n";
    let file = File::new("c.csv", text);
    let run = file.import_beside(&file.path, "completions", "http://127.0.0.1:9", &[]).await;
    assert_eq!(run.ending, Ending::Usage);
    assert!(run.err.contains("--rejected"), "{}", run.err);
    assert_eq!(std::fs::read_to_string(&file.path).unwrap(), text);
}

#[actix_web::test]
async fn where_rejected_rows_cannot_be_written_the_import_stops() {
    let file = File::new("c.csv", "officer.id,completed_on\n0199,soon\n");
    let nowhere = file.dir.path().join("no such folder/rejected.csv");
    let run = file.import_beside(&nowhere, "completions", "http://127.0.0.1:9", &[]).await;
    assert_eq!(run.ending, Ending::Unreachable);
    assert!(run.err.contains("choose another by --rejected"), "{}", run.err);
}
