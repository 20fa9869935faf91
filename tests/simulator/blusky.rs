//! A simulated BluSKY on a port of its own, and whoever talks to it.

use std::{path::PathBuf, time::Duration};

use cardbridge::simulator::{Options, Simulator};
use quick_xml::{escape::resolve_predefined_entity, events::Event};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

pub const ADA: &str = "0f83442e-a446-4577-8cdd-8ffdd51ab9c1";
pub const BOB: &str = "8991f3ac-26cd-4c60-9a78-ecca8f441631";
pub const SYSTEM: &str = "309fbabb-0642-44e1-b262-67442dc491ed";
pub const OTHER_SYSTEM: &str = "5323dbb1-33ea-4c59-83db-52c5618c1f60";
pub const API_WEB_ROLE: &str = "http://schemas.datacontract.org/2004/07/APIWebRole.Controllers";
pub const BLUSKY_WEB_API: &str = "http://schemas.datacontract.org/2004/07/BluSKYWebAPI.Controllers";
pub const NIL: &str = "00000000-0000-0000-0000-000000000000";

pub struct Blusky {
    pub base: String,
    pub client: Client,
    server: Option<JoinHandle<()>>,
}

pub async fn start(options: Options) -> Blusky {
    rustls::crypto::ring::default_provider().install_default().ok();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let simulator = Simulator::open(options).unwrap();
    let server = tokio::spawn(async move { simulator.serve(listener).await.unwrap() });
    Blusky { base, client: Client::builder().no_proxy().build().unwrap(), server: Some(server) }
}

impl Blusky {
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).header("Authorization", "Bearer simulator")
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let request = self.request(method, path);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        request.send().await.unwrap()
    }

    pub async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let answer = self.call(method, path, body).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["x-cardbridge-simulator"], "1");
        answer.json().await.unwrap()
    }

    pub fn add_url(&self, user: &str) -> String {
        format!("{}/api/v1/Users/{user}/UserCards", self.base)
    }

    pub async fn post(&self, body: &Value) -> Response {
        self.call(Method::POST, &format!("/api/v1/Users/{}/UserCards", body["UserId"].as_str().unwrap()), Some(body)).await
    }

    pub async fn add(&self, body: &Value) -> Value {
        let answer = self.post(body).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    /// Sends XML, and answers the XML that comes back.
    pub async fn xml(&self, method: Method, path: &str, body: &str) -> String {
        let request = self.request(method, path).header("Content-Type", "application/xml").header("Accept", "application/xml");
        let answer = request.body(body.to_owned()).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/xml; charset=utf-8");
        answer.text().await.unwrap()
    }

    /// The key of the UserCard.
    pub async fn accepts(&self, body: &Value) -> Value {
        let answer = self.add(body).await;
        assert_eq!(answer["ResultCode"], 0, "{answer}");
        answer["Value"].clone()
    }

    pub async fn refuses(&self, body: &Value, code: i64, words: &str) {
        assert_eq!(self.add(body).await, json!({"Value": NIL, "ResultCode": code, "Description": words}));
    }

    pub async fn cards_of(&self, user: &str) -> Vec<Value> {
        let path = format!("/api/v1/Users/UserCards?UserId={user}&IncludeDeleted=False&FacilityCode=-1");
        self.json(Method::GET, &path, None).await["Cards"].as_array().unwrap().clone()
    }

    pub async fn overview(&self) -> Value {
        self.client.get(format!("{}/simulator", self.base)).send().await.unwrap().json().await.unwrap()
    }

    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            server.await.ok();
        }
    }
}

impl Drop for Blusky {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }
}

pub fn card(user: &str, number: i64) -> Value {
    json!({"UserId": user, "CardType": 3, "CardACSystemId": SYSTEM, "InternalCardNumber": number,
        "ExternalCardNumber": format!("E{number}"), "FacilityCode": 123, "CardUserFlags": 1})
}

pub fn with(mut body: Value, change: Value) -> Value {
    merge(&mut body, change);
    body
}

pub fn merge(body: &mut Value, change: Value) {
    let Value::Object(change) = change else { panic!("a change is an object") };
    body.as_object_mut().unwrap().extend(change);
}

/// A body in XML, its elements in this order.
pub fn xml(root: &str, namespace: &str, members: &[(&str, &str)]) -> String {
    let inner: String = members.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
    format!("<{root} xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns=\"{namespace}\">{inner}</{root}>")
}

pub fn with_faults(options: Options, faults: &[&str]) -> Options {
    Options { faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(), ..options }
}

pub struct People {
    pub path: PathBuf,
    _dir: tempfile::TempDir,
}

pub fn people(rows: &str) -> People {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("people.csv");
    std::fs::write(&path, format!("\u{feff}user_id,first_name,last_name,employee_number\r\n{rows}\r\n")).unwrap();
    People { path, _dir: dir }
}

pub async fn until(mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..1200 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("waited half a minute in vain");
}

/// The name of a document's root, and the texts of its elements of this name; none for what is no XML.
pub fn texts(document: &str, name: &str) -> Option<(String, Vec<String>)> {
    let mut reader = quick_xml::Reader::from_str(document);
    let (mut open, mut root, mut texts) = (Vec::new(), None, Vec::new());
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                open.push(start.local_name().as_ref().to_owned());
                texts.extend((open.last().unwrap() == name).then(String::new));
                root.get_or_insert_with(|| open[0].clone());
            }
            Event::End(_) => drop(open.pop()?),
            Event::Text(text) if open.last().is_some_and(|open| open == name) => texts.last_mut().unwrap().push_str(&text.xml10_content()),
            Event::GeneralRef(reference) if open.last().is_some_and(|open| open == name) => {
                let character = reference.resolve_char_ref().ok()?.map(String::from);
                let text = character.or_else(|| resolve_predefined_entity(&reference).map(ToOwned::to_owned))?;
                texts.last_mut().unwrap().push_str(&text);
            }
            Event::Eof => return root.filter(|_| open.is_empty()).map(|root| (root, texts)),
            _ => {}
        }
    }
}
