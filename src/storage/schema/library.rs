//! The tables of the library, and of requests for assistance.

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Day, Guid, Instant};

    resources (id) {
        id -> Guid,
        kind -> Text,
        title -> Text,
        summary -> Text,
        link -> Text,
        publisher -> Text,
        published_on -> Day,
        language -> Text,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::Guid;

    resource_topics (topic, resource_id) {
        topic -> Text,
        resource_id -> Guid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::Guid;

    resource_words (word, resource_id) {
        word -> Text,
        resource_id -> Guid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Guid, Instant};

    assistance_requests (id) {
        id -> Guid,
        agency_id -> Guid,
        kind -> Text,
        topic -> Text,
        question -> Text,
        contact_name -> Text,
        contact_email -> Text,
        state -> Text,
        peer_agency_id -> Nullable<Guid>,
        client_id -> Guid,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::storage::types::{Guid, Instant};

    assistance_notes (request_id, position) {
        request_id -> Guid,
        position -> Integer,
        note -> Nullable<Text>,
        state -> Nullable<Text>,
        client_id -> Guid,
        written_at -> Instant,
    }
}
