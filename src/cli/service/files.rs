//! The files of the service, as they lie in `packaging/`.
//!
//! In: where the program lies, and where the kiosk's page is. Out: each file's place and text. Never: a file read or written.

use std::path::Path;

/// The only folder that the station may write to, beside that of an anchor.
pub const STATE: &str = "/var/lib/cardbridge";
/// Where the package has the program, as the units name it.
pub const PROGRAM: &str = "usr/bin/cardbridge";
/// The units, by their names.
pub const STATION: &str = "cardbridge.service";
/// The kiosk's screen.
pub const KIOSK: &str = "cardbridge-kiosk.service";

/// The kiosk's page and the station's store, as the files name them.
const PAGE: &str = "http://127.0.0.1:8920/";
const STORE: &str = "/var/lib/cardbridge/cardbridge.db";

/// One file. The paths start from the root folder.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Its place.
    pub path: &'static str,
    /// Where Debian's package has it; none where the package has none.
    pub packaged: Option<&'static str>,
    /// What stands in it.
    pub text: String,
}

/// What the files say that is this machine's own.
#[derive(Debug)]
pub struct Own<'o> {
    /// The program.
    pub program: &'o str,
    /// The folder with the site's own protocol files, if it has one.
    pub protocols: Option<&'o Path>,
    /// The store's anchor, where it is kept in another folder than the store's.
    pub anchor: Option<&'o Path>,
    /// What the kiosk's browser shows; none where there is no kiosk.
    pub screen: Option<Screen>,
}

/// What the kiosk's browser shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// The address of the page.
    pub page: String,
    /// The store, beside which lies what the browser begins with.
    pub store: String,
}

/// The files of the station, and of the kiosk where there is one.
pub fn all(own: &Own<'_>) -> Vec<File> {
    let mut files = vec![
        file(
            "etc/sysusers.d/cardbridge.conf",
            Some("usr/lib/sysusers.d/cardbridge.conf"),
            include_str!("../../../packaging/cardbridge.sysusers"),
        ),
        file(
            "etc/tmpfiles.d/cardbridge.conf",
            Some("usr/lib/tmpfiles.d/cardbridge.conf"),
            include_str!("../../../packaging/cardbridge.tmpfiles"),
        ),
        file(
            "etc/udev/rules.d/70-cardbridge.rules",
            Some("lib/udev/rules.d/70-cardbridge.rules"),
            include_str!("../../../packaging/cardbridge.udev"),
        ),
        file(
            "etc/systemd/system/cardbridge.service",
            Some("lib/systemd/system/cardbridge.service"),
            include_str!("../../../packaging/cardbridge.service"),
        ),
    ];
    files.extend(own.anchor.and_then(Path::parent).map(anchor));
    if let Some(screen) = &own.screen {
        files.extend([
            file("etc/chromium/policies/managed/cardbridge-kiosk.json", None, include_str!("../../../packaging/cardbridge-kiosk.json")),
            file(
                "etc/systemd/system/cardbridge-kiosk.service",
                Some("lib/systemd/system/cardbridge-kiosk.service"),
                include_str!("../../../packaging/cardbridge-kiosk.service"),
            ),
            file(
                "etc/systemd/system/cardbridge-kiosk-lost.path",
                Some("lib/systemd/system/cardbridge-kiosk-lost.path"),
                include_str!("../../../packaging/cardbridge-kiosk-lost.path"),
            ),
            file(
                "etc/systemd/system/cardbridge-kiosk-lost.service",
                Some("lib/systemd/system/cardbridge-kiosk-lost.service"),
                include_str!("../../../packaging/cardbridge-kiosk-lost.service"),
            ),
        ]);
        files.iter_mut().for_each(|file| file.text = file.text.replace(PAGE, &screen.page).replace(STORE, &screen.store));
    }
    let protocols = own.protocols.map(|folder| format!(" --protocols {}", folder.display())).unwrap_or_default();
    let start = format!("ExecStart=/{} run{protocols}", own.program);
    files.iter_mut().for_each(|file| file.text = file.text.replace("ExecStart=/usr/bin/cardbridge run", &start));
    files
}

/// Lets the station write its anchor into this folder.
fn anchor(folder: &Path) -> File {
    let text = format!(
        "# The store's anchor is kept in another folder than the store: the unit lets the station write there, and the folder has to let\n\
         # the user cardbridge (chown cardbridge).\n[Service]\nReadWritePaths=\"-{}\"\n",
        folder.display().to_string().replace('%', "%%")
    );
    File { path: "etc/systemd/system/cardbridge.service.d/anchor.conf", packaged: None, text }
}

fn file(path: &'static str, packaged: Option<&'static str>, text: &str) -> File {
    File { path, packaged, text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_start_the_program_that_installed_them_and_show_the_page_where_it_is() {
        let own = Own {
            program: "usr/local/bin/cardbridge",
            protocols: Some(Path::new("/etc/cardbridge/own")),
            anchor: None,
            screen: Some(Screen { page: "https://desk:1/".to_owned(), store: "/var/lib/cardbridge/own.db".to_owned() }),
        };
        let files = all(&own);
        let text = |path: &str| &*files.iter().find(|file| file.path == path).unwrap().text;
        let (station, screen) = (text("etc/systemd/system/cardbridge.service"), text("etc/systemd/system/cardbridge-kiosk.service"));
        assert!(
            station.contains("\nExecStart=/usr/local/bin/cardbridge run --protocols /etc/cardbridge/own --config /etc/cardbridge/"),
            "{station}"
        );
        assert!(screen.contains("LoadCredential=start.html:/var/lib/cardbridge/own.db.kiosk.html\n"), "{screen}");
        assert!(text("etc/systemd/system/cardbridge-kiosk-lost.path").contains("PathExists=/var/lib/cardbridge/own.db.kiosk.lost\n"));
        assert!(text("etc/systemd/system/cardbridge-kiosk-lost.service").contains("/var/lib/cardbridge/own.db.kiosk.lost\n"));
        assert!(text("etc/chromium/policies/managed/cardbridge-kiosk.json").contains("\"https://desk:1/kiosk\""));
        let plain = all(&Own { program: PROGRAM, protocols: None, anchor: None, screen: None });
        assert_eq!(plain.last().unwrap().text, include_str!("../../../packaging/cardbridge.service"));
        assert!(plain.iter().all(|file| !file.text.contains("kiosk.service")));
    }
}
