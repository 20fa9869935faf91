//! A log that lost its store.

use super::*;

#[test]
fn a_log_whose_store_is_gone_or_empty_is_kept_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("a.db"), folder.path().join("b.db"));
    fs::write(&path, "").unwrap();
    let mut store = open(&path);
    store.save(&store_entry(), Terms::default()).unwrap();
    let log = fs::read(log::of(&path)).unwrap();
    assert!(!log.is_empty());
    fs::write(log::of(&other), &log).unwrap();
    fs::write(&other, "").unwrap();
    let opened = Database::open(&other, BLUSKY, Sealer::new(other.with_extension("key"), None, FILES));
    assert!(matches!(&opened, Err(StoreError::LogAlone(path)) if *path == other.display().to_string()), "{:?}", opened.err());
    assert_eq!(fs::read(log::of(&other)).unwrap(), log);
}
