//! The files with secrets that a configuration names, and the ones that systemd hands over in their place.
//!
//! In: a configuration, its folder, and where systemd puts credentials. Out: the same configuration, with the path of a credential where
//! there is one: `secrets/token` is the credential `secrets_token`, as `LoadCredential=secrets:FOLDER` names it. Never: a file opened.

use std::path::{Path, PathBuf};

use super::Config;
use crate::{blusky::settings::SignIn, reader::Port};

impl Config {
    /// Takes each secret from the credentials that has one there.
    pub fn take_credentials(&mut self, folder: &Path, credentials: &Path) {
        for file in self.secret_files() {
            let name = file.strip_prefix(folder).ok().and_then(Path::to_str).map(|name| name.replace('/', "_"));
            if let Some(credential) = name.map(|name| credentials.join(name)).filter(|credential| credential.is_file()) {
                *file = credential;
            }
        }
    }

    fn secret_files(&mut self) -> Vec<&mut PathBuf> {
        let mut files = Vec::new();
        if let Some(blusky) = &mut self.blusky {
            files.push(match &mut blusky.sign_in {
                SignIn::TokenFile(file) => file,
                SignIn::Password { password_file, .. } => password_file,
            });
            files.extend(blusky.connecting.proxy_user.as_mut().map(|(_, file)| file));
            files.extend(blusky.connecting.client_cert.as_mut().map(|(_, key)| key));
        }
        files.extend(self.readers.iter_mut().filter_map(|reader| match &mut reader.port {
            Port::Pcsc { keys_file, .. } => keys_file.as_mut(),
            Port::Osdp { scbk_file, .. } => scbk_file.as_mut(),
            _ => None,
        }));
        if let Some(desk) = &mut self.desk {
            files.extend(desk.tls.as_mut().map(|tls| &mut tls.key));
            files.extend(desk.operators.iter_mut().filter_map(|operator| operator.pin_file.as_mut()));
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::protocols::Protocols;

    #[test]
    fn every_secret_is_taken_from_systemd_where_it_hands_one_over() {
        let text = "[blusky]\nbase_url = \"https://b\"\ntoken_file = \"secrets/token\"\nclient_cert_file = \"cert\"\nclient_key_file = \"secrets/key\"\n\
                    proxy = \"http://p\"\nproxy_user = \"u\"\nproxy_password_file = \"secrets/proxy\"\n\
                    [[reader]]\nname = \"a\"\nosdp = \"/dev/ttyS0\"\nscbk_file = \"secrets/door\"\n\
                    [[reader]]\nname = \"b\"\npcsc = \"*\"\nkeys_file = \"secrets/mifare\"\n\
                    [desk]\ntls_cert = \"desk.pem\"\ntls_key = \"secrets/tls\"\n[[operator]]\nname = \"Kim\"\npin_file = \"kim.pin\"\n";
        let mut config = Config::parse("site.toml", text, Path::new("/etc/cardbridge"), &Protocols::built_in()).unwrap();
        let credentials = tempfile::tempdir().unwrap();
        config.take_credentials(Path::new("/etc/cardbridge"), credentials.path());
        assert_eq!(config.secret_files()[0], Path::new("/etc/cardbridge/secrets/token"), "systemd hands nothing over");
        for name in ["secrets_token", "secrets_key", "secrets_proxy", "secrets_door", "secrets_mifare", "secrets_tls", "kim.pin"] {
            fs::write(credentials.path().join(name), "1").unwrap();
        }
        config.take_credentials(Path::new("/etc/cardbridge"), credentials.path());
        let taken: Vec<&Path> = config.secret_files().into_iter().map(|file| file.strip_prefix(credentials.path()).unwrap()).collect();
        let names = ["secrets_token", "secrets_proxy", "secrets_key", "secrets_door", "secrets_mifare", "secrets_tls", "kim.pin"];
        assert_eq!(taken, names.map(Path::new));
    }
}
