//! A rehearsal, in a browser from its start to its report: real servers, a real switch, nothing loaded again by hand.

use super::browser::Browser;
use super::call::get;
use super::served::Served;
use std::path::Path;
use std::time::Duration;

const MINUTES: Duration = Duration::from_mins(8);
const MOMENT: Duration = Duration::from_secs(20);
/// Folder for pictures of what is seen; none are taken without it.
const PICTURES: &str = "PAGE_PICTURES";

fn playbooks(folder: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/replication_swap.yaml");
    let text = std::fs::read_to_string(from).unwrap();
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("replication_swap.yaml"), text).unwrap();
}

/// Pictures of the page as it stands, on a desk and in a hand; and that nothing sticks out of a telephone.
fn pictures(browser: &mut Browser, name: &str, from: &str) {
    let folder = std::env::var_os(PICTURES).map(std::path::PathBuf::from);
    let desk = (1280, 900);
    for (width, height, dark, suffix) in
        [(390, 844, false, "telephone"), (desk.0, desk.1, true, "dark"), (desk.0, desk.1, false, "desktop")]
    {
        browser.look(width, height, dark);
        let wide = browser.ask("document.documentElement.scrollWidth").as_u64().unwrap();
        assert!(wide <= width.into(), "{name} sticks out: {wide} of {width} pixels");
        if let Some(folder) = &folder {
            browser.ask(&format!("document.querySelector('{from}').scrollIntoView()"));
            std::thread::sleep(Duration::from_millis(600)); // colours fade over
            browser.picture(folder, &format!("{name}-{suffix}"));
        }
    }
}

fn passwords_of(run: &str, served: &Served, secrets: &[String]) {
    for path in ["/", "/metrics", &format!("/runs/{run}"), &format!("/runs/{run}/plan"), &format!("/runs/{run}/report")]
    {
        let page = get(served.address, path);
        assert_eq!(page.status, 200, "{path}");
        for secret in secrets {
            assert!(!page.body.contains(secret.as_str()), "{path} holds a secret");
        }
    }
}

/// Secrets of the sandbox, from the environment of the process that runs in it.
fn secrets(served: &Served) -> Vec<String> {
    let state = served.state().display().to_string();
    let mut found: Vec<String> = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        if !String::from_utf8_lossy(&line).contains(&state) {
            continue;
        }
        let variables = std::fs::read(process.path().join("environ")).unwrap_or_default();
        let variables = String::from_utf8_lossy(&variables).into_owned();
        let values = variables.split('\0').filter_map(|pair| pair.split_once("_PASSWORD="));
        found.extend(values.map(|(_, value)| value.to_owned()));
    }
    assert!(found.len() >= 4 && found.iter().all(|secret| secret.len() > 10), "{} secrets", found.len());
    found
}

#[test]
fn a_rehearsal_is_started_watched_approved_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    playbooks(folder.path());
    let served = Served::new(&["--playbooks", &folder.path().display().to_string()], |_| {});
    let home = format!("http://{}/", served.address);
    let mut browser = Browser::start();
    browser.look(1280, 900, false);
    browser.open(&home);
    assert_eq!(browser.ask("!!document.querySelector('form.start')"), false, "nobody is logged in");

    // by keyboard alone: the link to the content is first, then the name of the page, then logging in
    browser.press("Tab");
    assert_eq!(browser.ask("document.activeElement.className"), "skip");
    browser.press("Tab");
    browser.press("Tab");
    assert_eq!(browser.ask("document.activeElement.textContent"), "Log in");
    browser.press("Enter");
    browser.loaded();
    browser.until("document.activeElement.id === 'token'", MOMENT);
    browser.say("Input.insertText", &serde_json::json!({ "text": served.anna }));
    browser.press("Enter");
    browser.loaded();
    assert_eq!(browser.ask("document.querySelector('.person').textContent"), "anna");

    browser.ask("document.getElementById('rows').value = 3000");
    browser.ask("document.getElementById('rate').value = 40");
    browser.ask("document.getElementById('confirm-rehearse').click()");
    browser.go("form.start button.main");
    pictures(&mut browser, "start", "body");
    browser.until("!!document.querySelector('#runs tbody a')", MINUTES);
    browser.go("#runs tbody a");
    let run = browser.ask("location.pathname").as_str().unwrap().trim_start_matches("/runs/").to_owned();
    browser.ask("window.untouched = true");
    let is = |number: &str, class: &str| format!("document.querySelectorAll('#{number} rect.{class}').length");
    browser.until(&format!("{} > 0", is("content", "succeeded")), MINUTES);
    let secrets = secrets(&served);
    browser.until("document.querySelector('#asks form') !== null", MINUTES);
    let green = browser.ask(&is("content", "succeeded")).as_u64().unwrap();
    assert!(green > 5, "{green} steps are green");
    browser.until("document.querySelector('#lag svg') !== null", MOMENT);
    passwords_of(&run, &served, &secrets);
    pictures(&mut browser, "waiting", "body");
    pictures(&mut browser, "graph", ".both");
    assert_eq!(browser.ask("window.untouched"), true, "nothing was loaded again");

    browser.ask("document.querySelector('#asks input[name=reason]').value = 'seen by two'");
    browser.ask("document.querySelector('#asks input[name=confirm]').value = 'approve'");
    browser.go("#asks button.go");
    browser.ask("window.untouched = true");
    browser
        .until("document.querySelectorAll('#content rect.step:not(.succeeded):not(.skipped)').length === 0", MINUTES);
    browser.until("document.getElementById('headline').innerText.includes('done')", MOMENT);
    browser.until("document.body.innerText.includes('running') === false", MOMENT);
    assert_eq!(browser.ask("window.untouched"), true, "nothing was loaded again");
    pictures(&mut browser, "done", "body");
    let logs = "[...document.querySelectorAll('.log')].map(log => log.textContent).join(' ')";
    assert!(browser.ask(logs).as_str().unwrap().contains("approved by anna: seen by two"));

    browser.go("a[href$='/report']");
    assert!(browser.ask("document.body.innerText").as_str().unwrap().contains(&run));
    browser.open(&format!("{home}runs/{run}/plan"));
    assert!(browser.ask("document.title").as_str().unwrap().contains("replication-swap"));
    browser.open(&home);
    browser.until("document.getElementById('starts').innerText.includes('passed')", MINUTES);
    pictures(&mut browser, "runs", "body");
    passwords_of(&run, &served, &secrets);

    let elsewhere: Vec<&String> = browser.asked.iter().filter(|address| !address.starts_with(&home)).collect();
    assert!(elsewhere.iter().all(|address| *address == "about:blank"), "{elsewhere:?}");
    assert!(browser.asked.iter().any(|address| address.ends_with("/events")), "{:?}", browser.asked);
    assert!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
}
