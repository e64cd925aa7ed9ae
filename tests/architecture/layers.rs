//! The layer rule: main -> app -> http -> service -> storage -> domain, and which crates each layer may name.

use std::path::{Component, Path};

use crate::paths::{self, Named};

/// What the sources under `src/<name>` must not name.
pub struct Layer {
    /// The folder, or file, directly under `src`.
    pub name: &'static str,
    crates: Crates,
    modules: Modules,
}

enum Modules {
    /// Every module of this package but its own.
    AllOthers,
    /// These, from the package's root.
    These(&'static [&'static [&'static str]]),
}

enum Crates {
    /// Every dependency of the package but these.
    AllBut(&'static [&'static str]),
    /// These, and those whose names begin so: `actix` stands for `actix_web` too.
    Families(&'static [&'static str]),
}

/// From the innermost outwards; then the documents and the statements of xAPI, which know of the domain alone; and the importer, a client of the HTTP interface that shares only the domain's words.
pub const LAYERS: [Layer; 7] = [
    Layer { name: "domain", crates: Crates::AllBut(&["jiff", "serde", "thiserror", "unicode_normalization", "uuid"]), modules: Modules::AllOthers },
    Layer {
        name: "storage",
        crates: Crates::Families(&["actix", "tracing_actix", "utoipa"]),
        modules: Modules::These(&[&["app"], &["commands"], &["http"], &["service"]]),
    },
    Layer {
        name: "service",
        crates: Crates::Families(&["actix", "tracing_actix", "utoipa"]),
        modules: Modules::These(&[&["app"], &["commands"], &["http"]]),
    },
    Layer {
        name: "http",
        crates: Crates::Families(&["diesel", "libsqlite3", "pq_sys"]),
        modules: Modules::These(&[&["commands"], &["storage", "schema"]]),
    },
    Layer {
        name: "documents",
        crates: Crates::Families(&["actix", "diesel", "reqwest", "tracing_actix", "utoipa"]),
        modules: Modules::These(&[&["app"], &["commands"], &["config"], &["http"], &["import"], &["service"], &["storage"], &["tokens"], &["xapi"]]),
    },
    Layer {
        name: "xapi",
        crates: Crates::Families(&["actix", "diesel", "tracing_actix", "utoipa"]),
        modules: Modules::These(&[&["app"], &["commands"], &["http"], &["import"], &["service"], &["storage"], &["tokens"]]),
    },
    Layer {
        name: "import",
        crates: Crates::Families(&["actix", "diesel", "tracing_actix", "utoipa"]),
        modules: Modules::These(&[&["app"], &["http"], &["service"], &["storage"], &["tokens"]]),
    },
];

impl Layer {
    /// The paths in a source of this layer that it must not name. `file` is relative to `src`; `dependencies` are the package's,
    /// as Rust writes them.
    pub fn faults(&self, file: &Path, source: &str, dependencies: &[String]) -> Vec<Named> {
        let module = module_of(file);
        paths::named(source)
            .into_iter()
            .filter(|path| self.forbids_module(&from_root(&module, path)) || self.forbids_crate(path, dependencies))
            .collect()
    }

    fn forbids_module(&self, from_root: &[String]) -> bool {
        match &self.modules {
            Modules::AllOthers => from_root.first().is_some_and(|module| module != self.name),
            Modules::These(modules) => modules.iter().any(|module| from_root.iter().zip(*module).filter(|(a, b)| a == b).count() == module.len()),
        }
    }

    fn forbids_crate(&self, path: &Named, dependencies: &[String]) -> bool {
        let name = &path.segments[0];
        let named = path.segments.len() > 1 || path.names_crate;
        named
            && match &self.crates {
                Crates::AllBut(allowed) => dependencies.contains(name) && !allowed.contains(&name.as_str()),
                Crates::Families(families) => {
                    families.iter().any(|family| name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('_')))
                }
            }
    }
}

/// `http/agencies/create.rs` is the module `http::agencies::create`.
fn module_of(file: &Path) -> Vec<String> {
    let without_extension = file.with_extension("");
    let mut module: Vec<String> = without_extension
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        })
        .collect();
    if module.last().is_some_and(|name| name == "mod") {
        module.pop();
    }
    module
}

/// The path from the package's root, where it begins with `crate` or `super`; nothing for one that begins elsewhere.
fn from_root(module: &[String], path: &Named) -> Vec<String> {
    let supers = path.segments.iter().take_while(|segment| *segment == "super").count();
    if path.segments[0] == "crate" {
        path.segments[1..].to_vec()
    } else if supers > 0 {
        let module = [module, &path.modules].concat();
        [&module[..module.len().saturating_sub(supers)], &path.segments[supers..]].concat()
    } else {
        Vec::new()
    }
}
