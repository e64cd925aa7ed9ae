//! A new migration must be seen by the compiler, which embeds them. Templates it sees by itself.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
