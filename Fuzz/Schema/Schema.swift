// The entry point for libFuzzer; scripts/fuzz builds it with the pure parts of RPCCodegen.

/// A schema is read to its end, its mistakes can be shown, and its form is the same twice.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: count))
    let count = mistakes(bytes)
    guard let formatted = Formatter.formatted(SourceText(path: "fuzz.rpc", bytes: bytes))
    else { return 0 }
    let again = Formatter.formatted(SourceText(path: "fuzz.rpc", bytes: formatted))
    report(again == formatted, "a form that is not the same twice")
    report(count > 0 || mistakes(formatted) == 0, "a form that has mistakes")
    return 0
}

private func report(_ condition: Bool, _ what: String) {
    // A trap is what libFuzzer takes note of.
    if !condition { fatalError(what) }
}

/// How many mistakes a schema has; each is rendered, so that its place is used too.
private func mistakes(_ bytes: [UInt8]) -> Int {
    var compilation = Compilation(
        tree: SourceTree(
            read: { $0 == "fuzz.rpc" ? bytes : nil }, list: { [] }, displayed: { $0 }))
    compilation.load("fuzz.rpc")
    for mistake in compilation.diagnostics.sorted {
        _ = mistake.rendered { compilation.source(displayed: $0) }
    }
    return compilation.diagnostics.all.count
}
