//! Tables of who may do what, and who did.

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    idempotency_keys (client_id, idempotency_key) {
        client_id -> Guid,
        idempotency_key -> Text,
        fingerprint -> Text,
        status -> Integer,
        location -> Nullable<Text>,
        outcome -> Nullable<Text>,
        body -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    clients (id) {
        id -> Guid,
        name -> Text,
        kind -> Text,
        scopes -> Doc,
        jwks -> Nullable<Doc>,
        enabled_at -> Instant,
        last_used_at -> Nullable<Instant>,
        revoked_at -> Nullable<Instant>,
        revocation_reason -> Nullable<Text>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    client_secrets (id) {
        id -> Guid,
        client_id -> Guid,
        digest -> Text,
        created_at -> Instant,
        last_used_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    client_assertions (client_id, jti) {
        client_id -> Guid,
        jti -> Text,
        expires_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    grants (id) {
        id -> Guid,
        client_id -> Guid,
        agency_id -> Nullable<Guid>,
        ori -> Nullable<Text>,
        starts_on -> Day,
        ends_on -> Nullable<Day>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    audit_log (id) {
        id -> Guid,
        lane -> Integer,
        sequence -> BigInt,
        at -> Instant,
        client_id -> Nullable<Guid>,
        subject -> Nullable<Text>,
        operation -> Text,
        outcome -> Text,
        status -> Integer,
        resource -> Nullable<Text>,
        resource_id -> Nullable<Text>,
        agency_id -> Nullable<Guid>,
        request_id -> Nullable<Guid>,
        address -> Nullable<Text>,
        fields -> Nullable<Text>,
        detail -> Nullable<Text>,
        ids -> Nullable<Text>,
        key_name -> Text,
        hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Doc, Guid, Instant};

    audit_lanes (lane) {
        lane -> Integer,
        sequence -> BigInt,
        hash -> Binary,
        pruned_sequence -> BigInt,
        pruned_hash -> Binary,
        key_name -> Nullable<Text>,
        seal -> Nullable<Binary>,
    }
}
