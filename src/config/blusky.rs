//! `[blusky]`: the way to BluSKY.

use std::{net::IpAddr, path::Path, time::Duration};

use toml_span::value::ValueInner;

use crate::{
    access::{base_url::in_one_form, check::IntegerWidth},
    blusky::{
        answer::SuccessCodes,
        settings::{Connecting, Settings, SignIn},
        wire::{Media, Wire},
    },
    sheet::{At, Keys},
};

pub(super) fn blusky(mut keys: Keys<'_, '_>, folder: &Path) -> (Option<Settings>, IntegerWidth) {
    let insecure = keys.flag("insecure_http").unwrap_or(false);
    let base_url = keys.text("base_url").and_then(|url| base_url(&keys, &url, insecure));
    let sign_in = sign_in(&mut keys, folder);
    let token_header = keys.optional_text("token_header").map_or_else(|| "Authorization".to_owned(), |header| header.value);
    let token_scheme = keys.optional_text("token_scheme").map_or_else(|| "Bearer".to_owned(), |scheme| scheme.value);
    let wire = one_of(&mut keys, "wire", &[("json", Wire::Json), ("xml", Wire::Xml)]);
    let media = one_of(&mut keys, "media", &[("application", Media::Application), ("text", Media::Text)]);
    let width = match keys.number("integer_width", 0, 128) {
        None | Some(At { value: 32, .. }) => IntegerWidth::Bits32,
        Some(At { value: 64, .. }) => IntegerWidth::Bits64,
        Some(At { span, .. }) => {
            keys.complain(span, "`blusky.integer_width` must be 32 or 64".to_owned());
            IntegerWidth::Bits32
        }
    };
    let success_codes = success_codes(&mut keys);
    let timeout = Duration::from_millis(keys.number("timeout_ms", 100_u64, 600_000).map_or(10_000, |millis| millis.value));
    let shows_within = Duration::from_secs(keys.number("shows_within_s", 0_u64, 86_400).map_or(60, |seconds| seconds.value));
    let replace_card_if_exists = keys.flag("replace_card_if_exists").unwrap_or(false);
    let add_user_v2 = one_of(&mut keys, "add_user", &[("v1", false), ("v2", true)]);
    let connecting = connecting(&mut keys, folder);
    keys.finish();
    let settings = base_url.zip(sign_in).map(|(base_url, sign_in)| Settings {
        base_url,
        sign_in,
        token_header,
        token_scheme,
        success_codes,
        timeout,
        shows_within,
        wire,
        media,
        replace_card_if_exists,
        add_user_v2,
        connecting,
    });
    (settings, width)
}

/// One of a few words, the first of which is the default.
fn one_of<T: Copy + Default>(keys: &mut Keys<'_, '_>, key: &'static str, words: &[(&str, T)]) -> T {
    let Some(word) = keys.optional_text(key) else { return T::default() };
    let found = words.iter().find(|(known, _)| *known == word.value).map(|(_, value)| *value);
    found.unwrap_or_else(|| {
        let known: Vec<String> = words.iter().map(|(known, _)| format!("\"{known}\"")).collect();
        keys.complain(word.span, format!("`{}` must be {}", keys.name(key), known.join(" or ")));
        T::default()
    })
}

/// The certificates and the proxy of the site's own network.
fn connecting(keys: &mut Keys<'_, '_>, folder: &Path) -> Connecting {
    let mut path = |key| keys.optional_text(key).map(|file| folder.join(file.value));
    let (ca_file, certificate, key) = (path("ca_file"), path("client_cert_file"), path("client_key_file"));
    if certificate.is_some() != key.is_some() {
        keys.complain(keys.span(), "`blusky.client_cert_file` and `client_key_file` go together; give both or neither".to_owned());
    }
    let proxy = keys.optional_text("proxy").and_then(|proxy| address(keys, proxy));
    let (user, password) = (keys.optional_text("proxy_user"), keys.optional_text("proxy_password_file"));
    if user.is_some() != password.is_some() {
        keys.complain(keys.span(), "`blusky.proxy_user` and `proxy_password_file` go together; give both or neither".to_owned());
    }
    let proxy_user = user.zip(password).map(|(user, password)| (user.value, folder.join(password.value)));
    let connect_timeout = keys.number("connect_timeout_ms", 100_u64, 600_000).map(|millis| Duration::from_millis(millis.value));
    Connecting { ca_file, client_cert: certificate.zip(key), proxy, proxy_user, connect_timeout }
}

/// A proxy's address without a user: a password in it would stand in the configuration.
fn address(keys: &Keys<'_, '_>, proxy: At<String>) -> Option<String> {
    let has_user = reqwest::Url::parse(&proxy.value).is_ok_and(|url| !url.username().is_empty() || url.password().is_some());
    if has_user {
        let words = "`blusky.proxy` must be an address only; its user goes to proxy_user and proxy_password_file";
        keys.complain(proxy.span, words.to_owned());
    }
    (!has_user).then_some(proxy.value)
}

/// `https`, or `http` to this machine; anything else only where the site insists.
fn base_url(keys: &Keys<'_, '_>, url: &At<String>, insecure: bool) -> Option<String> {
    let complain = |message: &str| {
        keys.complain(url.span, format!("`blusky.base_url` {message}"));
        None
    };
    if url.value.contains(char::is_whitespace) {
        return complain("has a blank in it; write it without one, as https://HOST/");
    }
    let Ok(parsed) = reqwest::Url::parse(&url.value) else { return complain("is no URL; write https://HOST/") };
    if !parsed.username().is_empty() || parsed.password().is_some() || parsed.query().is_some() || parsed.fragment().is_some() {
        return complain("must be an address only: no user, password, query or fragment");
    }
    let local = parsed.host_str().is_some_and(|host| {
        host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    match parsed.scheme() {
        "https" => {}
        "http" if local || insecure => {}
        "http" => return complain("must begin with https:// (http would send the token readable; insecure_http = true insists on it)"),
        _ => return complain("must begin with https://"),
    }
    Some(in_one_form(&url.value))
}

fn sign_in(keys: &mut Keys<'_, '_>, folder: &Path) -> Option<SignIn> {
    let path = |file: At<String>| folder.join(file.value);
    let token_file = keys.optional_text("token_file");
    let email = keys.optional_text("email");
    let password_file = keys.optional_text("password_file");
    match (token_file, email, password_file) {
        (Some(file), None, None) => Some(SignIn::TokenFile(path(file))),
        (None, Some(email), Some(file)) => Some(SignIn::Password { email: email.value, password_file: path(file) }),
        _ => {
            keys.complain(keys.span(), "`blusky` needs either `token_file`, or `email` and `password_file`".to_owned());
            None
        }
    }
}

fn success_codes(keys: &mut Keys<'_, '_>) -> SuccessCodes {
    let Some(mut value) = keys.any("success_codes") else { return SuccessCodes::Listed(vec![0]) };
    let span = value.span;
    let listed = match value.take() {
        ValueInner::String(word) if word == "any" => return SuccessCodes::Any,
        ValueInner::Array(items) => items.iter().map(toml_span::Value::as_integer).collect::<Option<Vec<i64>>>(),
        _ => None,
    };
    match listed.filter(|codes| !codes.is_empty()) {
        Some(codes) => SuccessCodes::Listed(codes),
        None => {
            keys.complain(span, "`blusky.success_codes` must be a list of whole numbers such as [0], or \"any\"".to_owned());
            SuccessCodes::Listed(vec![0])
        }
    }
}
