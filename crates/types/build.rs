//! Compiles the `.proto` files of `proto/` without `protoc`: Rust types, the descriptor set for the node's proto JSON,
//! and a compact static schema that strict decoding and Amino JSON walk (`src/schema.rs`).

use std::{error::Error, fmt::Write as _, fs, path::Path, path::PathBuf};

use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    Value,
};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=build.rs");

    let root = Path::new("proto");
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([root])?;
    compiler
        .include_imports(true)
        .include_source_info(false)
        .open_files(&files)?;
    fs::write(
        out.join("descriptors.bin"),
        compiler.encode_file_descriptor_set(),
    )?;
    fs::write(out.join("schema.rs"), schema(&compiler.descriptor_pool())?)?;

    let mut set = compiler.file_descriptor_set();
    // Options and descriptors of descriptors are for tools; nobody needs them as Rust types.
    set.file.retain(|file| {
        !matches!(
            file.package(),
            "google.api" | "amino" | "cosmos.msg.v1" | "strongroom"
        ) && file.name() != "google/protobuf/descriptor.proto"
    });
    prost_build::Config::new()
        .out_dir(&out)
        .include_file("proto.rs")
        .compile_well_known_types()
        .enable_type_names()
        .compile_fds(set)?;
    Ok(())
}

fn collect(dir: &Path, into: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            into.push(path);
        }
    }
    Ok(())
}

/// `strongroom.JsonForm.DECIMAL`.
const DECIMAL: i32 = 2;

/// The messages outside `google.*`'s descriptor types, sorted by full name.
fn schema(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let extension = |name: &str| {
        pool.get_extension_by_name(name)
            .ok_or_else(|| format!("no extension {name}"))
    };
    let amino_name = extension("amino.name")?;
    let amino_field = extension("amino.field_name")?;
    let keep_empty = extension("amino.dont_omitempty")?;
    let json_form = extension("strongroom.json_form")?;
    let signer = extension("cosmos.msg.v1.signer")?;
    let service = extension("cosmos.msg.v1.service")?;

    let requests: Vec<String> = pool
        .services()
        .filter(|s| matches!(*s.options().get_extension(&service), Value::Bool(true)))
        .flat_map(|s| {
            s.methods()
                .map(|m| m.input().full_name().to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    let mut messages: Vec<MessageDescriptor> = pool
        .all_messages()
        .filter(|m| {
            m.parent_file().name() != "google/protobuf/descriptor.proto"
                && !matches!(m.package_name(), "google.api" | "amino" | "strongroom")
        })
        .collect();
    messages.sort_by(|a, b| a.full_name().cmp(b.full_name()));

    let mut text = String::from("static MESSAGES: &[Message] = &[\n");
    for message in &messages {
        let is_request = requests.iter().any(|r| r == message.full_name());
        writeln!(
            text,
            "    Message {{ name: {:?}, amino_name: {:?}, is_request: {is_request}, signers: &{:?}, fields: &[",
            message.full_name(),
            string(&message.options(), &amino_name),
            strings(&message.options(), &signer),
        )?;
        let mut fields: Vec<FieldDescriptor> = message.fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        for field in fields {
            let options = field.options();
            let amino = string(&options, &amino_field);
            writeln!(
                text,
                "        Field {{ number: {}, name: {:?}, amino_name: {:?}, repeated: {}, keep_empty: {}, oneof: {:?}, decimal: {}, kind: {} }},",
                field.number(),
                field.name(),
                if amino.is_empty() {
                    field.name()
                } else {
                    &amino
                },
                field.is_list(),
                matches!(*options.get_extension(&keep_empty), Value::Bool(true)),
                // The one of a proto3 `optional` field has no other member.
                field
                    .containing_oneof()
                    .and_then(|of| message.oneofs().position(|one| one == of)),
                matches!(
                    *options.get_extension(&json_form),
                    Value::EnumNumber(DECIMAL)
                ),
                kind(&field, &messages)?,
            )?;
        }
        text.push_str("    ] },\n");
    }
    text.push_str("];\n");
    Ok(text)
}

fn kind(field: &FieldDescriptor, messages: &[MessageDescriptor]) -> Result<String, Box<dyn Error>> {
    let unsupported = || {
        format!(
            "{}: a kind that the schema does not know",
            field.full_name()
        )
    };
    if field.is_map() {
        return Err(unsupported().into());
    }
    Ok(match field.kind() {
        Kind::Bool => "Kind::Bool".into(),
        Kind::Int32 => "Kind::Int32".into(),
        Kind::Int64 => "Kind::Int64".into(),
        Kind::Uint32 => "Kind::Uint32".into(),
        Kind::Uint64 => "Kind::Uint64".into(),
        Kind::Enum(_) => "Kind::Enum".into(),
        Kind::String => "Kind::String".into(),
        Kind::Bytes => "Kind::Bytes".into(),
        Kind::Message(m) => {
            let index = messages
                .iter()
                .position(|c| c.full_name() == m.full_name())
                .ok_or_else(unsupported)?;
            format!("Kind::Message({index})")
        }
        _ => return Err(unsupported().into()),
    })
}

fn string(options: &DynamicMessage, extension: &ExtensionDescriptor) -> String {
    options
        .get_extension(extension)
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn strings(options: &DynamicMessage, extension: &ExtensionDescriptor) -> Vec<String> {
    let value = options.get_extension(extension);
    value
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(|v| v.as_str().map(str::to_owned))
        .collect()
}
