//! The tables of imports.

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Doc, Guid, Instant};

    imports (id) {
        id -> Guid,
        client_id -> Guid,
        subject -> Text,
        registered -> Bool,
        agencies -> Nullable<Doc>,
        media_type -> Text,
        layout -> Text,
        minimal -> Bool,
        state -> Text,
        bytes -> BigInt,
        bytes_read -> BigInt,
        summary -> Text,
        outcome_pieces -> Integer,
        problem -> Nullable<Text>,
        attempts -> Integer,
        claim -> Nullable<Guid>,
        claimed_until -> Nullable<Instant>,
        created_at -> Instant,
        updated_at -> Instant,
        started_at -> Nullable<Instant>,
        finished_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::Guid;

    import_bodies (import_id, piece) {
        import_id -> Guid,
        piece -> Integer,
        content -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::Guid;

    import_outcomes (import_id, piece) {
        import_id -> Guid,
        piece -> Integer,
        content -> Text,
    }
}
