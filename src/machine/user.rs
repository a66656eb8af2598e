//! Who runs this process, as the machine knows them.

use super::environment::variable;
use std::os::unix::fs::MetadataExt as _;

/// The user's name: of the environment, else of the machine's list of users.
pub fn name() -> Option<String> {
    variable("USER").or_else(|| variable("LOGNAME")).or_else(|| {
        // The kernel gives a process's directory to whoever runs it.
        let id = std::fs::metadata("/proc/self").ok()?.uid();
        name_of(id, &std::fs::read_to_string("/etc/passwd").ok()?)
    })
}

/// The name of a user's number in a list of users.
fn name_of(id: u32, passwd: &str) -> Option<String> {
    let id = id.to_string();
    let mut lines = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let line = lines.find(|fields| fields.get(2) == Some(&id.as_str()))?;
    line.first().map(|name| (*name).to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn a_number_has_a_name() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nana:x:1000:1000::/home/ana:/bin/sh\n:x:7:7\nshort:x\n";
        for (id, want) in [(0, Some("root")), (1000, Some("ana")), (100, None), (7, None)] {
            assert_eq!(name_of(id, passwd).as_deref(), want, "{id}");
        }
    }
}
