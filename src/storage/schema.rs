//! One set of tables for both databases; the types are those of [`super::types`].
#![allow(clippy::wildcard_imports, reason = "the types of a table are those of diesel and ours")]
#![expect(missing_docs, reason = "what tables hold is said in the migrations")]

mod access;
mod feed;
mod library;
mod queue;

pub use access::{audit_lanes, audit_log, client_assertions, client_secrets, clients, grants, idempotency_keys};
pub use feed::{agency_standings, events, webhook_deliveries, webhooks};
pub use library::{assistance_notes, assistance_requests, resource_topics, resource_words, resources};
pub use queue::{import_bodies, import_outcomes, imports};

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    agencies (id) {
        id -> Guid,
        ori -> Nullable<Text>,
        name -> Text,
        kind -> Text,
        country -> Text,
        subdivision -> Nullable<Text>,
        sworn_count -> Nullable<Integer>,
        sworn_as_of -> Nullable<Day>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    agency_oris (ori) {
        ori -> Text,
        agency_id -> Guid,
        assumed -> Bool,
        is_primary -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    officers (id) {
        id -> Guid,
        given_name -> Text,
        family_name -> Text,
        given_folded -> Text,
        family_folded -> Text,
        name_key -> Text,
        email -> Nullable<Text>,
        email_folded -> Nullable<Text>,
        created_at -> Instant,
        updated_at -> Instant,
        pseudonymized_at -> Nullable<Instant>,
        pseudonymization_reason -> Nullable<Text>,
        email_sha1 -> Nullable<Text>,
        email_folded_sha1 -> Nullable<Text>,
        person_id -> Guid,
        merged_into -> Nullable<Guid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    officer_identifiers (system, value) {
        system -> Text,
        value -> Text,
        officer_id -> Guid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    appointments (id) {
        id -> Guid,
        officer_id -> Guid,
        agency_id -> Guid,
        sworn -> Bool,
        employment -> Text,
        rank -> Nullable<Text>,
        employee_number -> Nullable<Text>,
        badge_number -> Nullable<Text>,
        started_on -> Day,
        ended_on -> Nullable<Day>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    number_spells (appointment_id, kind, from_on) {
        appointment_id -> Guid,
        agency_id -> Guid,
        kind -> Text,
        number -> Text,
        from_on -> Day,
        until_on -> Nullable<Day>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    officer_joins (id) {
        id -> Guid,
        officer_id -> Guid,
        agency_id -> Guid,
        client_id -> Guid,
        given_name -> Text,
        family_name -> Text,
        email -> Nullable<Text>,
        identifiers -> Doc,
        status -> Text,
        confirmed_at -> Nullable<Instant>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    officer_join_keys (lookup, join_id) {
        lookup -> Text,
        join_id -> Guid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    trainings (id) {
        id -> Guid,
        code -> Text,
        title -> Text,
        provider -> Nullable<Text>,
        program -> Text,
        category -> Text,
        hours -> Nullable<Double>,
        validity_months -> Nullable<Integer>,
        recognition -> Text,
        recognition_note -> Nullable<Text>,
        recognition_changed_at -> Nullable<Instant>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    course_mappings (id) {
        id -> Guid,
        client_id -> Guid,
        code -> Text,
        training_id -> Guid,
        effective_from -> Day,
        effective_to -> Nullable<Day>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    completions (id) {
        id -> Guid,
        client_id -> Guid,
        external_id -> Text,
        officer_id -> Nullable<Guid>,
        training_id -> Nullable<Guid>,
        parked_reason -> Nullable<Text>,
        completed_on -> Day,
        completed_at -> Nullable<Instant>,
        expires_on -> Nullable<Day>,
        passed -> Bool,
        content -> Doc,
        content_hash -> Text,
        revision -> Integer,
        sender_revision -> Nullable<BigInt>,
        sender_updated_at -> Nullable<Instant>,
        placed_by_hand -> Bool,
        pushed_reach -> Nullable<Doc>,
        revoked_at -> Nullable<Instant>,
        revocation_reason -> Nullable<Text>,
        created_at -> Instant,
        updated_at -> Instant,
        reduced -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    completion_revisions (completion_id, revision) {
        completion_id -> Guid,
        revision -> Integer,
        content -> Doc,
        replaced_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    waiting_keys (wanted, completion_id) {
        wanted -> Text,
        completion_id -> Guid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    partnerships (id) {
        id -> Guid,
        agency_id -> Guid,
        organization_name -> Text,
        organization_kind -> Text,
        agreement -> Text,
        effective_on -> Day,
        ends_on -> Nullable<Day>,
        document_url -> Nullable<Text>,
        document_sha256 -> Nullable<Text>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    policies (id) {
        id -> Guid,
        agency_id -> Guid,
        title -> Text,
        adopted_on -> Day,
        ends_on -> Nullable<Day>,
        document_url -> Nullable<Text>,
        document_sha256 -> Nullable<Text>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    standards (id) {
        id -> Guid,
        code -> Text,
        title -> Text,
        crisis_numerator -> Integer,
        crisis_denominator -> Integer,
        crisis_counts_as_awareness -> Bool,
        lapsed_credit_counts -> Bool,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    pledges (id) {
        id -> Guid,
        agency_id -> Guid,
        standard -> Text,
        pledged_on -> Day,
        term_months -> Integer,
        due_on -> Day,
        extended_to -> Nullable<Day>,
        listed_before_certified -> Bool,
        signatory_name -> Text,
        signatory_title -> Text,
        withdrawn_on -> Nullable<Day>,
        withdrawal_reason -> Nullable<Text>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    pledge_extensions (id) {
        id -> Guid,
        pledge_id -> Guid,
        former_due_on -> Day,
        due_on -> Day,
        reason -> Text,
        client_id -> Guid,
        extended_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    certifications (id) {
        id -> Guid,
        agency_id -> Guid,
        pledge_id -> Guid,
        state -> Text,
        number -> Nullable<Text>,
        applied_on -> Day,
        awarded_on -> Nullable<Day>,
        ended_on -> Nullable<Day>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    certification_steps (certification_id, position) {
        certification_id -> Guid,
        position -> Integer,
        step -> Text,
        note -> Nullable<Text>,
        client_id -> Guid,
        evaluation -> Nullable<Doc>,
        taken_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    certificate_numbers (year) {
        year -> Integer,
        last -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    statements (id) {
        id -> Guid,
        client_id -> Guid,
        statement_id -> Guid,
        stored_at -> Instant,
        sent_at -> Nullable<Instant>,
        content -> Text,
        content_hash -> Text,
        refers_to -> Nullable<Guid>,
        voids -> Bool,
        voided -> Bool,
        completion_id -> Nullable<Guid>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    statement_keys (client_id, lookup, statement_id) {
        client_id -> Guid,
        lookup -> Text,
        statement_id -> Guid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    officer_merges (id) {
        id -> Guid,
        kept_id -> Guid,
        merged_id -> Guid,
        join_id -> Nullable<Guid>,
        reason -> Text,
        moved -> Doc,
        merged_at -> Instant,
        undone_at -> Nullable<Instant>,
        undone_reason -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    coverage_changes (agency_id, day, lane) {
        agency_id -> Guid,
        day -> Day,
        lane -> Integer,
        sworn -> Integer,
        crisis -> Integer,
        awareness -> Integer,
        either -> Integer,
        crisis_ever -> Integer,
        awareness_ever -> Integer,
        either_ever -> Integer,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    agency_versions (agency_id, lane) {
        agency_id -> Guid,
        lane -> Integer,
        version -> BigInt,
    }
}

diesel::table! {
    directory_version (version) {
        version -> BigInt,
    }
}

diesel::joinable!(appointments -> officers (officer_id));
diesel::joinable!(number_spells -> appointments (appointment_id));
diesel::joinable!(officer_join_keys -> officer_joins (join_id));

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Doc, Guid, Instant};

    csv_mappings (id) {
        id -> Guid,
        client_id -> Guid,
        content -> Doc,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Guid, Instant};

    roster_marks (agency_id, mode) {
        agency_id -> Guid,
        mode -> Text,
        as_of -> Day,
        client_id -> Guid,
        applied_at -> Instant,
    }
}

diesel::allow_tables_to_appear_in_same_query! {
    agencies, agency_oris, officers, officer_identifiers, appointments, number_spells, officer_joins, officer_join_keys, officer_merges, trainings,
    course_mappings, csv_mappings, roster_marks, completions, completion_revisions, waiting_keys, partnerships, policies, standards, pledges,
    pledge_extensions, certifications, certification_steps, certificate_numbers, events, agency_standings, webhooks, webhook_deliveries,
    idempotency_keys, clients, client_secrets, client_assertions, grants, audit_log, audit_lanes, statements, statement_keys, coverage_changes,
    agency_versions, imports, import_bodies, import_outcomes, resources, resource_topics, resource_words, assistance_requests, assistance_notes,
}
