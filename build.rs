//! A new migration must be seen by the compiler, which embeds them.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
