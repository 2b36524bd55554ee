//! Segel: the archive's doors, its commands and the wiring.

mod canary;
mod client;
mod commands;
mod commitment;
mod config;
mod crowd;
mod demo;
mod dicomweb;
mod dimse;
mod durable;
mod embedded;
mod emergency;
mod export;
mod fhir;
mod http;
mod identity;
mod isolation;
mod node;
mod observe;
mod openapi;
mod outcome;
mod pages;
mod passphrase;
mod pixels;
mod recode;
mod register;
mod tls;
mod whereabouts;
mod worklist;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    commands::run()
}
