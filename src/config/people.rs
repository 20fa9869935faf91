//! `[people]`: where the site's people are listed, in a file, by BluSKY, or in both.

use std::path::{Path, PathBuf};

use crate::{
    access::{Belongs, check::guid},
    blusky::people::ID,
    enroll::people::People,
    file,
    sheet::{At, Keys},
};

/// Where the site's people are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleLists {
    /// The site's own list; only what looks a person up reads it.
    pub file: Option<PathBuf>,
    /// Whose people BluSKY is asked for.
    pub of: Vec<Belongs>,
    /// The site's own path for that; none for the known ones.
    pub path: Option<String>,
}

/// No list of people is larger: some hundred bytes for each of a million.
const LARGEST_LIST: u64 = 256 << 20;

impl PeopleLists {
    /// Reads the site's own list; an empty one where it has none.
    ///
    /// # Errors
    /// In words: it cannot be read, or it has no headings.
    pub fn read(&self) -> Result<People, String> {
        let Some(path) = &self.file else { return Ok(People::default()) };
        let failed = |why: String| format!("the list of people {}: {why}", path.display());
        let bytes = file::read(path, LARGEST_LIST).map_err(|error| failed(error.to_string()))?;
        People::read(&bytes).map_err(|finding| failed(finding.to_string()))
    }
}

pub(super) fn people(mut keys: Keys<'_, '_>, folder: &Path) -> PeopleLists {
    let file = keys.optional_text("file").map(|file| folder.join(&file.value));
    let mut lists = PeopleLists { file, ..PeopleLists::default() };
    if let Some(mut blusky) = keys.table("blusky") {
        lists.path = blusky.optional_text("path").and_then(|path| own_path(&blusky, path));
        for key in ["occupancy", "facility", "vendor"] {
            let belongs = match key {
                "occupancy" => Belongs::Occupancy,
                "facility" => Belongs::Facility,
                _ => Belongs::Vendor,
            };
            for id in blusky.texts(key) {
                match guid(&id.value) {
                    Ok(id) => lists.of.push(belongs(id)),
                    Err(why) => blusky.complain(id.span, format!("`people.blusky.{key}`: {why}")),
                }
            }
        }
        match &lists.path {
            Some(path) if !path.contains(ID) && lists.of.is_empty() => lists.of.push(Belongs::Anywhere),
            Some(path) if !path.contains(ID) => {
                let words = "`people.blusky.path` without {id} lists everybody at once: leave out occupancy, facility and vendor, or write {id} into it";
                blusky.complain(blusky.span(), words.to_owned());
            }
            _ => {}
        }
        blusky.finish();
    }
    if lists.file.is_none() && lists.of.is_empty() {
        let words = "`people` needs `file`, or in `blusky` an occupancy, facility or vendor whose people are listed";
        keys.complain(keys.span(), words.to_owned());
    }
    keys.finish();
    lists
}

/// What follows the base URL, and leads nowhere else.
fn own_path(keys: &Keys<'_, '_>, path: At<String>) -> Option<String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.~/?&=%{}".contains(letter);
    let is_path = path.value.starts_with("api/") && path.value.chars().all(plain) && !path.value.contains("..");
    if !is_path || path.value.replacen(ID, "", 1).contains(['{', '}']) {
        let words = "`people.blusky.path` must be what follows the base URL, such as \"api/v2/Users?OccupancyId={id}\"";
        keys.complain(path.span, words.to_owned());
        return None;
    }
    Some(path.value)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{config::Config, protocols::Protocols};

    fn parsed(text: &str) -> Result<PeopleLists, String> {
        let parsed = Config::parse("site.toml", &format!("[people]\n{text}\n"), Path::new(""), &Protocols::built_in());
        parsed.map(|config| config.people).map_err(|error| error.to_string())
    }

    #[test]
    fn whose_people_blusky_is_asked_for_stands_beside_the_file_or_instead_of_it() {
        let id = "6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d8";
        let of = |text: &str| parsed(text).map(|lists| lists.of);
        let id_of = Uuid::try_parse(id).unwrap();
        assert_eq!(of(&format!("blusky = {{ vendor = [\"{id}\"] }}")).unwrap(), [Belongs::Vendor(id_of)]);
        assert_eq!(of(&format!("file = \"x.csv\"\nblusky = {{ facility = [\"{id}\"] }}")).unwrap(), [Belongs::Facility(id_of)]);
        for (wrong, words) in [
            ("blusky = {}", "needs `file`"),
            ("blusky = { occupancy = [\"00000000-0000-0000-0000-000000000000\"] }", "all-zero"),
            ("blusky = { ocupancy = [] }", "occupancy"),
        ] {
            let why = of(wrong).unwrap_err();
            assert!(why.contains(words), "{wrong}: {why}");
        }
    }

    #[test]
    fn a_site_names_its_own_path_and_it_leads_nowhere_else() {
        let id = "6d1f0a52-9c3e-4b7d-8e21-5f4a7c90b3d8";
        let with = |path: &str| parsed(&format!("blusky = {{ occupancy = [\"{id}\"], path = \"{path}\" }}"));
        assert_eq!(with("api/v3/People?of={id}").unwrap().path.as_deref(), Some("api/v3/People?of={id}"));
        for wrong in
            ["https://elsewhere/{id}", "/api/{id}", "api/../../{id}", "api/{id}#x", "api/{other}", "api/{id}{id}", "api/v2/Users", ""]
        {
            let why = with(wrong).unwrap_err();
            assert!(why.contains("people.blusky.path"), "{wrong}: {why}");
        }
        let alone = parsed("blusky = { path = \"api/v2/Users\" }").unwrap();
        assert_eq!((alone.of, alone.path.as_deref()), (vec![Belongs::Anywhere], Some("api/v2/Users")));
    }
}
