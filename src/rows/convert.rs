//! From the text of a cell to the value of a field.

use serde_json::{Number, Value};

use crate::domain::appointment::Employment;
use crate::domain::csv_mapping::DateFormat;

use super::{dates, fields::Form, kinds, places};

/// What a value needs to know of its row.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// The name of the agency.
    pub name: Option<&'a str>,
    /// The country, as written.
    pub country: Option<&'a str>,
    /// The subdivision, as written.
    pub subdivision: Option<&'a str>,
    /// How dates are written.
    pub dates: DateFormat,
}

/// Why a value wasn't understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// A stable word, as the service uses them.
    pub code: &'static str,
    /// For the person who corrects the file.
    pub detail: String,
}

/// Reads a text that is trimmed and not blank.
///
/// # Errors
/// Why it isn't understood.
pub fn convert(form: Form, text: &str, context: Context<'_>) -> Result<Value, Misfit> {
    let refuse = |code| move |detail| Misfit { code, detail };
    match form {
        Form::Text => Ok(text.into()),
        Form::Ori => Ok(text.to_ascii_uppercase().into()),
        Form::Oris => Ok(oris(text)),
        Form::Agency => Ok(agency(text).into()),
        Form::AgencyKind => kinds::parse(text, context.name.unwrap_or(""), context.subdivision.unwrap_or(""))
            .map(|kind| kind.as_str().into())
            .map_err(refuse("unknown_kind")),
        Form::Country => places::country(text).map(Value::from).map_err(refuse("unknown_country")),
        Form::Subdivision => places::subdivision(text, context.country).map(Value::from).map_err(refuse("unknown_subdivision")),
        Form::Date => dates::parse(text, context.dates).map(|moment| moment.date.to_string().into()),
        Form::DateOrInstant => dates::parse(text, context.dates).map(|moment| match moment.instant() {
            Some(instant) => instant.into(),
            None => moment.date.to_string().into(),
        }),
        Form::Instant => instant(text, context.dates),
        Form::Boolean => boolean(text).map_err(refuse("not_yes_or_no")),
        Form::Count => count(text).map_err(refuse("not_a_count")),
        Form::Number => number(text).map_err(refuse("not_a_number")),
        Form::Employment => employment(text).map_err(refuse("unknown_employment")),
    }
}

/// `ori:ILCPD0000` from itself or from the bare ORI; anything else as it stands.
pub fn agency(text: &str) -> String {
    let bare = match text.split_at_checked(4) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("ori:") => Some(rest),
        _ if matches!(text.len(), 7 | 9) && text.bytes().all(|b| b.is_ascii_alphanumeric()) => Some(text),
        _ => None,
    };
    match bare {
        Some(ori) => format!("ori:{}", ori.trim().to_ascii_uppercase()),
        None => text.to_owned(),
    }
}

fn oris(text: &str) -> Value {
    let codes = text.split([' ', ',', ';']).filter(|code| !code.is_empty());
    codes.map(str::to_ascii_uppercase).collect()
}

fn instant(text: &str, format: DateFormat) -> Result<Value, Misfit> {
    let moment = dates::parse(text, format)?;
    let whole = moment.instant();
    let lacking = || Misfit { code: "not_an_instant", detail: format!("\"{text}\" lacks a time with an offset, such as 2004-10-29T16:00:00-06:00") };
    whole.map(Value::from).ok_or_else(lacking)
}

fn boolean(text: &str) -> Result<Value, String> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "true" | "t" | "1" => Ok(true.into()),
        "n" | "no" | "false" | "f" | "0" => Ok(false.into()),
        _ => Err(format!("\"{text}\" is neither Y nor N")),
    }
}

fn count(text: &str) -> Result<Value, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u64>() {
        Ok(number) if digits => Ok(number.into()),
        _ => Err(format!("\"{text}\" is not a whole number written in digits alone")),
    }
}

fn number(text: &str) -> Result<Value, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let refusal = || format!("\"{text}\" is not a number written as 40 or 7.5");
    if !plain {
        return Err(refusal());
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(whole.into());
    }
    let read: f64 = text.parse().map_err(|_| refusal())?;
    Number::from_f64(read).map(Value::Number).ok_or_else(refusal)
}

fn employment(text: &str) -> Result<Value, String> {
    let letters: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let read = match letters.as_str() {
        "fulltime" | "full" | "ft" => Employment::FullTime,
        "parttime" | "part" | "pt" => Employment::PartTime,
        "reserve" | "reserves" => Employment::Reserve,
        _ => return Err(format!("\"{text}\" is none of full_time, part_time, reserve")),
    };
    Ok(read.as_str().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const FORMS: [Form; 14] = [
        Form::Text,
        Form::Ori,
        Form::Oris,
        Form::Agency,
        Form::AgencyKind,
        Form::Country,
        Form::Subdivision,
        Form::Date,
        Form::DateOrInstant,
        Form::Instant,
        Form::Boolean,
        Form::Count,
        Form::Number,
        Form::Employment,
    ];

    #[rstest]
    #[case(Form::Boolean, "Y", json!(true))]
    #[case(Form::Boolean, "no", json!(false))]
    #[case(Form::Boolean, "TRUE", json!(true))]
    #[case(Form::Boolean, "0", json!(false))]
    #[case(Form::Count, "198", json!(198))]
    #[case(Form::Count, "007", json!(7))]
    #[case(Form::Number, "40", json!(40))]
    #[case(Form::Number, "7.5", json!(7.5))]
    #[case(Form::Number, "-3", json!(-3))]
    #[case(Form::Date, "2004-10-29 16:00", json!("2004-10-29"))]
    #[case(Form::Date, "2004-10-29T23:30:00-06:00", json!("2004-10-29"))]
    #[case(Form::DateOrInstant, "2004-10-29 16:00", json!("2004-10-29"))]
    #[case(Form::DateOrInstant, "2004-10-29T23:30:00-06:00", json!("2004-10-29T23:30:00-06:00"))]
    #[case(Form::Instant, "2004-10-29 23:30Z", json!("2004-10-29T23:30:00Z"))]
    #[case(Form::Employment, "Full-Time", json!("full_time"))]
    #[case(Form::Employment, "PT", json!("part_time"))]
    #[case(Form::Ori, "tx2270000", json!("TX2270000"))]
    #[case(Form::Oris, "tx2270000; TX2270001,TX2270002", json!(["TX2270000", "TX2270001", "TX2270002"]))]
    #[case(Form::Agency, "ilcpd0000", json!("ori:ILCPD0000"))]
    #[case(Form::Agency, "ORI:ilcpd0000", json!("ori:ILCPD0000"))]
    #[case(Form::Agency, "0199b1c0-0000-7000-8000-000000000000", json!("0199b1c0-0000-7000-8000-000000000000"))]
    #[case(Form::Text, "Y", json!("Y"))]
    fn values_are_understood(#[case] form: Form, #[case] text: &str, #[case] value: Value) {
        assert_eq!(convert(form, text, Context::default()), Ok(value));
    }

    #[rstest]
    #[case(Form::Boolean, "maybe", "not_yes_or_no")]
    #[case(Form::Boolean, "2", "not_yes_or_no")]
    #[case(Form::Count, "1,234", "not_a_count")]
    #[case(Form::Count, "12.0", "not_a_count")]
    #[case(Form::Count, "-1", "not_a_count")]
    #[case(Form::Count, "+1", "not_a_count")]
    #[case(Form::Number, "1,5", "not_a_number")]
    #[case(Form::Number, "NaN", "not_a_number")]
    #[case(Form::Number, "1e999", "not_a_number")]
    #[case(Form::Number, "40 h", "not_a_number")]
    #[case(Form::Date, "2020", "not_a_date")]
    #[case(Form::Instant, "2004-10-29 16:00", "not_an_instant")]
    #[case(Form::Employment, "contractor", "unknown_employment")]
    #[case(Form::Subdivision, "TX", "unknown_subdivision")]
    #[case(Form::AgencyKind, "Bureau", "unknown_kind")]
    fn what_is_not_understood_is_named(#[case] form: Form, #[case] text: &str, #[case] code: &str) {
        let misfit = convert(form, text, Context::default()).unwrap_err();
        assert_eq!(misfit.code, code);
        assert!(misfit.detail.contains(text), "{}", misfit.detail);
    }

    proptest! {
        #[test]
        fn no_text_breaks_any_form(text in "\\PC{1,30}") {
            for form in FORMS {
                let _ = convert(form, &text, Context::default());
            }
        }

        #[test]
        fn what_was_read_reads_the_same_again(
            form in prop::sample::select(FORMS.to_vec()),
            text in "[A-Za-z]{1,9}|[0-9]{1,6}|[12][0-9]{3}-[01][0-9]-[0-3][0-9]( [0-2][0-9]:[0-5][0-9]Z?)?",
        ) {
            let context = Context { name: Some("Nowhere Police"), country: Some("US"), subdivision: Some("TX"), dates: DateFormat::Iso };
            if let Ok(value) = convert(form, &text, context) {
                let again = match &value {
                    Value::String(text) => text.clone(),
                    Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
                    other => other.to_string(),
                };
                prop_assert_eq!(convert(form, &again, context), Ok(value));
            }
        }
    }
}
