//! What happened, in words that other systems subscribe to.

use super::words::words;

words! {
    /// What happened.
    pub enum EventType else "invalid_event_type" {
        /// An agency was registered or changed.
        AgencyChanged = "agency.changed",
        /// An officer was entered, changed or deleted.
        OfficerChanged = "officer.changed",
        /// Somebody else described a person of the agency by an identifier of theirs.
        OfficerJoined = "officer.joined",
        /// An appointment was made, changed or struck out.
        AppointmentChanged = "appointment.changed",
        /// A roster was taken.
        RosterChanged = "roster.changed",
        /// Completions were pushed and placed.
        CompletionCreated = "completion.created",
        /// Completions came with other content.
        CompletionUpdated = "completion.updated",
        /// Completions wait for their officer or training.
        CompletionParked = "completion.parked",
        /// Completions that were held already were placed, or stand elsewhere.
        CompletionPlaced = "completion.placed",
        /// A completion was taken back.
        CompletionRevoked = "completion.revoked",
        /// A completion that was taken back holds again.
        CompletionReinstated = "completion.reinstated",
        /// A partnership was recorded, changed or deleted.
        PartnershipChanged = "partnership.changed",
        /// A policy was recorded, changed or deleted.
        PolicyChanged = "policy.changed",
        /// A pledge was made.
        PledgeMade = "pledge.made",
        /// A pledge was changed or deleted.
        PledgeChanged = "pledge.changed",
        /// A pledge was extended.
        PledgeExtended = "pledge.extended",
        /// A pledge was withdrawn.
        PledgeWithdrawn = "pledge.withdrawn",
        /// The term of a pledge ends within 90 days.
        PledgeDueSoon = "pledge.due_soon",
        /// The term of a pledge is over.
        PledgeOverdue = "pledge.overdue",
        /// An agency applied.
        CertificationApplied = "certification.applied",
        /// Staff look at an application.
        CertificationInReview = "certification.in_review",
        /// An application went back with questions.
        CertificationReturned = "certification.returned",
        /// An agency answered.
        CertificationResubmitted = "certification.resubmitted",
        /// An agency was certified.
        CertificationAwarded = "certification.awarded",
        /// An application was turned down.
        CertificationDeclined = "certification.declined",
        /// A certification was taken away.
        CertificationRevoked = "certification.revoked",
        /// A requirement is met that was not.
        RequirementMet = "requirement.met",
        /// A requirement is met no longer.
        RequirementLapsed = "requirement.lapsed",
        /// An agency stands elsewhere.
        StatusChanged = "status.changed",
        /// The catalogue of trainings, or what of it counts, was changed.
        TrainingChanged = "training.changed",
        /// What a client's own code means was changed.
        CourseMappingChanged = "course_mapping.changed",
        /// A standard was published, changed or taken out.
        StandardChanged = "standard.changed",
        /// The library was changed.
        ResourceChanged = "resource.changed",
        /// An agency asked for assistance, or was answered.
        AssistanceChanged = "assistance.changed",
        /// A webhook was switched off, since it failed for long.
        WebhookDisabled = "webhook.disabled",
    }
}

/// What an operation, by its id in the document, comes to where it changed something; `None`: nothing that others hear of, or told otherwise.
pub fn of_operation(operation: &str) -> Option<EventType> {
    Some(match operation {
        "create_agency" | "put_agency" | "change_agency" => EventType::AgencyChanged,
        "create_officer"
        | "put_officer"
        | "change_officer"
        | "delete_officer"
        | "pseudonymize_officer"
        | "merge_officers"
        | "undo_officer_merge"
        | "confirm_officer_join"
        | "separate_officer_join" => EventType::OfficerChanged,
        "create_appointment" | "change_appointment" | "delete_appointment" => EventType::AppointmentChanged,
        "put_roster" => EventType::RosterChanged,
        "create_partnership" | "put_partnership" | "change_partnership" | "delete_partnership" => EventType::PartnershipChanged,
        "create_policy" | "put_policy" | "change_policy" | "delete_policy" => EventType::PolicyChanged,
        "create_pledge" => EventType::PledgeMade,
        "put_pledge" | "change_pledge" | "delete_pledge" => EventType::PledgeChanged,
        "extend_pledge" => EventType::PledgeExtended,
        "withdraw_pledge" => EventType::PledgeWithdrawn,
        "create_training" | "replace_training" | "change_training" | "delete_training" | "put_recognition" => EventType::TrainingChanged,
        "create_course_mapping" | "replace_course_mapping" | "change_course_mapping" | "delete_course_mapping" => EventType::CourseMappingChanged,
        "create_standard" | "put_standard" | "change_standard" | "delete_standard" => EventType::StandardChanged,
        "create_resource" | "put_resource" | "change_resource" | "delete_resource" => EventType::ResourceChanged,
        "create_assistance_request" | "add_assistance_note" | "handle_assistance_request" => EventType::AssistanceChanged,
        _ => return None,
    })
}

/// Operations of which others hear by what they do to completions and certifications, and those that are nobody else's business.
pub const TOLD_OTHERWISE: [&str; 32] = [
    "issue_token",
    "create_certification",
    "decide_certification",
    "resubmit_certification",
    "create_client",
    "put_client",
    "change_client",
    "reinstate_client",
    "revoke_client",
    "create_client_secret",
    "delete_client_secret",
    "push_completion",
    "push_completions",
    "place_completion",
    "reinstate_completion",
    "revoke_completion",
    "create_csv_mapping",
    "replace_csv_mapping",
    "delete_csv_mapping",
    "create_grant",
    "delete_grant",
    "change_grant",
    "cancel_import",
    "store_statement",
    "store_statements",
    "create_webhook",
    "change_webhook",
    "delete_webhook",
    "rotate_webhook",
    "enable_webhook",
    "replay_webhook",
    "replay_webhook_delivery",
];
