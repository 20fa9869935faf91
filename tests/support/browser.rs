//! A browser: Debian's Chromium without a window, driven over WebDriver. One for all tests of a process, one test at a time.
//!
//! In: keys, as a person types them, and what to wait for. Out: what the page shows, what axe finds on it, a picture. Never: a wait for
//! a time; the page itself says when it shows what is waited for. A test that is killed leaves no browser behind.

#![allow(dead_code, reason = "each test file takes what it needs")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may stop")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    str::FromStr,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::http::Method;
use fantoccini::{
    Client, ClientBuilder, Locator,
    wd::{TimeoutConfiguration, WebDriverCompatibleCommand, WindowHandle},
};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Url;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const WITH_BROWSER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/with-browser");
const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";
const TAB: &str = "\u{E004}";

/// Longer than any pause of the program that may stand before what is waited for, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(40);
/// So long a script looks before it is begun again.
const LOOKS_FOR: Duration = Duration::from_secs(5);
/// The page says when it shows a text at a place; `innerText` is what can be seen.
const SHOWS: &str = "
    const [place, text, patience, done] = arguments;
    const look = () => [...document.querySelectorAll(place)].map((found) => found.innerText).find((shown) => shown.includes(text));
    const watch = new MutationObserver(() => { if (look() !== undefined) end(); });
    const late = setTimeout(() => end(), patience);
    const end = () => { clearTimeout(late); watch.disconnect(); done({ shown: look(), page: document.body.innerText }); };
    watch.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    if (look() !== undefined) end();";
const JUDGE: &str = "
    const done = arguments[arguments.length - 1];
    const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const told = (found) => found.id + ': ' + found.help + ' ' + found.nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | ');
    axe.run(document, { runOnly: rules }).then(
      (judged) => done({ checked: judged.passes.length, findings: judged.violations.map(told) }),
      (error) => done({ checked: 0, findings: [String(error)] }));";

/// The browser.
pub struct Browser {
    client: Client,
    runtime: Runtime,
    axe: String,
    /// Its standard input: while it is open, the browser lives.
    _leash: Child,
}

/// A script that does not answer is given up after this time.
async fn scripts_wait(client: &Client, time: Duration) {
    client.update_timeouts(TimeoutConfiguration::new(Some(time), Some(2 * PATIENCE), None)).await.unwrap();
}

/// The one browser, with nothing left of the test before.
pub fn browser() -> MutexGuard<'static, Browser> {
    static BROWSER: OnceLock<Mutex<Browser>> = OnceLock::new();
    let browser = BROWSER.get_or_init(|| Mutex::new(Browser::start())).lock().unwrap_or_else(PoisonError::into_inner);
    browser.forgets();
    browser
}

impl Browser {
    fn start() -> Self {
        let profile = tempfile::Builder::new().prefix("cardbridge-browser-").tempdir_in("/tmp").unwrap().keep();
        let mut leash = Command::new("sh").args([WITH_BROWSER]).arg(&profile).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(leash.stdout.take().unwrap()).lines().map_while(Result::ok);
        let started = lines.find(|line| line.contains("started successfully on port "));
        let started = started.expect("no browser, which this test needs: apt-get install --no-install-recommends chromium chromium-driver");
        let port = started.rsplit(' ').next().unwrap().trim_end_matches('.').to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        let profile = format!("--user-data-dir={}", profile.display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-crash-reporter",
            "--lang=en",
            &profile,
        ];
        let wanted = json!({"goog:chromeOptions": {"args": arguments}});
        let runtime = Runtime::new().unwrap();
        let client = runtime.block_on(async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            let client =
                builder.capabilities(wanted.as_object().unwrap().clone()).connect(&format!("http://127.0.0.1:{port}")).await.unwrap();
            scripts_wait(&client, 2 * LOOKS_FOR).await;
            client
        });
        Self { client, runtime, axe: axe(), _leash: leash }
    }

    /// Back to one empty window, light and of the usual size, and to a browser that has signed in nowhere.
    fn forgets(&self) {
        self.runtime.block_on(async {
            let windows = self.client.windows().await.unwrap();
            for window in &windows[1..] {
                self.client.switch_to_window(window.clone()).await.unwrap();
                self.client.close_window().await.unwrap();
            }
            self.client.switch_to_window(windows[0].clone()).await.unwrap();
            self.client.goto("about:blank").await.unwrap();
        });
        self.tells("Network.clearBrowserCookies", json!({}));
        self.is_sized(1280, 900);
        self.is_dark(false);
    }

    /// Opens the page of this address.
    pub fn opens(&self, address: &str) {
        self.runtime.block_on(self.client.goto(&format!("http://{address}/"))).unwrap();
    }

    /// Opens what stands at this whole address.
    pub fn goes_on_to(&self, url: &str) {
        self.runtime.block_on(self.client.goto(url)).unwrap();
    }

    /// Waits until it has gone on by itself to a page of a station: a script that waits in the page before is lost with it.
    pub fn is_led_on(&self) {
        let is_there = || self.runtime.block_on(self.client.current_url()).is_ok_and(|url| url.scheme().starts_with("http"));
        crate::support::wait_for("the page of the station", || is_there().then_some(()));
    }

    /// Forgets whom it is known as anywhere.
    pub fn is_nobodys(&self) {
        self.tells("Network.clearBrowserCookies", json!({}));
    }

    /// Loads the page anew.
    pub fn reloads(&self) {
        self.runtime.block_on(self.client.refresh()).unwrap();
    }

    /// Another tab, which is used from then on, and the one used before.
    pub fn another_tab(&self) -> WindowHandle {
        self.runtime.block_on(async {
            let before = self.client.window().await.unwrap();
            let new = self.client.new_window(true).await.unwrap();
            self.client.switch_to_window(new.handle).await.unwrap();
            before
        })
    }

    /// Closes this tab and goes to that one.
    pub fn closes_for(&self, tab: WindowHandle) {
        self.runtime.block_on(self.client.close_window()).unwrap();
        self.goes_to(tab);
    }

    /// Goes to that tab.
    pub fn goes_to(&self, tab: WindowHandle) {
        self.runtime.block_on(self.client.switch_to_window(tab)).unwrap();
    }

    /// Types at the keyboard: into whatever has the focus. Whom the desk page has just moved looks first, as people do; what comes before
    /// that was meant for another place, and the page drops it.
    pub fn types(&self, keys: &str) {
        let has_looked = "return typeof moved === 'undefined' || performance.now() - moved.at > STRAY;";
        crate::support::wait_for("a look at where the page has moved", || (self.runs(has_looked, &[]) == true).then_some(()));
        self.runtime.block_on(async { self.client.active_element().await.unwrap().send_keys(keys).await.unwrap() });
    }

    /// Types, and presses Enter.
    pub fn enters(&self, keys: &str) {
        self.types(&format!("{keys}{ENTER}"));
    }

    /// Presses Escape.
    pub fn escapes(&self) {
        self.types(ESCAPE);
    }

    /// Presses Tab so often that this has the focus.
    pub fn tabs_to(&self, what: &str) {
        for _ in 0..40 {
            if self.has_focus(what) {
                return;
            }
            self.types(TAB);
        }
        panic!("Tab does not come to {what}: {}", self.page());
    }

    /// True while this has the focus.
    pub fn has_focus(&self, what: &str) -> bool {
        self.runs("return document.activeElement.matches(arguments[0]);", &[what.into()]) == json!(true)
    }

    /// Presses a button or a link.
    pub fn presses(&self, what: &str) {
        self.runtime.block_on(async { self.client.find(Locator::Css(what)).await.unwrap().click().await.unwrap() });
    }

    /// Drops this file onto the page, as a hand with a mouse does.
    pub fn drops(&self, file: &Path) {
        let data = json!({"items": [], "files": [file], "dragOperationsMask": 1});
        for kind in ["dragEnter", "dragOver", "drop"] {
            self.tells("Input.dispatchDragEvent", json!({"type": kind, "x": 200, "y": 200, "data": data}));
        }
    }

    /// Waits until this text can be seen at a place, and returns all that is seen there.
    pub fn shows(&self, place: &str, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            // A script that waits is lost with its page where that is loaded anew meanwhile: so it waits for a while, and is begun again.
            let arguments = vec![place.into(), text.into(), json!(LOOKS_FOR.as_millis() as u64)];
            let answer = self.runtime.block_on(self.client.execute_async(SHOWS, arguments));
            if let Some(shown) = answer.as_ref().ok().and_then(|answer| answer["shown"].as_str()) {
                return shown.to_owned();
            }
            let is_late = Instant::now() >= end;
            assert!(!is_late, "{text:?} is not shown at {place} ({:?}); the page shows:\n{}", answer.err(), self.page());
        }
    }

    /// All that can be seen.
    pub fn page(&self) -> String {
        self.runs("return document.body.innerText;", &[]).as_str().unwrap().to_owned()
    }

    /// Runs a script in the page.
    pub fn runs(&self, script: &str, arguments: &[Value]) -> Value {
        self.runtime.block_on(self.client.execute(script, arguments.to_vec())).unwrap()
    }

    /// Runs a script in the page and waits until it calls the function that is its last argument.
    pub fn waits(&self, script: &str, arguments: &[Value]) -> Value {
        self.runtime.block_on(async {
            scripts_wait(&self.client, 2 * PATIENCE).await;
            let answer = self.client.execute_async(script, arguments.to_vec()).await.unwrap();
            scripts_wait(&self.client, 2 * LOOKS_FOR).await;
            answer
        })
    }

    /// Nothing on the page is in the way of anybody, in the light and in the dark, and all of it is seen on a small telephone and on
    /// a large screen. With `PICTURES`, the folder of that name gets a picture of each.
    pub fn is_for_everybody(&self) {
        for width in [320, 3840] {
            self.is_sized(width, 900);
            let cut = self.runs("return document.documentElement.scrollWidth - innerWidth;", &[]);
            assert!(cut.as_i64() <= Some(0), "{cut} pixels are cut off at a width of {width}:\n{}", self.page());
        }
        self.is_sized(1280, 900);
        if self.runs("return typeof axe;", &[]) == "undefined" {
            self.runs(&self.axe, &[]);
        }
        for dark in [true, false] {
            self.is_dark(dark);
            let judged = self.waits(JUDGE, &[]);
            assert!(judged["checked"].as_u64() > Some(5), "{judged:#}");
            assert_eq!(judged["findings"], json!([]), "dark: {dark}; the page shows:\n{}", self.page());
        }
        if let Ok(folder) = std::env::var("PICTURES") {
            self.is_painted(&PathBuf::from(folder));
        }
    }

    fn is_painted(&self, folder: &Path) {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let state = NEXT.fetch_add(1, Ordering::Relaxed);
        for (width, height, dark) in [(320, 640, false), (1280, 800, true), (1280, 800, false), (2560, 1440, false)] {
            self.is_sized(width, height);
            self.is_dark(dark);
            fs::write(folder.join(format!("{state:02}-{width}{}.png", if dark { "-dark" } else { "" })), self.picture()).unwrap();
        }
        self.is_sized(1280, 900);
    }

    /// Light or dark, as the person set it.
    pub fn is_dark(&self, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        self.tells("Emulation.setEmulatedMedia", json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}));
    }

    /// The size of the window.
    pub fn is_sized(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tells("Emulation.setDeviceMetricsOverride", size);
    }

    /// What it looks like, as PNG.
    pub fn picture(&self) -> Vec<u8> {
        self.runtime.block_on(self.client.screenshot()).unwrap()
    }

    /// Tells the browser something that WebDriver has no word for.
    fn tells(&self, command: &str, parameters: Value) {
        let told = Told(json!({"cmd": command, "params": parameters}).to_string());
        self.runtime.block_on(self.client.issue_cmd(told)).unwrap();
    }
}

/// A command of Chromium's own protocol.
#[derive(Debug)]
struct Told(String);

impl WebDriverCompatibleCommand for Told {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.0.clone()))
    }
}

/// axe, which knows what keeps people from using a page.
fn axe() -> String {
    let test = std::env::current_exe().unwrap();
    let file: PathBuf = test.ancestors().nth(3).unwrap().join("python/axe.min.js");
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}; `make judges` fetches it", file.display()))
}
