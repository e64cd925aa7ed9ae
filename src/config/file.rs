//! The TOML file of settings, read by the parsers of the flags: what a flag refuses, the file is refused, too.

use std::path::Path;

use clap::{Args as _, FromArgMatches as _};

use super::Settings;

/// Reads the settings of a file. A key is the name of a flag with `_` for `-`; a list may be an array.
///
/// # Errors
/// A sentence that names the file, and the key and what is wrong with it.
pub fn read(path: &Path) -> Result<Settings, String> {
    let wrong = |cause: String| format!("{}: {cause}", path.display());
    let text = std::fs::read_to_string(path).map_err(|cause| wrong(cause.to_string()))?;
    let table: toml::Table = toml::from_str(&text).map_err(|cause| wrong(cause.to_string()))?;
    settings(&table).map_err(wrong)
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
