//! In a browser: no key and no single press approves, refuses or starts anything, and what a person types stays.

use super::access::{PLAYBOOK, waiting};
use super::browser::Browser;
use super::call::get;
use super::served::Served;
use cutover::store::{Journal, RunRecord, Store};
use std::path::PathBuf;
use std::time::Duration;

const MOMENT: Duration = Duration::from_secs(20);
/// As long as an update needs to come and a form to be sent.
const A_WHILE: Duration = Duration::from_millis(700);

const SCHEDULES: &str = "version: 1\nschedules:\n  weekly-swap: { action: run, playbook: playbook.yaml, inventory: \
                         inventory.yaml, cron: \"0 4 1 1 *\", time_zone: UTC, latest_start: 1h }\n  practice: { action: \
                         rehearse, playbook: playbook.yaml, cron: \"0 3 * * *\", time_zone: UTC, latest_start: 1h }\n";

fn pictures() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("deliberate");
    println!("pictures: {}", folder.display());
    folder
}

fn log_in(browser: &mut Browser, home: &str, token: &str) {
    browser.open(&format!("{home}login"));
    // a page takes the cursor to its field when it is first drawn, which may be after it is loaded
    browser.until("document.activeElement.id === 'token'", MOMENT);
    browser.say("Input.insertText", &serde_json::json!({ "text": token }));
    browser.press("Enter");
    browser.loaded();
}

fn type_into(browser: &mut Browser, id: &str, text: &str) {
    browser.ask(&format!("document.getElementById('{id}').focus()"));
    browser.say("Input.insertText", &serde_json::json!({ "text": text }));
}

#[test]
fn a_run_is_answered_by_a_typed_word_and_a_press_alone() {
    let mut run = None;
    let served = Served::new(&[], |before| {
        let (child, id) = waiting(&before.state, PLAYBOOK);
        let journal = Store::open(&before.state).unwrap();
        let plan = journal.run(&id).unwrap().plan().unwrap();
        journal.create_run(&RunRecord::new("29991231-235959-ffff", &plan, 32_503_679_999_000).unwrap()).unwrap();
        run = Some((child, id));
    });
    let (mut child, run) = run.unwrap();
    let home = format!("http://{}/", served.address);
    let (mut browser, folder) = (Browser::start(), pictures());
    browser.look(1280, 900, false);
    log_in(&mut browser, &home, &served.ola);

    // a run that waits is shown so, and stands first
    browser.until("document.querySelector('#runs tbody tr .badge').textContent.includes('waiting')", MOMENT);
    let rows = "[...document.querySelectorAll('#runs tbody a')].map(a => a.textContent).join(' ')";
    assert_eq!(browser.ask(rows), format!("{run} 29991231-235959-ffff"), "the newer one stands below it");
    browser.until("document.querySelector('#headline .badge').textContent.includes('waiting')", MOMENT);
    browser.picture(&folder, "waiting-first");

    browser.open(&format!("{home}runs/{run}"));
    browser.until("!!document.querySelector('#asks form')", MOMENT);
    type_into(&mut browser, "reason-go", "the figures are good");
    browser.press("Enter");
    type_into(&mut browser, "confirm-go", "approve");
    browser.press("Enter");
    std::thread::sleep(A_WHILE);
    assert_eq!(browser.ask("location.pathname"), format!("/runs/{run}"), "Enter sends nothing");
    assert!(child.try_wait().unwrap().is_none(), "and answers nothing");

    // an update by others leaves what is typed, and the caret, where they are
    browser.ask("document.getElementById('reason-go').setSelectionRange(4, 4)");
    browser.ask("document.getElementById('reason-go').focus()");
    let html = "document.getElementById('asks').innerHTML";
    browser.ask(&format!("put('asks', {html}.replace('waits for approval', 'still waits for approval'))"));
    assert_eq!(browser.ask("document.querySelector('#asks').innerText.includes('still waits')"), true);
    assert_eq!(browser.ask("document.getElementById('reason-go').value"), "the figures are good");
    assert_eq!(browser.ask("document.getElementById('confirm-go').value"), "approve");
    assert_eq!(browser.ask("document.activeElement.id + document.activeElement.selectionStart"), "reason-go4");
    browser.picture(&folder, "typed");

    // the wrong word: the browser holds it back, and so does the page where the browser does not
    browser.ask("document.getElementById('confirm-go').value = 'yes'");
    browser.ask("document.querySelector('#asks button.go').click()");
    std::thread::sleep(A_WHILE);
    assert_eq!(browser.ask("location.pathname"), format!("/runs/{run}"));
    browser.ask("document.querySelector('#asks form').noValidate = true");
    browser.ask("document.getElementById('confirm-go').value = 'refuse'");
    browser.go("#asks button.go");
    let said = browser.ask("document.body.innerText");
    assert!(said.as_str().unwrap().contains("`confirm` must be `approve`, and it was `refuse`"), "{said}");
    browser.picture(&folder, "wrong-word");
    assert!(child.try_wait().unwrap().is_none(), "nothing of all this was an answer");

    browser.open(&format!("{home}runs/{run}"));
    type_into(&mut browser, "reason-go", "the figures are good");
    type_into(&mut browser, "confirm-go", "approve");
    browser.go("#asks button.go");
    assert!(child.wait().unwrap().success());
    assert!(get(served.address, &format!("/runs/{run}")).body.contains("approved by ola: the figures are good"));
}

#[test]
fn a_schedule_is_started_by_its_typed_name_alone() {
    let served = Served::new(&[], |before| {
        let folder = before.state.parent().unwrap();
        std::fs::write(folder.join("playbook.yaml"), "version: 1\nname: p\nsteps:\n  - { id: a, uses: approve }\n")
            .unwrap();
        std::fs::write(folder.join("inventory.yaml"), "hosts: { local: {} }\n").unwrap();
        std::fs::write(folder.join("schedules.yaml"), SCHEDULES).unwrap();
    });
    let home = format!("http://{}/", served.address);
    let (mut browser, folder) = (Browser::start(), pictures());
    browser.look(1280, 900, false);
    log_in(&mut browser, &home, &served.anna);
    let table = browser.ask("document.getElementById('schedules').innerText");
    let table = table.as_str().unwrap();
    assert!(
        table.contains("run playbook.yaml, on live servers") && table.contains("rehearse playbook.yaml"),
        "{table}"
    );

    let started = || get(served.address, "/").body.contains("started");
    let open = "document.querySelectorAll('#schedules details')[1].querySelector('summary').click()";
    browser.ask(open);
    browser.until("document.querySelectorAll('#schedules details')[1].open", MOMENT);
    browser.ask("document.querySelectorAll('#schedules details')[1].querySelector('button:not([hidden])').click()");
    std::thread::sleep(A_WHILE);
    let field = browser.ask("document.querySelectorAll('#schedules details')[1].querySelector('.word').id");
    let field = field.as_str().unwrap().to_owned();
    type_into(&mut browser, &field, "weekly-swap");
    browser.press("Enter");
    std::thread::sleep(A_WHILE);
    assert_eq!(browser.ask("location.pathname"), "/");
    assert!(!started(), "one press starts nothing, and Enter does not either");
    browser.picture(&folder, "schedule");

    // the list is drawn anew while somebody types
    browser.ask("put('schedules', document.getElementById('schedules').innerHTML)");
    assert_eq!(browser.ask(&format!("document.getElementById('{field}').value")), "weekly-swap");
    assert_eq!(browser.ask("document.querySelectorAll('#schedules details')[1].open"), true);
    browser.go("#schedules tr:nth-child(2) form button:not([hidden])");
    browser.until("document.body.innerText.includes('started')", MOMENT);
    assert!(started());
}
