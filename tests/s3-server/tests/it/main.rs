//! The server, from outside: the real SDK wherever it can say it, plain sockets where it cannot.

mod access;
mod conditions;
mod faults;
mod listing;
mod objects;
mod rounds;
mod support;
mod uploads;
