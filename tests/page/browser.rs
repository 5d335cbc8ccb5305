//! Chromium without a window, spoken to in its own protocol over two pipes: nothing listens, nothing is fetched.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_mins(3);

pub struct Browser {
    folder: TempDir,
    process: Child,
    to: std::fs::File,
    from: Receiver<Value>,
    session: String,
    number: u64,
    waiting: VecDeque<Value>,
    /// Addresses that pages asked for.
    pub asked: Vec<String>,
    /// What pages complained about.
    pub complaints: Vec<String>,
}

impl Browser {
    /// Starts it, with one empty page.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [input, output] = ["in", "out"].map(|name| folder.path().join(name));
        assert!(Command::new("mkfifo").args([&input, &output]).status().unwrap().success());
        // the shell opens the pipes under the numbers that Chromium expects
        let script = "exec chromium --remote-debugging-pipe --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
                      --no-first-run --disable-extensions --user-data-dir=\"$0/profile\" about:blank 3<\"$0/in\" 4>\"$0/out\"";
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command.spawn().unwrap();
        let to = std::fs::OpenOptions::new().write(true).open(&input).unwrap();
        let from = listen(&output);
        let (session, waiting) = (String::new(), VecDeque::new());
        let mut browser =
            Self { folder, process, to, from, session, number: 0, waiting, asked: Vec::new(), complaints: Vec::new() };
        let targets = browser.say("Target.getTargets", &json!({}));
        let pages = targets["targetInfos"].as_array().unwrap();
        let page = pages.iter().find(|target| target["type"] == "page").unwrap();
        let attached = browser.say("Target.attachToTarget", &json!({ "targetId": page["targetId"], "flatten": true }));
        attached["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        for part in ["Page", "Runtime", "Network", "Log"] {
            browser.say(&format!("{part}.enable"), &json!({}));
        }
        browser
    }

    /// A command, and its answer.
    pub fn say(&mut self, method: &str, params: &Value) -> Value {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let answer = self.from.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no answer to {method}"));
            if answer["id"] == self.number {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            self.note(answer);
        }
    }

    fn note(&mut self, event: Value) {
        let params = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Network.requestWillBeSent" => self.asked.push(params["request"]["url"].as_str().unwrap().to_owned()),
            "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded" => {
                self.complaints.push(params.to_string());
            }
            "Page.loadEventFired" => self.waiting.push_back(event),
            _ => {}
        }
    }

    /// Opens an address and waits until it is loaded.
    pub fn open(&mut self, address: &str) {
        self.waiting.clear();
        self.say("Page.navigate", &json!({ "url": address }));
        self.loaded();
    }

    /// Waits until a page is loaded.
    pub fn loaded(&mut self) {
        let begin = Instant::now();
        while self.waiting.pop_front().is_none() {
            assert!(begin.elapsed() < PATIENCE, "the page is never loaded");
            if let Ok(event) = self.from.recv_timeout(Duration::from_millis(200)) {
                self.note(event);
            }
        }
    }

    /// What an expression is worth on the page.
    pub fn ask(&mut self, expression: &str) -> Value {
        let said = self.say("Runtime.evaluate", &json!({ "expression": expression, "returnByValue": true }));
        assert!(said["exceptionDetails"].is_null(), "{expression}: {}", said["exceptionDetails"]);
        said["result"]["value"].clone()
    }

    /// Waits until an expression is true on the page, as it stands, without loading it again.
    pub fn until(&mut self, expression: &str, patience: Duration) {
        let begin = Instant::now();
        while self.ask(expression) != true {
            if begin.elapsed() > patience {
                let page = self.ask("document.body.innerText");
                panic!("never: {expression}\n{}", page.as_str().unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Clicks, and waits until the page that follows is loaded.
    pub fn go(&mut self, selector: &str) {
        self.waiting.clear();
        self.ask(&format!("document.querySelector({}).click()", Value::from(selector)));
        self.loaded();
    }

    /// Types a key. What was loaded before is no answer to it.
    pub fn press(&mut self, key: &str) {
        self.waiting.clear();
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "code": key });
            event["windowsVirtualKeyCode"] = if key == "Tab" { 9 } else { 13 }.into();
            if key == "Enter" && kind == "keyDown" {
                event["text"] = "\r".into();
            }
            self.say("Input.dispatchKeyEvent", &event);
        }
    }

    /// The size of the window, and whether colours are dark.
    pub fn look(&mut self, width: u32, height: u32, dark: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.say("Emulation.setDeviceMetricsOverride", &size);
        let scheme = json!({ "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } });
        self.say("Emulation.setEmulatedMedia", &json!({ "features": [scheme] }));
    }

    /// Takes a picture into `folder`.
    pub fn picture(&mut self, folder: &Path, name: &str) {
        let taken = self.say("Page.captureScreenshot", &json!({ "format": "png" }));
        let coded = self.folder.path().join("picture");
        std::fs::write(&coded, taken["data"].as_str().unwrap()).unwrap();
        let decoded = Command::new("base64").arg("-d").arg(&coded).output().unwrap();
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), decoded.stdout).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}

/// Messages end with a zero byte.
fn listen(path: &Path) -> Receiver<Value> {
    let file = std::fs::File::open(path).unwrap();
    let (tell, from) = channel();
    std::thread::spawn(move || {
        let messages = std::io::BufRead::split(std::io::BufReader::new(file), 0);
        for message in messages.map_while(Result::ok) {
            if tell.send(serde_json::from_slice(&message).unwrap_or_default()).is_err() {
                return;
            }
        }
    });
    from
}
