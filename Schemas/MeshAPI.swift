// The API of the mesh: messages and services, generated from the schemas in this folder by
// Plugins/RPCCodegenPlugin. docs/IDL.md describes the language. SwiftPM drops a target that has no
// Swift file, which is why this one exists.
