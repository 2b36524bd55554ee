//! The bytes of every message are the format: for each part of the protocol a golden file has a line for each variant.

#[cfg(test)]
mod alarms;
#[cfg(test)]
mod core;
#[cfg(test)]
mod custody;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod relations;

/// The frame in hexadecimal, after checking that it says what it said.
#[cfg(test)]
fn line<T>(family: &str, message: &T) -> String
where
    T: minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()> + PartialEq + std::fmt::Debug,
{
    let told = || {
        let encoded = seal::frame::encode(message).ok()?;
        let body = encoded.get(seal::frame::PREFIX_BYTES..)?;
        let is_same = seal::frame::decode::<T>(body).is_ok_and(|decoded| decoded == *message);
        is_same.then(|| format!("{family} {}\n", hex::encode(&encoded)))
    };
    told().unwrap_or_else(|| format!("{family}: {message:?} does not say what it said\n"))
}
