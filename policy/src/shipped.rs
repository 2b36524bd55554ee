//! The reviewed files, as they are compiled in.

/// What policies may speak of. A set of policies cannot bring its own, because the program brings the facts.
pub(crate) const SCHEMA: &str = include_str!("../../policies/schema.cedarschema");

/// The policies in force unless others have been installed: names and texts.
pub const SHIPPED: &[(&str, &str)] = &[
    ("labels.cedar", include_str!("../../policies/labels.cedar")),
    ("purposes.cedar", include_str!("../../policies/purposes.cedar")),
    ("relations.cedar", include_str!("../../policies/relations.cedar")),
    ("roles.cedar", include_str!("../../policies/roles.cedar")),
    ("standing.cedar", include_str!("../../policies/standing.cedar")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Label, Purpose, Role};

    #[test]
    fn every_file_of_the_folder_is_compiled_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".cedar"))
            .collect();
        names.sort();
        assert_eq!(names, SHIPPED.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn the_schema_names_every_role_purpose_label_and_right() {
        let roles = Role::all().iter().map(|(_, name)| *name);
        let purposes = Purpose::all().iter().map(|(_, code)| *code);
        let labels = Label::all().iter().map(|(_, code)| *code);
        let rights = crate::Right::all().iter().map(|(_, name)| *name);
        for name in roles.chain(purposes).chain(labels).chain(rights) {
            assert!(SCHEMA.contains(&format!("\"{name}\"")), "{name}");
        }
    }
}
