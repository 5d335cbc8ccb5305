//! A run is bound to the file of people that its first answer came by.

use super::access::waiting;
use super::call::call;
use super::served::{Served, token};

const PLAYBOOK: &str = "version: 1\nname: ask\nsteps:\n  - { id: go, uses: approve, with: { by: { count: 2 } } }\n  \
                        - { id: after, needs: [go], uses: command, with: { host: local, run: [echo, hi] } }\n";

#[test]
fn a_file_that_is_swapped_between_two_answers_is_refused() {
    let mut run = None;
    let served = Served::new(&[], |before| run = Some(waiting(&before.state, PLAYBOOK)));
    let (mut child, run) = run.unwrap();
    let path = format!("/runs/{run}/steps/go/decision");
    let answer = |token: &str| {
        let bearer = format!("Authorization: Bearer {token}");
        let said = call(served.address, "POST", &path, &[&bearer], "answer=yes&confirm=approve");
        (said.status, said.body)
    };
    assert_eq!(answer(&served.anna).0, 204);
    assert_eq!(answer(&served.anna).0, 409, "one person is no two");
    let people = served.folder.path().join("people.yaml");
    let (second, line) = token("anna-too", &[]);
    let text = std::fs::read_to_string(&people).unwrap();
    std::fs::write(&people, format!("{text}  {line}\n")).unwrap();
    let (status, said) = answer(&second);
    assert_eq!(status, 409, "{said}");
    for words in ["the file of people has changed", "anna-too is new", "cutover people accept", "nothing was written"] {
        assert!(said.contains(words), "{words} is missing in {said}");
    }
    assert!(child.try_wait().unwrap().is_none());
    std::fs::write(&people, text).unwrap();
    assert_eq!(answer(&served.ola).0, 204, "the file is what it was");
    assert!(child.wait().unwrap().success());
}
