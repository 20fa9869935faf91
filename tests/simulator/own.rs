//! Who may change something by the simulator's own calls.

use cardbridge::simulator::Options;
use reqwest::StatusCode;
use serde_json::Value;

use crate::blusky::{ADA, card, start};

#[tokio::test]
async fn a_card_is_taken_away_only_by_who_shows_the_token_and_comes_from_no_other_site() {
    let blusky = start(Options::default()).await;
    blusky.accepts(&card(ADA, 1)).await;
    let card_id = blusky.cards_of(ADA).await[0]["CardId"].as_str().unwrap().to_owned();
    let url = format!("{}/simulator/cards/{card_id}/unassign", blusky.base);
    let address = blusky.base.trim_start_matches("http://");
    let port = address.rsplit_once(':').unwrap().1;
    let (localhost, other_port) = (format!("localhost:{port}"), "127.0.0.1:1".to_owned());
    let send = async |host: &str, origin: Option<&str>, token: Option<&str>| {
        let mut request = blusky.client.post(&url).header("Host", host);
        for (name, value) in [("Origin", origin), ("Authorization", token)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        request.send().await.unwrap()
    };
    let token = Some("Bearer simulator");
    assert_eq!(send(address, None, None).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(send(address, None, Some("Bearer other")).await.status(), StatusCode::UNAUTHORIZED);
    for host in ["evil.example", "127.0.0.1", &format!("evil.example:{port}"), &other_port, &format!("localhost.evil.example:{port}")] {
        assert_eq!(send(host, None, token).await.status(), StatusCode::FORBIDDEN, "{host}");
    }
    for origin in ["null", "http://evil.example", &format!("https://{address}"), &format!("http://{other_port}")] {
        assert_eq!(send(address, Some(origin), token).await.status(), StatusCode::FORBIDDEN, "{origin}");
    }
    assert_eq!(blusky.cards_of(ADA).await.len(), 1);
    let done = send(&localhost, Some(&format!("http://{address}")), token).await;
    assert_eq!(done.json::<Value>().await.unwrap()["unassigned"], true);
}

#[tokio::test]
async fn no_page_of_another_site_changes_anything_by_the_calls_of_the_api_either() {
    let blusky = start(Options::default()).await;
    let address = blusky.base.trim_start_matches("http://").to_owned();
    let send = async |name: &str, value: &str| {
        let request = blusky.client.post(blusky.add_url(ADA)).header(name, value).header("Authorization", "Bearer simulator");
        request.json(&card(ADA, 1)).send().await.unwrap().status()
    };
    for (name, value) in [("Origin", "http://evil.example"), ("Origin", "null"), ("Host", "evil.example"), ("Host", "evil.example:80")] {
        assert_eq!(send(name, value).await, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert_eq!(blusky.cards_of(ADA).await.len(), 0);
    assert_eq!(send("Origin", &format!("http://{address}")).await, StatusCode::OK);
}
