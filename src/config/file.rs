//! The TOML file of settings, read by the parsers of the flags: what a flag refuses, the file is refused, too.

use std::path::Path;

use clap::{Args as _, FromArgMatches as _};

use super::Settings;
use crate::tokens::OutsideIssuer;

/// Reads the settings of a file. A key is the name of a flag with `_` for `-`; a list may be an array. Outside issuers are tables of
/// their own, `[[issuers]]`.
///
/// # Errors
/// A sentence that names the file, and the key and what is wrong with it.
pub fn read(path: &Path) -> Result<(Settings, Vec<OutsideIssuer>), String> {
    let wrong = |cause: String| format!("{}: {cause}", path.display());
    let text = std::fs::read_to_string(path).map_err(|cause| wrong(cause.to_string()))?;
    let mut table: toml::Table = toml::from_str(&text).map_err(|cause| wrong(cause.to_string()))?;
    let issuers = issuers(&mut table).map_err(wrong)?;
    Ok((settings(&table).map_err(wrong)?, issuers))
}

fn issuers(table: &mut toml::Table) -> Result<Vec<OutsideIssuer>, String> {
    let Some(tables) = table.remove("issuers") else { return Ok(Vec::new()) };
    let issuers: Vec<OutsideIssuer> = tables.try_into().map_err(|cause| format!("issuers: {cause}"))?;
    issuers.iter().try_for_each(OutsideIssuer::check)?;
    Ok(issuers)
}

fn settings(table: &toml::Table) -> Result<Settings, String> {
    let command = Settings::augment_args(clap::Command::new("settings").no_binary_name(true));
    let known: Vec<&str> = command.get_arguments().map(|argument| argument.get_id().as_str()).filter(|id| *id != "config").collect();
    let mut flags = Vec::new();
    for (key, value) in table {
        if !known.contains(&key.as_str()) {
            return Err(format!("`{key}` is not a setting; there are {}", known.join(", ")));
        }
        let text = text_of(value).ok_or_else(|| format!("`{key}` is a string, a number or an array of strings"))?;
        flags.push(format!("--{}={text}", key.replace('_', "-")));
    }
    let matches = command.try_get_matches_from(flags).map_err(|cause| {
        let text = cause.to_string();
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })?;
    Settings::from_arg_matches(&matches).map_err(|cause| cause.to_string())
}

fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
            items.map(|items| items.join(","))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        settings(&toml::from_str(text).unwrap())
    }

    #[test]
    fn a_file_holds_what_flags_say() {
        let settings =
            read("pool_size = 32\nissuer = \"https://one.example\"\nrate_limit_client = \"60:6\"\ntrusted_proxies = [\"10.0.0.0/8\", \"::1/128\"]")
                .unwrap();
        assert_eq!((settings.pool_size, settings.issuer.as_deref()), (Some(32), Some("https://one.example")));
        assert_eq!(settings.rate_limit_client, Some("60:6".parse().unwrap()));
        assert_eq!(settings.trusted_proxies.unwrap().len(), 2);
        assert_eq!(read("").unwrap().pool_size, None);
    }

    #[test]
    fn outside_issuers_are_tables_of_their_own() {
        let of = |text: &str| issuers(&mut toml::from_str(text).unwrap());
        let good = "[[issuers]]\nissuer = \"https://a.example\"\naudience = \"onemind\"\njwks_url = \"https://a.example/keys\"\n\
            client = \"0199c1f0-0000-7000-8000-000000000000\"\n[issuers.scopes]\nReviewer = [\"agencies:read\"]\n";
        let read = of(good).unwrap();
        assert_eq!((read[0].subject_claim.as_str(), read[0].scopes["Reviewer"].as_slice()), ("sub", ["agencies:read".to_owned()].as_slice()));
        assert_eq!(of("pool_size = 8").unwrap(), []);
        assert!(of(&good.replace("https://a.example/keys", "http://a.example/keys")).unwrap_err().contains("https"));
        assert!(of(&good.replace("audience", "audiences")).unwrap_err().contains("audience"));
    }

    #[test]
    fn a_file_is_refused_what_flags_are_refused() {
        for (text, part) in [
            ("pool_size = 0", "1..=500"),
            ("pool_size = 501", "1..=500"),
            ("workers = 513", "1..=512"),
            ("rate_limit_client = \"many\"", "6000:1000"),
            ("trusted_proxies = [\"10.0.0.0/33\"]", "--trusted-proxies"),
            ("listen = \"nowhere\"", "--listen"),
            ("pool_size = true", "`pool_size` is"),
            ("poolsize = 8", "`poolsize` is not a setting"),
            ("config = \"other.toml\"", "`config` is not a setting"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(part), "{text}: {refused}");
        }
    }
}
