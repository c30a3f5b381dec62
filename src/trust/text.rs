//! stub
use super::list::TrustList;
/// stub
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stub")]
pub struct TextError;
/// stub
pub fn decode(_bytes: &[u8]) -> Option<String> {
    None
}
/// stub
pub fn import(_text: &str) -> Result<Vec<TrustList>, TextError> {
    Err(TextError)
}
