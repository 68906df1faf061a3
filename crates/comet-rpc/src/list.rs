//! The page that lists the methods: what `GET /` shows.

use super::methods::{METHODS, Method};

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn link(host: &str, method: &Method) -> String {
    let params: Vec<String> = method
        .params
        .iter()
        .map(|(name, _)| format!("{name}=_"))
        .collect();
    let address = format!("//{host}/{}?{}", method.name, params.join("&"));
    format!("<a href=\"{address}\">{address}</a></br>")
}

/// The page, with links to `host`.
pub(crate) fn page(host: &str) -> String {
    let host = escape(host);
    let links: String = METHODS.iter().map(|method| link(&host, method)).collect();
    format!(
        "<html><body><br>Available endpoints:<br><br>Endpoints that require arguments:<br>{links}</body></html>"
    )
}
