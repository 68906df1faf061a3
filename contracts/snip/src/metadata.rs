//! What a token says of itself: a link, or the fields that the standard names.

use cosmwasm_std::{StdError, StdResult};
use serde::{Deserialize, Serialize};

/// Longest metadata of a token, in bytes of text.
const BYTES_MAX: usize = 16_384;

/// Metadata of a token, public or private.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Where it is, if it is elsewhere.
    pub token_uri: Option<String>,
    /// What it is, if it is here.
    pub extension: Option<Extension>,
}

/// The fields of the standard.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(default)]
pub struct Extension {
    /// Link to an image.
    pub image: Option<String>,
    /// An image in SVG.
    pub image_data: Option<String>,
    /// Link to a page.
    pub external_url: Option<String>,
    /// In words.
    pub description: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Traits.
    pub attributes: Option<Vec<Attribute>>,
    /// Six hexadecimal digits.
    pub background_color: Option<String>,
    /// Link to a film.
    pub animation_url: Option<String>,
    /// Link to a film elsewhere.
    pub youtube_url: Option<String>,
    /// Files.
    pub media: Option<Vec<MediaFile>>,
    /// Names of private attributes.
    pub protected_attributes: Option<Vec<String>>,
    /// Kind of token, for contracts that have several.
    pub token_subtype: Option<String>,
}

/// A trait.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// How to show it.
    pub display_type: Option<String>,
    /// Its name.
    pub trait_type: Option<String>,
    /// Its value.
    pub value: String,
    /// Its highest value.
    pub max_value: Option<String>,
}

/// A file.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct MediaFile {
    /// What it is.
    pub file_type: Option<String>,
    /// How its name ends.
    pub extension: Option<String>,
    /// What opens it.
    pub authentication: Option<Authentication>,
    /// Where it is.
    pub url: String,
}

/// What opens a file.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// A password or a key.
    pub key: Option<String>,
    /// A name.
    pub user: Option<String>,
}

impl Metadata {
    /// Refuses what is a link and fields at once, neither, or too long.
    pub fn check(&self) -> StdResult<()> {
        if self.token_uri.is_some() == self.extension.is_some() {
            return Err(StdError::generic_err(
                "Metadata has either a token_uri or an extension",
            ));
        }
        if cosmwasm_std::to_vec(self)?.len() > BYTES_MAX {
            let why = format!("Metadata has {BYTES_MAX} bytes at most");
            return Err(StdError::generic_err(why));
        }
        Ok(())
    }
}
