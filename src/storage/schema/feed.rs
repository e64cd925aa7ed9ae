//! What is told to others: events, and where agencies stood when they were last told of.

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Doc, Guid, Instant};

    events (id) {
        id -> Guid,
        position -> Nullable<BigInt>,
        kind -> Text,
        agency_id -> Nullable<Guid>,
        client_id -> Nullable<Guid>,
        data -> Doc,
        occurred_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid};

    agency_standings (agency_id) {
        agency_id -> Guid,
        version -> BigInt,
        standards -> BigInt,
        on_day -> Day,
        standing -> Doc,
        changes_on -> Nullable<Day>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Doc, Guid, Instant};

    webhooks (id) {
        id -> Guid,
        client_id -> Guid,
        granted -> Nullable<Doc>,
        url -> Text,
        event_types -> Nullable<Doc>,
        agencies -> Nullable<Doc>,
        state -> Text,
        secret_version -> Integer,
        former_secret_until -> Nullable<Instant>,
        position -> BigInt,
        failing_since -> Nullable<Instant>,
        disabled_at -> Nullable<Instant>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Doc, Guid, Instant};

    webhook_deliveries (id) {
        id -> Guid,
        webhook_id -> Guid,
        event_id -> Guid,
        position -> BigInt,
        line -> Guid,
        state -> Text,
        attempts -> Integer,
        due_at -> Instant,
        claimed_until -> Nullable<Instant>,
        log -> Doc,
        created_at -> Instant,
        updated_at -> Instant,
    }
}
