//! The folder of a demo: marked as such, so that nothing but a demo's own database is ever deleted.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::commands::Failure;

/// The file that marks a folder as a demo's.
const MARK: &str = "onemind-demo.txt";

const MARK_TEXT: &str = "This folder was made by `onemind demo`, which deletes the database in it (onemind.db) whenever it starts.\n\
    Keep nothing here that you need.\n";

/// What an earlier demo left of its database.
const LEFTOVERS: [&str; 4] = ["onemind.db", "onemind.db-wal", "onemind.db-shm", "onemind.db-journal"];

/// A folder that this demo alone uses, until it is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _locked: File,
}

impl Folder {
    /// Makes the folder, or takes over one that an earlier demo made; marks it, and deletes nothing.
    ///
    /// # Errors
    /// [`Failure::Usage`] where it holds anything and isn't marked, [`Failure::Unreachable`] where another demo uses it or the
    /// system refuses.
    pub fn claim(path: &Path) -> Result<Self, Failure> {
        crate::private::make_folder(path).map_err(at(path))?;
        let mark = path.join(MARK);
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        if !mark.is_file() {
            if fs::read_dir(path).map_err(at(path))?.next().is_some() {
                return Err(Failure::Usage(format!(
                    "{} holds files, and no demo made it: give the demo a folder of its own with --data-dir",
                    path.display()
                )));
            }
            options.create_new(true);
        }
        let mut file = options.open(&mark).map_err(at(&mark))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::Unreachable(format!("another demo is running in {}: give this one --data-dir", path.display())));
            }
            Err(TryLockError::Error(cause)) => return Err(at(&mark)(cause)),
        }
        if file.metadata().map_err(at(&mark))?.len() == 0 {
            file.write_all(MARK_TEXT.as_bytes()).map_err(at(&mark))?;
        }
        Ok(Self { path: path.to_owned(), _locked: file })
    }

    /// Deletes the database of the earlier demo, and nothing else. The signing keys stay: a token in somebody's shell goes on working.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] where the system refuses.
    pub fn clear(&self) -> Result<(), Failure> {
        for name in LEFTOVERS {
            let file = self.path.join(name);
            match fs::remove_file(&file) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(at(&file)(cause)),
                _ => {}
            }
        }
        Ok(())
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let path = path.display().to_string();
    move |cause| Failure::Unreachable(format!("{path}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_an_earlier_demo_left_goes_and_anything_else_stays() {
        let parent = tempfile::TempDir::new().unwrap();
        let path = parent.path().join("new").join("demo");
        drop(Folder::claim(&path).unwrap());
        for name in ["onemind.db", "onemind.db-wal", "notes.txt"] {
            fs::write(path.join(name), "x").unwrap();
        }
        Folder::claim(&path).unwrap().clear().unwrap();
        assert_eq!(names(&path), ["notes.txt", MARK]);
        assert_eq!(fs::read_to_string(path.join(MARK)).unwrap(), MARK_TEXT);
    }

    #[test]
    fn a_folder_that_no_demo_made_is_refused_and_left_as_it_is() {
        let folder = tempfile::TempDir::new().unwrap();
        fs::write(folder.path().join("onemind.db"), "a service's").unwrap();
        assert!(matches!(Folder::claim(folder.path()), Err(Failure::Usage(_))));
        assert_eq!(names(folder.path()), ["onemind.db"]);
        assert_eq!(fs::read_to_string(folder.path().join("onemind.db")).unwrap(), "a service's");
    }

    #[test]
    fn one_demo_at_a_time_uses_a_folder() {
        let folder = tempfile::TempDir::new().unwrap();
        let first = Folder::claim(folder.path()).unwrap();
        assert!(matches!(Folder::claim(folder.path()), Err(Failure::Unreachable(_))));
        drop(first);
        assert!(Folder::claim(folder.path()).is_ok());
    }
}
