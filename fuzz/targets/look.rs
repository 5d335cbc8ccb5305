#![no_main]
#[path = "../src/served.rs"]
mod served;
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| served::played(&["preflight", "verify", "render", "set_variables"], bytes));
