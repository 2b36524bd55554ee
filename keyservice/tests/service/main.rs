//! The key service through its sockets, in this process and as the real program.

#[cfg(test)]
mod canaries;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod erasure;
#[cfg(test)]
mod files;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod ledger_proof;
#[cfg(test)]
mod metering;
#[cfg(test)]
mod pkcs11;
#[cfg(test)]
mod process;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod quorum;
#[cfg(test)]
mod relations;
#[cfg(test)]
mod root_on_node;
#[cfg(test)]
mod shifts;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod story;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
