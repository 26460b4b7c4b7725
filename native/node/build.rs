//! Links the Node-API symbols of the binding.
fn main() {
    napi_build::setup();
}
