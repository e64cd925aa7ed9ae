//! The coverage timeline against the facts: after whatever is sent, each agency's stored timeline is what counting anew comes to, and the status
//! that is told, from memory or not, is the one that the facts alone give.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::RunQueryDsl as _;
use futures_util::future::join_all;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use onemind::domain::reach::Reach;
use onemind::domain::stage::{Status, status_by_pledge};
use onemind::service::verify::{compare_all, repair};
use onemind::storage::{StorageError, facts, migrations};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::on_both_databases;
use crate::support::{Client, Reply, TestApp};

const AGENCIES: [&str; 3] = ["TX0000001", "TX0000002", "TX0000003"];
const TRAININGS: [(&str, &str); 4] = [
    ("CIT-40", "crisis_intervention"),
    ("CRIT-8", "crisis_intervention"),
    ("MHFA-8", "mental_health_awareness"),
    ("MHFA-R", "mental_health_awareness"),
];
/// So many people have a badge, the same one wherever they serve.
const PEOPLE: usize = 9;

/// Numbers at random: the same ones for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn chance(&mut self, of_ten: usize) -> bool {
        self.below(10) < of_ten
    }

    /// A day of five years, the last of which is to come.
    fn day(&mut self) -> Date {
        date(2023, 1, 1).saturating_add(i64::try_from(self.below(5 * 365)).unwrap().days())
    }

    /// A day that has passed.
    fn past(&mut self) -> Date {
        date(2023, 1, 1).saturating_add(i64::try_from(self.below(1400)).unwrap().days())
    }
}

/// A registry that somebody writes to at random.
struct Writer {
    random: Random,
    staff: Client,
    /// Each pushes for all agencies but one.
    vendors: Vec<Client>,
    /// Each is for one agency.
    rms: Vec<Client>,
    trainings: Vec<String>,
}

/// What was sent, and how it was answered: for a failure that tells.
type Done = (String, u16);

async fn begin(app: &TestApp, seed: u64) -> Writer {
    let staff = app.staff();
    for ori in AGENCIES {
        if staff.get(&format!("/v1/agencies/ori:{ori}")).await.status == 404 {
            app.agency(ori).await;
        }
    }
    let mut trainings = Vec::new();
    for (code, category) in TRAININGS {
        let held = staff.get(&format!("/v1/trainings?code={code}")).await.expect(200)["items"][0]["id"].clone();
        let id = if let Some(id) = held.as_str() {
            id.to_owned()
        } else {
            let body = json!({"code": code, "title": code, "program": "equivalent", "category": category});
            staff.post("/v1/trainings", &body).await.expect(201)["id"].as_str().unwrap().to_owned()
        };
        staff.put(&format!("/v1/trainings/{id}/recognition"), &json!({"status": "recognized", "note": null})).await.expect(200);
        trainings.push(id);
    }
    let key = |number: usize| format!("ori:{}", AGENCIES[number]);
    let vendor = |name: &str, keys: [String; 2]| app.client(name, "completions:write completions:read trainings:write", Some(&[&keys[0], &keys[1]]));
    Writer {
        random: Random(seed),
        vendors: vec![vendor("lms-1", [key(0), key(1)]), vendor("lms-2", [key(1), key(2)])],
        rms: (0..3).map(|number| app.client(&format!("rms-{number}"), "officers:write officers:read", Some(&[&key(number)]))).collect(),
        staff,
        trainings,
    }
}

fn person(number: usize) -> (String, String, String) {
    // Letters alone, since names have no digits.
    let letter = char::from(b'A' + u8::try_from(number).unwrap());
    (format!("{letter}na"), format!("R{letter}vera"), format!("B-{number}"))
}

impl Writer {
    fn record(&mut self) -> Value {
        let random = &mut self.random;
        let (_, family_name, badge) = person(random.below(PEOPLE + 1));
        let agency = format!("ori:{}", random.one(&AGENCIES));
        let completed_on = random.past();
        let code = if random.chance(1) { "UNHEARD-OF" } else { random.one(&TRAININGS).0 };
        let mut record = json!({"external_id": format!("rec-{}", random.below(25)), "completed_on": completed_on, "passed": !random.chance(1),
            "officer": {"agency": agency, "badge_number": badge, "family_name": family_name}, "training": {"code": code}});
        if random.chance(4) {
            record["expires_on"] = json!(completed_on.saturating_add(i64::try_from(1 + random.below(500)).unwrap().days()));
        }
        record
    }

    fn appointment(&mut self, agency: &str, number: usize) -> Value {
        let started_on = self.random.day();
        let ended_on = self.random.chance(3).then(|| started_on.saturating_add(i64::try_from(1 + self.random.below(700)).unwrap().days()));
        json!({"agency": format!("ori:{agency}"), "sworn": !self.random.chance(2), "badge_number": person(number).2, "started_on": started_on,
            "ended_on": ended_on})
    }

    /// The id of something at random in a list.
    async fn any(&mut self, list: &str) -> Option<Value> {
        let all = self.staff.all(list).await;
        if all.is_empty() { None } else { Some(self.random.one(&all).clone()) }
    }

    async fn push(&mut self) -> Reply {
        let vendor = self.random.one(&self.vendors).clone();
        if self.random.chance(4) {
            return vendor.post("/v1/completions", &self.record()).await;
        }
        let records: Vec<Value> = (0..=self.random.below(12)).map(|_| self.record()).collect();
        vendor.post("/v1/completions/batch", &json!({"completions": records})).await
    }

    async fn roster(&mut self) -> Reply {
        let place = self.random.below(3);
        let mut entries = Vec::new();
        for number in 0..PEOPLE {
            if self.random.chance(6) {
                let (given, family, badge) = person(number);
                let identifiers = if self.random.chance(3) { json!([{"system": "post:US-TX", "value": badge}]) } else { json!([]) };
                entries.push(json!({"given_name": given, "family_name": family, "badge_number": badge, "sworn": !self.random.chance(2),
                    "started_on": self.random.past(), "identifiers": identifiers}));
            }
        }
        let body = json!({"as_of": self.random.past(), "officers": entries});
        self.rms[place].put(&format!("/v1/agencies/ori:{}/roster?allow_shrink=true", AGENCIES[place]), &body).await
    }

    async fn officer(&mut self) -> Reply {
        let number = self.random.below(PEOPLE);
        let (given, family, badge) = person(number);
        let agencies = [self.random.below(3), self.random.below(3)];
        let appointments: Vec<Value> = agencies[..=self.random.below(2)].iter().map(|place| self.appointment(AGENCIES[*place], number)).collect();
        let identifiers = if self.random.chance(5) { json!([{"system": "post:US-TX", "value": badge}]) } else { json!([]) };
        let body = json!({"given_name": given, "family_name": family, "identifiers": identifiers, "appointments": appointments});
        let client = if self.random.chance(5) { self.staff.clone() } else { self.rms[agencies[0]].clone() };
        client.post("/v1/officers", &body).await
    }

    /// Something about an officer who is held.
    async fn change_officer(&mut self) -> Option<Reply> {
        let officer = self.any("/v1/officers").await?;
        let id = officer["id"].as_str().unwrap().to_owned();
        let spells = officer["appointments"].as_array().unwrap().clone();
        let spell = (!spells.is_empty()).then(|| self.random.one(&spells)["id"].as_str().unwrap().to_owned());
        let path = format!("/v1/officers/{id}");
        Some(match (self.random.below(8), spell) {
            (0, _) => self.staff.delete(&path).await,
            (1, _) => self.staff.post(&format!("{path}/pseudonymization"), &json!({"reason": "asked for it"})).await,
            (2 | 3, _) => {
                let (agency, number) = (*self.random.one(&AGENCIES), self.random.below(PEOPLE));
                let appointment = self.appointment(agency, number);
                self.staff.post(&format!("{path}/appointments"), &appointment).await
            }
            (4, Some(spell)) => self.staff.delete(&format!("{path}/appointments/{spell}")).await,
            (5, Some(spell)) => self.staff.patch(&format!("{path}/appointments/{spell}"), &json!({"sworn": self.random.chance(5)})).await,
            (_, Some(spell)) => {
                let ended_on = if self.random.chance(3) { Value::Null } else { json!(self.random.day()) };
                self.staff.patch(&format!("{path}/appointments/{spell}"), &json!({"ended_on": ended_on})).await
            }
            (_, None) => return None,
        })
    }

    async fn change_completion(&mut self) -> Option<Reply> {
        let completion = self.any("/v1/completions").await?;
        let path = format!("/v1/completions/{}", completion["id"].as_str().unwrap());
        if self.random.chance(3) {
            return Some(self.staff.post(&format!("{path}/reinstatement"), &json!({})).await);
        }
        if self.random.chance(5) {
            return Some(self.staff.post(&format!("{path}/revocation"), &json!({"reason": "sent in error"})).await);
        }
        let officer = self.any("/v1/officers").await?["id"].clone();
        let training = self.random.one(&self.trainings).clone();
        Some(self.staff.post(&format!("{path}/placement"), &json!({"officer": {"id": officer}, "training": {"id": training}})).await)
    }

    async fn change_training(&mut self) -> Reply {
        let path = format!("/v1/trainings/{}", self.random.one(&self.trainings));
        match self.random.below(4) {
            0 => {
                let category = *self.random.one(&["crisis_intervention", "mental_health_awareness"]);
                self.staff.patch(&path, &json!({"category": category})).await
            }
            1 => {
                let months = if self.random.chance(4) { Value::Null } else { json!(1 + self.random.below(36)) };
                self.staff.patch(&path, &json!({"validity_months": months})).await
            }
            _ => {
                let status = *self.random.one(&["recognized", "recognized", "declined", "proposed"]);
                self.staff.put(&format!("{path}/recognition"), &json!({"status": status, "note": null})).await
            }
        }
    }

    /// Two officers who are one person, or are not after all.
    async fn change_person(&mut self) -> Option<Reply> {
        Some(match self.random.below(5) {
            0..=2 => {
                let (kept, merged) = (self.any("/v1/officers").await?["id"].clone(), self.any("/v1/officers").await?["id"].clone());
                let body = json!({"kept": {"id": kept}, "merged": {"id": merged}, "reason": "the same person"});
                self.staff.post("/v1/officer-merges", &body).await
            }
            3 => {
                let merge = self.any("/v1/officer-merges").await?;
                let path = format!("/v1/officer-merges/{}/reversal", merge["id"].as_str().unwrap());
                self.staff.post(&path, &json!({"reason": "two people after all"})).await
            }
            _ => {
                let join = self.any("/v1/officer-joins").await?;
                self.staff.post(&format!("/v1/officer-joins/{}/separation", join["id"].as_str().unwrap()), &json!({})).await
            }
        })
    }

    /// A course code that was unheard of, a join that staff confirm, or what an agency declares of itself.
    async fn change_others(&mut self) -> Option<Reply> {
        Some(match self.random.below(4) {
            0 => {
                let vendor = self.random.one(&self.vendors).clone();
                let body = json!({"code": "UNHEARD-OF", "training": self.random.one(&self.trainings), "effective_from": "2020-01-01"});
                vendor.post("/v1/course-mappings", &body).await
            }
            1 => {
                let join = self.any("/v1/officer-joins").await?;
                self.staff.post(&format!("/v1/officer-joins/{}/confirmation", join["id"].as_str().unwrap()), &json!({})).await
            }
            2 => {
                let body = json!({"sworn_strength": {"count": self.random.below(12), "as_of": "2026-01-01"}});
                self.staff.patch(&format!("/v1/agencies/ori:{}", self.random.one(&AGENCIES)), &body).await
            }
            _ => {
                static NUMBER: AtomicU32 = AtomicU32::new(0);
                // Rules of every sort, and a pledge to them, which makes the status of the agency follow from them.
                let code = format!("one-mind-x{}", NUMBER.fetch_add(1, Ordering::Relaxed));
                let body = json!({"code": code, "title": code, "crisis_share": {"numerator": 1, "denominator": 4},
                    "crisis_counts_as_awareness": self.random.chance(5), "lapsed_credit_counts": self.random.chance(5)});
                self.staff.post("/v1/standards", &body).await.expect(201);
                if self.random.chance(3) {
                    return Some(self.staff.patch(&format!("/v1/standards/{code}"), &json!({"lapsed_credit_counts": true})).await);
                }
                let agency = *self.random.one(&AGENCIES);
                let pledge = self.any(&format!("/v1/pledges?agency=ori:{agency}")).await;
                if let Some(id) = pledge.as_ref().and_then(|pledge| pledge["id"].as_str()) {
                    return Some(self.staff.patch(&format!("/v1/pledges/{id}"), &json!({"standard": code})).await);
                }
                let body = json!({"agency": format!("ori:{agency}"), "standard": code, "pledged_on": self.random.past(), "term_months": 24,
                    "signatory": {"name": "Lee Park", "title": "Chief of Police"}});
                self.staff.post("/v1/pledges", &body).await
            }
        })
    }

    async fn act(&mut self) -> Option<Done> {
        let (what, reply) = match self.random.below(22) {
            0..=6 => ("push", Some(self.push().await)),
            7 | 8 => ("roster", Some(self.roster().await)),
            9 | 10 => ("officer", Some(self.officer().await)),
            11..=13 => ("change of an officer", self.change_officer().await),
            14 | 15 => ("change of a completion", self.change_completion().await),
            16 | 17 => ("change of a training", Some(self.change_training().await)),
            18 | 19 => ("change of a person", self.change_person().await),
            _ => ("other", self.change_others().await),
        };
        let reply = reply?;
        assert!(reply.status < 500, "{what}: {} {}", reply.status, reply.text);
        Some((what.to_owned(), reply.status))
    }
}

async fn assert_timelines(app: &TestApp, done: &[Done]) {
    let compared = app.registry.store.read(compare_all).await.unwrap();
    assert_eq!(compared.agencies, AGENCIES.len());
    assert!(compared.differences.is_empty(), "{:#?}\nafter {done:?}", compared.differences);
}

/// What the facts alone say of a day.
async fn by_facts(app: &TestApp, agency: Uuid, on: Date) -> Status {
    let judge = move |conn: &mut onemind::storage::AnyConn| -> Result<Status, onemind::storage::StorageError> {
        let known = facts::by_ids(conn, &Reach::All, &[agency])?.pop().unwrap();
        Ok(status_by_pledge(&facts::published_standards(conn)?, &known.facts, on))
    };
    app.registry.store.read(judge).await.unwrap()
}

async fn assert_status(app: &TestApp, reader: &Client, agency: Uuid, on: Date, done: &[Done]) {
    let told = reader.get(&format!("/v1/agencies/{agency}/certification-status?as_of={on}")).await.expect(200);
    let status = by_facts(app, agency, on).await;
    let training = status.evaluation.training;
    let expected = json!([
        status.stage,
        status.standard,
        training.sworn,
        training.roster,
        training.trained,
        training.crisis_intervention,
        status.next_change.map(|next| (next.on, next.trained, next.crisis_intervention, next.still_met))
    ]);
    let requirements = &told["requirements"]["training"];
    let next = &told["next_change"];
    let next = if next.is_null() { Value::Null } else { json!([next["on"], next["trained"], next["crisis_intervention"], next["still_met"]]) };
    let seen = json!([
        told["stage"],
        told["standard"],
        requirements["sworn"],
        requirements["roster"],
        requirements["trained"],
        requirements["crisis_intervention"],
        next
    ]);
    assert_eq!(seen, expected, "{agency} on {on} after {done:?}");
}

/// How many sequences are tried, and how many acts each has.
const ROUNDS: u64 = 3;
const ACTS: usize = 70;

on_both_databases! {
    async fn after_whatever_is_sent_the_timeline_is_what_the_facts_come_to(app: TestApp) {
        let mut kinds = std::collections::BTreeMap::new();
        for seed in 0..ROUNDS {
            let mut writer = begin(&app, seed).await;
            let agencies: Vec<Uuid> = writer.staff.all("/v1/agencies").await.iter().map(|one| one["id"].as_str().unwrap().parse().unwrap()).collect();
            let mut done = Vec::new();
            for _ in 0..ACTS {
                let Some(act) = writer.act().await else { continue };
                *kinds.entry((act.0.clone(), act.1 < 300)).or_insert(0) += 1;
                done.push(act);
                assert_timelines(&app, &done).await;
                let (agency, on) = (*writer.random.one(&agencies), writer.random.day());
                assert_status(&app, &writer.staff, agency, on, &done).await;
            }
        }
        for what in ["push", "roster", "officer", "change of an officer", "change of a completion", "change of a training", "change of a person", "other"] {
            assert!(kinds.contains_key(&(what.to_owned(), true)), "none of `{what}` was done: {kinds:?}");
        }
        let staff = app.staff();
        let counted = staff.all("/v1/certification-status?as_of=2026-06-01").await;
        assert!(counted.iter().any(|one| one["requirements"]["training"]["trained"]["count"].as_u64() > Some(0)), "{counted:?}");
    }

    async fn writers_at_once_leave_the_timeline_as_the_facts_are(app: TestApp) {
        let replica = app.replica();
        let mut writers = Vec::new();
        for seed in 100..106 {
            writers.push(begin(&app, seed).await);
        }
        let other = Client::new(&replica.address, app.staff().token);
        let agencies: Vec<Uuid> = other.all("/v1/agencies").await.iter().map(|one| one["id"].as_str().unwrap().parse().unwrap()).collect();
        // Somebody reads throughout, of both processes, so that what is kept in memory is put to the test too.
        let reading = async {
            let staff = app.staff();
            for turn in 0..60 {
                let path = format!("/v1/agencies/{}/certification-status?as_of=2026-06-01", agencies[turn % agencies.len()]);
                other.get(&path).await.expect(200);
                staff.get(&path).await.expect(200);
                staff.get("/v1/statistics").await.expect(200);
            }
        };
        let writing = join_all(writers.iter_mut().map(|writer| async {
            let mut done = Vec::new();
            for _ in 0..30 {
                done.extend(writer.act().await);
            }
            done
        }));
        let (done, ()) = futures_util::future::join(writing, reading).await;
        let done = done.concat();
        assert_timelines(&app, &done).await;
        for agency in agencies {
            for on in [date(2024, 6, 1), date(2026, 6, 1), date(2026, 11, 21)] {
                assert_status(&app, &app.staff(), agency, on, &done).await;
                assert_status(&app, &other, agency, on, &done).await;
            }
        }
    }
    async fn a_database_from_before_is_filled_once_and_what_was_altered_is_repaired(app: TestApp) {
        let mut writer = begin(&app, 7).await;
        let mut done = Vec::new();
        for _ in 0..40 {
            done.extend(writer.act().await);
        }
        let altered = |statement: &'static str| {
            app.registry.store.write(move |conn| diesel::sql_query(statement).execute(conn).map(drop).map_err(StorageError::from))
        };
        let before = writer.staff.all("/v1/certification-status?as_of=2026-06-01").await;
        altered("DELETE FROM coverage_changes").await.unwrap();
        altered("DELETE FROM agency_versions").await.unwrap();
        let mut conn = app.config.database.connect().unwrap();
        assert_eq!(migrations::pending(&mut conn).unwrap(), ["fill_coverage_timeline"]);
        app.stranger().get("/readyz").await.expect(503);
        assert_eq!(migrations::apply(&mut conn).unwrap(), ["fill_coverage_timeline"]);
        assert_eq!(migrations::apply(&mut conn).unwrap(), [""; 0]);
        app.stranger().get("/readyz").await.expect(200);
        assert_timelines(&app, &done).await;
        // What was kept under versions of a database that is gone is not told of the new one.
        let replica = app.replica();
        let restarted = Client::new(&replica.address, writer.staff.token.clone());
        assert_eq!(restarted.all("/v1/certification-status?as_of=2026-06-01").await, before);
        altered("UPDATE coverage_changes SET sworn = sworn + 1 WHERE sworn > 0").await.unwrap();
        assert!(!app.registry.store.read(compare_all).await.unwrap().differences.is_empty());
        app.registry.store.write(repair).await.unwrap();
        assert_timelines(&app, &done).await;
        assert_eq!(writer.staff.all("/v1/certification-status?as_of=2026-06-01").await, before);
    }
}
