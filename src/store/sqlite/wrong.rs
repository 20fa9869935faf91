//! What SQLite says, in words that help.
//!
//! In: an error of a transaction, SQLite's or the store's own. Out: the store's. Never: what stands in a row.

use rusqlite::ErrorCode;

use crate::store::StoreError;

/// What goes wrong in a transaction.
pub(super) enum Wrong {
    Sql(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Wrong {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Wrong {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Wrong {
    /// The same for whoever asked.
    pub(super) fn explained(self, path: &str) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => StoreError::Conflict,
            Self::Sql(error) => explain(path, &error),
        }
    }
}

/// SQLite's error at this path.
pub(super) fn explain(path: &str, error: &rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    if error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE) {
        return StoreError::Full(path);
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked(path),
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly(path),
        Some(ErrorCode::DiskFull) => StoreError::Full(path),
        Some(ErrorCode::NotADatabase) => StoreError::Foreign(path),
        // What is asked never changes: a table or column that is not there was lost.
        Some(ErrorCode::Unknown) => StoreError::Damaged(format!("the list of tables of its file {path}")),
        None if matches!(error, rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::SqlInputError { .. }) => {
            StoreError::Damaged(format!("a row of its file {path}"))
        }
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged(format!("its file {path}")),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => StoreError::ReadOnly(path),
        _ => StoreError::Failed { path, why: error.to_string() },
    }
}
