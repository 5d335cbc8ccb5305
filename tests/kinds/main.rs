//! Every step kind on real servers and hosts: done, looked at, refused, done again, taken back.

mod accounts;
mod application;
mod bench;
mod benchmark;
mod change_source;
mod dump;
mod fence;
mod import;
mod lag;
mod promote;
mod small;
mod tunnel;
