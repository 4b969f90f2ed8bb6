//! What the crate promises to the others, seen from outside: the client against a server that
//! follows a script, and objects of every version against one reading.

#![expect(clippy::unwrap_used, reason = "tests")]

mod client;
mod fixtures;
mod script;
mod versions;
