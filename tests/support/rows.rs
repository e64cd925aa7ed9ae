//! Rows put into the tables directly, for tests of what is made of them: gathered first, then written in one transaction.

use std::sync::atomic::{AtomicU32, Ordering};

use diesel::prelude::*;
use onemind::domain::matching::name_key;
use onemind::domain::pledge::TermMonths;
use onemind::storage::schema::{agencies, agency_oris, appointments, completions, officers, partnerships, pledges, policies, trainings};
use onemind::storage::types::{At, Id, Json, On};
use onemind::storage::{AnyConn, StorageError};
use uuid::Uuid;

use super::{START, TestApp};

/// Ids ascend in the order in which rows are made.
fn next_id() -> Id {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let id = 0x0190_0000_0000_7000_8000_0000_0000_0000_u128 + u128::from(COUNT.fetch_add(1, Ordering::Relaxed));
    Id(Uuid::from_u128(id))
}

fn day(text: &str) -> On {
    On(text.parse().unwrap())
}

fn start() -> At {
    At(START.parse().unwrap())
}

/// Rows that are to be written.
#[derive(Clone, Default)]
pub struct Rows {
    agencies: Vec<AgencyRow>,
    officers: Vec<OfficerRow>,
    appointments: Vec<AppointmentRow>,
    trainings: Vec<TrainingRow>,
    completions: Vec<CompletionRow>,
    partnerships: Vec<PartnershipRow>,
    policies: Vec<PolicyRow>,
    pledges: Vec<PledgeRow>,
}

#[derive(Clone, Insertable)]
#[diesel(table_name = agencies, treat_none_as_default_value = false)]
pub struct AgencyRow {
    pub id: Id,
    pub ori: Option<String>,
    pub name: String,
    pub kind: String,
    pub country: String,
    pub subdivision: Option<String>,
    pub sworn_count: Option<i32>,
    pub sworn_as_of: Option<On>,
    pub created_at: At,
    pub updated_at: At,
}

#[derive(Clone, Insertable)]
#[diesel(table_name = officers, treat_none_as_default_value = false)]
pub struct OfficerRow {
    pub id: Id,
    pub person_id: Id,
    pub given_name: String,
    pub family_name: String,
    pub given_folded: String,
    pub family_folded: String,
    pub name_key: String,
    pub created_at: At,
    pub updated_at: At,
}

#[derive(Clone, Insertable)]
#[diesel(table_name = appointments, treat_none_as_default_value = false)]
pub struct AppointmentRow {
    pub id: Id,
    pub officer_id: Id,
    pub agency_id: Id,
    pub sworn: bool,
    pub employment: String,
    pub employee_number: Option<String>,
    pub badge_number: Option<String>,
    pub started_on: On,
    pub ended_on: Option<On>,
    pub created_at: At,
    pub updated_at: At,
}

#[derive(Clone, Insertable)]
#[diesel(table_name = trainings, treat_none_as_default_value = false)]
pub struct TrainingRow {
    pub id: Id,
    pub code: String,
    pub title: String,
    pub program: String,
    pub category: String,
    pub validity_months: Option<i32>,
    pub recognition: String,
    pub created_at: At,
    pub updated_at: At,
}

#[derive(Clone, Insertable)]
#[diesel(table_name = completions, treat_none_as_default_value = false)]
pub struct CompletionRow {
    pub id: Id,
    pub client_id: Id,
    pub external_id: String,
    pub officer_id: Option<Id>,
    pub training_id: Option<Id>,
    pub parked_reason: Option<String>,
    pub completed_on: On,
    pub expires_on: Option<On>,
    pub passed: bool,
    pub content: Json,
    pub content_hash: String,
    pub revision: i32,
    pub placed_by_hand: bool,
    pub revoked_at: Option<At>,
    pub created_at: At,
    pub updated_at: At,
}

#[derive(Clone, Insertable)]
#[diesel(table_name = partnerships, treat_none_as_default_value = false)]
pub struct PartnershipRow {
    pub id: Id,
    pub agency_id: Id,
    pub organization_name: String,
    pub organization_kind: String,
    pub agreement: String,
    pub effective_on: On,
    pub ends_on: Option<On>,
    pub created_at: At,
    pub updated_at: At,
}

#[derive(Clone, Insertable)]
#[diesel(table_name = policies, treat_none_as_default_value = false)]
pub struct PolicyRow {
    pub id: Id,
    pub agency_id: Id,
    pub title: String,
    pub adopted_on: On,
    pub ends_on: Option<On>,
    pub created_at: At,
    pub updated_at: At,
}

#[derive(Clone, Insertable)]
#[diesel(table_name = pledges, treat_none_as_default_value = false)]
pub struct PledgeRow {
    pub id: Id,
    pub agency_id: Id,
    pub standard: String,
    pub pledged_on: On,
    pub term_months: i32,
    pub due_on: On,
    pub signatory_name: String,
    pub signatory_title: String,
    pub withdrawn_on: Option<On>,
    pub created_at: At,
    pub updated_at: At,
}

fn due(pledged_on: &str, term_months: i32) -> On {
    let term = TermMonths::parse(i64::from(term_months)).unwrap();
    On(onemind::domain::pledge::due_on(pledged_on.parse().unwrap(), term))
}

impl CompletionRow {
    pub fn expires(&mut self, on: &str) -> &mut Self {
        self.expires_on = Some(day(on));
        self
    }

    pub fn failed(&mut self) -> &mut Self {
        self.passed = false;
        self
    }

    pub fn revoked(&mut self) -> &mut Self {
        self.revoked_at = Some(start());
        self
    }

    /// Held back, though officer and training are known.
    pub fn parked(&mut self, reason: &str) -> &mut Self {
        self.parked_reason = Some(reason.to_owned());
        self
    }
}

impl AppointmentRow {
    pub fn numbers(&mut self, employee: &str, badge: &str) -> &mut Self {
        (self.employee_number, self.badge_number) = (Some(employee.to_owned()), Some(badge.to_owned()));
        self
    }

    pub fn not_sworn(&mut self) -> &mut Self {
        self.sworn = false;
        self
    }
}

impl PledgeRow {
    pub fn withdrawn(&mut self, on: &str) -> &mut Self {
        self.withdrawn_on = Some(day(on));
        self
    }
}

fn last<T>(rows: &mut [T]) -> &mut T {
    rows.last_mut().unwrap()
}

impl Rows {
    /// An agency in the United States; the kind and place of it may be changed in [`Rows::the_agency`].
    pub fn agency(&mut self, ori: &str, declared: Option<i32>) -> Uuid {
        let id = next_id();
        self.agencies.push(AgencyRow {
            id,
            ori: Some(ori.to_owned()),
            name: format!("Agency {ori}"),
            kind: "municipal_police".to_owned(),
            country: "US".to_owned(),
            subdivision: None,
            sworn_count: declared,
            sworn_as_of: declared.map(|_| day("2025-10-31")),
            created_at: start(),
            updated_at: start(),
        });
        id.0
    }

    /// The agency that was made last.
    pub fn the_agency(&mut self) -> &mut AgencyRow {
        last(&mut self.agencies)
    }

    pub fn officer(&mut self, given: &str, family: &str) -> Uuid {
        let id = next_id();
        self.record(id, id, given, family)
    }

    /// A record that is taken for one of this person.
    pub fn record_of(&mut self, person: Uuid, given: &str, family: &str) -> Uuid {
        self.record(next_id(), Id(person), given, family)
    }

    fn record(&mut self, id: Id, person_id: Id, given: &str, family: &str) -> Uuid {
        self.officers.push(OfficerRow {
            id,
            person_id,
            given_name: given.to_owned(),
            family_name: family.to_owned(),
            given_folded: given.to_lowercase(),
            family_folded: family.to_lowercase(),
            name_key: name_key(&family.to_lowercase(), &given.to_lowercase()),
            created_at: start(),
            updated_at: start(),
        });
        id.0
    }

    /// A sworn appointment on the days `[from, until)`.
    pub fn appoint(&mut self, officer: Uuid, agency: Uuid, from: &str, until: Option<&str>) -> &mut AppointmentRow {
        self.appointments.push(AppointmentRow {
            id: next_id(),
            officer_id: Id(officer),
            agency_id: Id(agency),
            sworn: true,
            employment: "full_time".to_owned(),
            employee_number: None,
            badge_number: None,
            started_on: day(from),
            ended_on: until.map(day),
            created_at: start(),
            updated_at: start(),
        });
        last(&mut self.appointments)
    }

    /// A new officer with a sworn appointment without end.
    pub fn sworn(&mut self, agency: Uuid, from: &str) -> Uuid {
        let officer = self.officer("Maria", "Rivera");
        self.appoint(officer, agency, from, None);
        officer
    }

    /// A recognized training.
    pub fn training(&mut self, code: &str, category: &str, validity_months: Option<i32>) -> Uuid {
        let id = next_id();
        self.trainings.push(TrainingRow {
            id,
            code: code.to_owned(),
            title: code.to_owned(),
            program: "equivalent".to_owned(),
            category: category.to_owned(),
            validity_months,
            recognition: "recognized".to_owned(),
            created_at: start(),
            updated_at: start(),
        });
        id.0
    }

    /// Crisis intervention training that never lapses.
    pub fn crisis(&mut self) -> Uuid {
        self.training("CIT-40", "crisis_intervention", None)
    }

    /// Awareness training that never lapses.
    pub fn awareness(&mut self) -> Uuid {
        self.training("MHFA", "mental_health_awareness", None)
    }

    /// The training that was made last.
    pub fn the_training(&mut self) -> &mut TrainingRow {
        last(&mut self.trainings)
    }

    /// A completion that was passed and placed, pushed by some client.
    pub fn completion(&mut self, officer: Uuid, training: Uuid, on: &str) -> &mut CompletionRow {
        let id = next_id();
        self.completions.push(CompletionRow {
            id,
            client_id: next_id(),
            external_id: id.0.to_string(),
            officer_id: Some(Id(officer)),
            training_id: Some(Id(training)),
            parked_reason: None,
            completed_on: day(on),
            expires_on: None,
            passed: true,
            content: Json(serde_json::json!({"external_id": id.0, "completed_on": on})),
            content_hash: id.0.to_string(),
            revision: 1,
            placed_by_hand: false,
            revoked_at: None,
            created_at: start(),
            updated_at: start(),
        });
        last(&mut self.completions)
    }

    pub fn partnership(&mut self, agency: Uuid, from: &str, until: Option<&str>) {
        self.partnerships.push(PartnershipRow {
            id: next_id(),
            agency_id: Id(agency),
            organization_name: "Community Care".to_owned(),
            organization_kind: "community_mental_health".to_owned(),
            agreement: "mou".to_owned(),
            effective_on: day(from),
            ends_on: until.map(day),
            created_at: start(),
            updated_at: start(),
        });
    }

    pub fn policy(&mut self, agency: Uuid, from: &str, until: Option<&str>) {
        self.policies.push(PolicyRow {
            id: next_id(),
            agency_id: Id(agency),
            title: "Crisis response".to_owned(),
            adopted_on: day(from),
            ends_on: until.map(day),
            created_at: start(),
            updated_at: start(),
        });
    }

    pub fn pledge(&mut self, agency: Uuid, standard: &str, on: &str, term_months: i32) -> &mut PledgeRow {
        self.pledges.push(PledgeRow {
            id: next_id(),
            agency_id: Id(agency),
            standard: standard.to_owned(),
            pledged_on: day(on),
            term_months,
            due_on: due(on, term_months),
            signatory_name: "Lee Park".to_owned(),
            signatory_title: "Chief of Police".to_owned(),
            withdrawn_on: None,
            created_at: start(),
            updated_at: start(),
        });
        last(&mut self.pledges)
    }

    /// The id of the pledge that was made last.
    pub fn pledge_id(&self) -> Uuid {
        self.pledges.last().unwrap().id.0
    }

    /// Writes everything.
    pub async fn write(self, app: &TestApp) {
        app.registry.store.write(move |conn| self.insert(conn).map_err(StorageError::from)).await.unwrap();
    }

    fn insert(&self, conn: &mut AnyConn) -> QueryResult<()> {
        // The joined connection carries no insert of many rows.
        macro_rules! insert {
            ($table:ident, $rows:expr) => {
                for some in $rows.chunks(1000) {
                    match conn {
                        AnyConn::Postgres(conn) => diesel::insert_into($table::table).values(some).execute(conn)?,
                        AnyConn::Sqlite(conn) => diesel::insert_into($table::table).values(some).execute(conn)?,
                    };
                }
            };
        }
        insert!(agencies, self.agencies);
        let named = self.agencies.iter().filter_map(|agency| Some((agency.ori.clone()?, agency.id)));
        let oris: Vec<_> = named
            .map(|(ori, id)| {
                (agency_oris::ori.eq(ori), agency_oris::agency_id.eq(id), agency_oris::assumed.eq(false), agency_oris::is_primary.eq(true))
            })
            .collect();
        insert!(agency_oris, oris);
        insert!(officers, self.officers);
        insert!(appointments, self.appointments);
        insert!(trainings, self.trainings);
        insert!(completions, self.completions);
        insert!(partnerships, self.partnerships);
        insert!(policies, self.policies);
        insert!(pledges, self.pledges);
        Ok(())
    }
}
