//! `[blusky]`: the way to BluSKY.

use std::{net::IpAddr, path::Path, time::Duration};

use toml_span::value::ValueInner;

use crate::{
    blusky::{
        answer::SuccessCodes,
        client::{Settings, SignIn},
    },
    enroll::enrollment::IntegerWidth,
    sheet::{At, Keys},
};

pub(super) fn blusky(mut keys: Keys<'_, '_>, folder: &Path) -> (Option<Settings>, IntegerWidth) {
    let insecure = keys.flag("insecure_http").unwrap_or(false);
    let base_url = keys.text("base_url").and_then(|url| base_url(&keys, &url, insecure));
    let sign_in = sign_in(&mut keys, folder);
    let token_header = keys.optional_text("token_header").map_or_else(|| "Authorization".to_owned(), |header| header.value);
    let token_scheme = keys.optional_text("token_scheme").map_or_else(|| "Bearer".to_owned(), |scheme| scheme.value);
    if let Some(wire) = keys.optional_text("wire").filter(|wire| wire.value != "json") {
        keys.complain(wire.span, "`blusky.wire` must be \"json\"; this version does not write XML yet".to_owned());
    }
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
    keys.finish();
    let settings =
        base_url.zip(sign_in).map(|(base_url, sign_in)| Settings { base_url, sign_in, token_header, token_scheme, success_codes, timeout });
    (settings, width)
}

/// `https`, or `http` to this machine; anything else only where the site insists.
fn base_url(keys: &Keys<'_, '_>, url: &At<String>, insecure: bool) -> Option<String> {
    let complain = |message: &str| {
        keys.complain(url.span, format!("`blusky.base_url` {message}"));
        None
    };
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
    Some(url.value.trim_end_matches('/').to_owned())
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
